"""Periods of time: which one a moment begins, which come between, and whether the last is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from pipeline_cli.manifest.charts import Period

_FIXED = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
# By the smallest gap between two moments: a series with a step of at least so much is of that period.
_GUESSES: tuple[tuple[timedelta, Period], ...] = (
    (timedelta(days=360), "year"),
    (timedelta(days=88), "quarter"),
    (timedelta(days=27), "month"),
    (timedelta(days=7), "week"),
    (timedelta(days=1), "day"),
)
AXIS_FORMATS: dict[Period, str] = {
    "hour": "%d %b %H:%M",
    "day": "%d %b",
    "week": "%d %b",
    "month": "%b %Y",
    "quarter": "Q%q %Y",
    "year": "%Y",
}
MOST_PERIODS = 5_000


@dataclass(frozen=True, slots=True)
class AsOf:
    """Until when the data go. `is_day`: the whole of that day is in them; otherwise only up to the moment."""

    moment: datetime
    is_day: bool

    @property
    def end(self) -> datetime:
        return end_of(self.moment, "day") if self.is_day else self.moment


def guess_period(moments: Sequence[datetime]) -> Period:
    """The period that a series of moments goes by, from its smallest gap; days where there is none."""
    ordered = sorted(set(moments))
    gaps = [later - earlier for earlier, later in pairwise(ordered)]
    if not gaps:
        return "day"
    return next((period for least, period in _GUESSES if min(gaps) >= least), "hour")


def end_of(moment: datetime, period: Period) -> datetime:
    """When the period that begins at `moment` is over; the end of time where that is beyond the year 9999."""
    try:
        if period in _FIXED:
            return moment + _FIXED[period]
        months = moment.year * 12 + moment.month - 1 + _MONTHS[period]
        return moment.replace(year=months // 12, month=months % 12 + 1, day=min(moment.day, 28))
    except (ValueError, OverflowError):
        return datetime.max.replace(tzinfo=UTC)


def is_unfinished(moment: datetime, period: Period, made_at: datetime, as_of: AsOf | None) -> bool:
    """Whether the period that begins at `moment` has data still to come.

    It has while it lasts, and where the data end before its last day (before its end, for hours).
    """
    end = end_of(moment, period)
    if made_at < end:
        return True
    if as_of is None:
        return False
    if period == "hour":
        return as_of.end < end
    return as_of.moment.date() < (end - timedelta(microseconds=1)).date()


def between(first: datetime, last: datetime, period: Period) -> list[datetime]:
    """The beginnings of all periods from `first` to `last`; of none where they are more than MOST_PERIODS."""
    found = [first]
    while found[-1] < last:
        if len(found) == MOST_PERIODS:
            return []
        found.append(end_of(found[-1], period))
    return found
