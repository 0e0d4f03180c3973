"""Cron expressions of five fields, and the moments that they name in a time zone.

Days of daylight saving are as in Debian's cron (cronsim follows it): a job at fixed hours whose time is skipped
runs at the first minute after the gap, and one whose time comes twice runs the first time only; a job whose
minute or hour field begins with `*` runs by the time that passes, so twice as often in the doubled hour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache

PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
RANGES = (
    "0 to 59",
    "0 to 23",
    "1 to 31",
    "1 to 12 or JAN to DEC",
    "0 to 7 or SUN to SAT (0 and 7 are Sunday)",
)
_DAYS = "SUN|MON|TUE|WED|THU|FRI|SAT"
_MONTHS = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
_NAMES = ("", "", "", f"|{_MONTHS}", f"|{_DAYS}")
# Right at sight: `validate` need not import cronsim for these, which takes 15 ms.
_COMMON = r"([0-5]?\d|\*/[1-9]\d?) ([01]?\d|2[0-3]|\*) (\*|1?\d(?<!0)|2[0-8]) \* (\*|[0-7]|1-5|MON-FRI)"
_BEGIN = datetime(2024, 1, 1)
_FIRST_WINDOW = timedelta(hours=1)


class CronError(ValueError):
    """An expression that is none. `field`: which of the five is wrong (0 to 4); None for the whole."""

    def __init__(self, message: str, hint: str, field: int | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.field = field


def expand(expression: str) -> str:
    """The five fields that a preset stands for; other expressions as they are."""
    return PRESETS.get(expression.strip().lower(), expression)


def check(expression: str) -> None:
    """Raises CronError for the first thing that is wrong with an expression, or for one that names no moment."""
    if expression.strip().startswith("@"):
        if expression.strip().lower() not in PRESETS:
            raise CronError(
                f"there is no preset '{expression.strip()}'", f"The presets are {', '.join(PRESETS)}."
            )
        return
    fields = expression.split()
    if len(fields) != len(FIELDS):
        counted = f"{len(fields)} field{'' if len(fields) == 1 else 's'}"
        names = ", ".join(FIELDS)
        raise CronError(
            f"a schedule has five fields, and this has {counted}", f"They are: {names}. Daily at 6: 0 6 * * *"
        )
    if re.fullmatch(_COMMON, " ".join(fields), re.IGNORECASE):
        return
    for index, field in enumerate(fields):
        _check_field(index, field)
    if not _ever_comes(" ".join(fields)):
        raise CronError("this day never comes", "None of the months that are named has such a day.")


def next_slots(expression: str, zone: tzinfo, after: datetime) -> Iterator[datetime]:
    """The moments after `after`, in UTC, soonest first; those of the next 50 years."""
    before = after.astimezone(UTC)
    for moment in _moments(expand(expression), after.astimezone(zone)):
        slot = moment.astimezone(UTC)
        # cronsim goes by the wall clock, which in the doubled hour says the same time twice.
        if slot > before:
            yield slot
            before = slot


def last_slots(expression: str, zone: tzinfo, after: datetime, until: datetime, limit: int) -> list[datetime]:
    """The newest `limit` moments after `after` up to `until`, oldest first, in UTC.

    However long ago `after` is, no more than is needed is gone through: the window grows backwards.
    """
    window = _FIRST_WINDOW
    while True:
        start = max(after, until - window) if window < until - after else after
        found = []
        for slot in next_slots(expression, zone, start):
            if slot > until:
                break
            found.append(slot)
        if len(found) >= limit or start == after:
            return found[-limit:]
        window *= 2


@cache
def zone_of(name: str) -> tzinfo:
    """The time zone of an IANA name. Raises LookupError (with UTC alone, nothing is imported)."""
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # a name with .. is a ValueError, a folder's an OSError
        raise LookupError(name) from error


def values_of(expression: str) -> tuple[list[list[int]], bool]:
    """What each of the five fields allows, sorted (Sunday is 0), and whether both kinds of day must agree.

    They must where one of the two day fields begins with `*`; otherwise either does, as in every cron.
    """
    from cronsim import CronSim

    parsed = CronSim(expand(expression), _BEGIN)
    sets = (
        parsed.minutes,
        parsed.hours,
        parsed.days,
        parsed.months,
        {int(str(day)) % 7 for day in parsed.weekdays},
    )
    return [sorted(allowed) for allowed in sets], parsed.day_and


def _check_field(index: int, text: str) -> None:
    from cronsim import CronSim, CronSimError

    one = rf"(\d{{1,4}}{_NAMES[index]})"
    part = rf"(\*|{one}(-{one})?)(/\d{{1,4}})?"
    alone = " ".join(text if place == index else "*" for place in range(len(FIELDS)))
    try:
        if re.fullmatch(rf"{part}(,{part})*", text, re.IGNORECASE):
            CronSim(alone, _BEGIN)
            return
    except CronSimError:
        pass
    name, allowed = FIELDS[index], RANGES[index]
    raise CronError(
        f"'{text[:40]}' is no {name}",
        f"It is {allowed}: a number, a range 1-5, a list 1,3, a step */2, or *.",
        index,
    )


def _ever_comes(expression: str) -> bool:
    from cronsim import CronSim, CronSimError

    try:
        return next(CronSim(expression, _BEGIN), None) is not None
    except CronSimError:  # each field by itself is right: it is the 30th of February, say
        return False


def _moments(expression: str, start: datetime) -> Iterator[datetime]:
    from cronsim import CronSim

    return CronSim(expression, start)
