"""Progress in words: rows, bytes and time left. Pure: a Progress in, text out."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable

from pipeline_cli.progress import Progress

# Decimal, as the sizes that buckets and most file managers show.
UNITS = (("GB", 10**9), ("MB", 10**6), ("kB", 10**3), ("bytes", 1))
MINUTE_S, HOUR_S = 60, 3600


class Pace:
    """Reckons the time left of whatever is told of, from the first time on. now: a clock in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._begun: dict[Hashable, tuple[float, float]] = {}

    def left_s(self, what: Hashable, share: float | None) -> float | None:
        """Seconds until the share would be 1; None where that is not known, or done."""
        if share is None:
            return None
        now = self._now()
        begun_at, begun_share = self._begun.setdefault(what, (now, share))
        if share < begun_share:  # tried again, from the start
            self._begun[what] = (now, share)
            return None
        if now == begun_at or share == begun_share or share == 1:
            return None
        return (now - begun_at) / (share - begun_share) * (1 - share)


def describe_line(progress: Progress, left_s: float | None) -> str:
    """'1,200,000 rows of contacts, 210 of 824 MB, 12 s left'; without any total 'rows of contacts so far'."""
    name = f" of {progress.resource}"
    size, left = describe_bytes(progress), describe_left(left_s)
    if progress.share is None:
        return f"{describe_rows(progress)}{name} so far"
    if not progress.records and size:
        return ", ".join(filter(None, [size + name, left]))
    return ", ".join(filter(None, [describe_rows(progress) + name, size, left]))


def describe_beside_bar(progress: Progress, left_s: float | None, width: int) -> str:
    """As much as `width` columns hold; the resource's name is left out first, then rows, then bytes."""
    rows, size, left = describe_rows(progress), describe_bytes(progress), describe_left(left_s)
    if not progress.records and size:
        rows = ""
    parts = [part for part in (rows, size, left) if part]
    texts = [f"{progress.resource}: {', '.join(parts)}", *(", ".join(parts[n:]) for n in range(len(parts)))]
    return next((text for text in texts if len(text) <= width), "")


def describe_rows(progress: Progress) -> str:
    total = "" if progress.total_records is None else f" of {progress.total_records:,}"
    alone = progress.records == 1 and not total
    return f"{progress.records:,}{total} row{'' if alone else 's'}"


def describe_bytes(progress: Progress) -> str:
    """'210 of 824 MB', both in the total's unit; '' where the bytes are not known."""
    if not progress.total_bytes or progress.done_bytes is None:
        return ""
    unit, size = next((unit, size) for unit, size in UNITS if progress.total_bytes >= size)
    digits = 1 if size > 1 and progress.total_bytes < 10 * size else 0
    done = min(progress.done_bytes, progress.total_bytes)
    return f"{done / size:.{digits}f} of {progress.total_bytes / size:.{digits}f} {unit}"


def describe_left(left_s: float | None) -> str:
    """'12 s left', '3 min left', '2 h 5 min left'; '' where it is not known."""
    if left_s is None:
        return ""
    if left_s < 1.5 * MINUTE_S:
        return f"{max(round(left_s), 1)} s left"
    minutes = round(left_s / MINUTE_S)
    if left_s < HOUR_S:
        return f"{minutes} min left"
    return f"{minutes // 60} h {minutes % 60} min left"
