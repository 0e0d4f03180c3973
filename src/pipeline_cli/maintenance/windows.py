"""The windows of a backfill: from --start up to --end in chunks, written as a cursor's values are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from pipeline_cli.errors import UsageError
from pipeline_cli.manifest.scalars import parse_duration

CODE = "E017"
MOST_CHUNKS = 10_000
_DATE = re.compile(r"\d{4}-?\d{2}-?\d{2}")


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` up to `end`, which is left out, in steps: moments (UTC) and a duration, or numbers."""

    start: Any
    end: Any
    step: Any

    @property
    def is_time(self) -> bool:
        return isinstance(self.start, datetime)

    def chunks(self) -> Iterator[tuple[Any, Any]]:
        """(start, end) of each chunk; the last may be shorter."""
        at = self.start
        while at < self.end:
            until = min(at + self.step, self.end)
            yield at, until
            at = until


def parse_span(start: str, end: str, chunk: str | None) -> Span:
    """--start, --end and --chunk. Raises UsageError for what is neither times nor numbers, or goes back."""
    first, last = _parse(start, "--start"), _parse(end, "--end")
    if isinstance(first, datetime) != isinstance(last, datetime):
        raise UsageError(f"--start {start} and --end {end} are not of one kind.", code=CODE)
    if not first < last:
        raise UsageError(f"--end {end} is not after --start {start}; it is left out itself.", code=CODE)
    step = last - first if chunk is None else _parse_step(chunk, is_time=isinstance(first, datetime))
    if (last - first) / step > MOST_CHUNKS:
        raise UsageError(f"--chunk {chunk} makes more than {MOST_CHUNKS:,} chunks.", code=CODE)
    return Span(first, last, step)


def _parse(text: str, option: str) -> Any:
    from pipeline_cli.gate.cursor import moment_of

    if not _DATE.fullmatch(text):
        try:
            return Decimal(text)
        except InvalidOperation:
            pass
    moment = moment_of(text)
    if moment is None:
        hint = "2026-01-31, 2026-01-31T12:00:00Z, or a number."
        raise UsageError(f"{option} {text!r} is neither a time nor a number.", code=CODE, hint=hint)
    return moment.astimezone(UTC)


def _parse_step(text: str, *, is_time: bool) -> Any:
    step: Any = parse_duration(text) if is_time else _number(text)
    if step is None or not step > (timedelta(0) if is_time else 0):
        what = "a duration such as 7d or 12h" if is_time else "a number"
        raise UsageError(f"--chunk {text!r} is not {what}.", code=CODE)
    return step


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def write_like(example: Any, value: Any) -> Any:
    """A bound as the cursor's values are written, so that the source and dlt compare like with like.

    example: a value of the cursor; None for ISO 8601 with a Z, or a whole number.
    Raises ValueError where the cursor is of another kind, or a moment is no date.
    """
    if not isinstance(value, datetime):
        return _write_number(example, value)
    if isinstance(example, datetime) or example is None:
        return value if example is not None else f"{value:%Y-%m-%dT%H:%M:%S}Z"
    if isinstance(example, date) or (isinstance(example, str) and _DATE.fullmatch(example)):
        if value.time() != datetime.min.time():
            raise ValueError("the cursor has dates alone")
        text = f"{value:%Y-%m-%d}" if isinstance(example, date) or "-" in example else f"{value:%Y%m%d}"
        return value.date() if isinstance(example, date) else text
    if isinstance(example, str) and re.match(r"\d{4}-\d{2}-\d{2}[T ]", example):
        text = f"{value:%Y-%m-%d}{example[10]}{value:%H:%M:%S}"
        zone = re.search(r"(Z|[+-]\d{2}:?\d{2})$", example)
        return text if zone is None else f"{text}{'Z' if zone[0] == 'Z' else '+00:00'}"
    raise ValueError("the cursor has no times")


def _write_number(example: Any, value: Decimal) -> Any:
    if isinstance(example, bool) or not isinstance(example, (int, float, Decimal, type(None))):
        if isinstance(example, str) and re.fullmatch(r"-?\d+(\.\d+)?", example):
            return format(value, "f")
        raise ValueError("the cursor has no numbers")
    if isinstance(example, float):
        return float(value)
    return int(value) if value == int(value) else value
