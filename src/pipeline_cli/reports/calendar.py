"""The times that a period filter offers, and the stretches of days that all of them are made of.

    boundaries      1 Sep   1 Oct      10 Oct  12 Oct   17 Oct 19 Oct
    stretches     0  |   1    |    2     |   3    |   4   |  5   |  6

Each offered time is a run of whole stretches, so numbers that add up are needed for each stretch only.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from pipeline_cli.manifest.charts import Period
from pipeline_cli.reports.periods import AsOf, end_of, is_unfinished

LAST_DAYS = (7, 28, 90)
FIRST_YEAR, LAST_YEAR = 1900, 2199  # a year beyond is a slip of somebody's, and no choice
NAMED: tuple[Period, ...] = ("month", "quarter", "year")
NO_DAY = -1  # the stretch of rows without a date: they are in `all` alone


@dataclass(frozen=True, slots=True)
class Range:
    """Days from `start` until before `end`."""

    start: date
    end: date

    def within(self, other: Range) -> Range | None:
        """The days that both have."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Range(start, end) if start < end else None


@dataclass(frozen=True, slots=True)
class Choice:
    """One offered time. `key`: all, last_7_days, 2026-10, 2026-Q4 or 2026, as the page's address has it.

    range: None for all time. before: as many days, or the period, before it; of an unfinished period as many
    of its first days as the period has had.
    """

    key: str
    kind: str  # all, days, month, quarter or year
    range: Range | None = None
    before: Range | None = None
    is_unfinished: bool = False


@dataclass(frozen=True, slots=True)
class Stretches:
    """Ranges, and the boundaries between the stretches that all of them are made of."""

    ranges: tuple[Range, ...]
    boundaries: tuple[date, ...]

    def of(self, found: Range) -> tuple[int, int]:
        """The first stretch of a range, and the first after it."""
        return bisect_right(self.boundaries, found.start), bisect_right(self.boundaries, found.end)


class Calendar:
    """The choices for data of these months that go until `as_of`, and their stretches.

    plain: of the choices alone. compared: of those before them as well, and of `more` ranges. counted: of what every
    month, quarter and year has of each of those.
    """

    def __init__(
        self,
        months: Iterable[date],
        last_day: date,
        as_of: AsOf | None,
        made_at: datetime,
        more: Sequence[Range] = (),
    ) -> None:
        self.today = as_of.moment.date() if as_of else last_day
        known = [month for month in months if FIRST_YEAR <= month.year <= LAST_YEAR]
        self.first_day = min(known, default=self.today)  # of the first month
        self.choices = [Choice("all", "all"), *(_last(days, self.today) for days in LAST_DAYS)]
        for period in NAMED:
            begun = sorted({_begin(month, period) for month in known}, reverse=True)
            self.choices += [self._named(start, period, as_of, made_at) for start in begun]
        chosen = [choice.range for choice in self.choices if choice.range is not None]
        before = [choice.before for choice in self.choices if choice.before is not None]
        self.plain = stretches_of(chosen)
        self.compared = stretches_of([*chosen, *before, *more])
        named = [choice.range for choice in self.choices if choice.range and choice.kind in NAMED]
        overlaps = [both for one in named for other in self.compared.ranges if (both := one.within(other))]
        self.counted = stretches_of([*self.compared.ranges, *overlaps])

    def of(self, compared: bool) -> Stretches:
        return self.compared if compared else self.plain

    def choice(self, key: str) -> Choice:
        """The choice of this key; latest_month and its like are those of the data's last day."""
        if key.startswith("latest_"):
            period = key.removeprefix("latest_")
            same = (c for c in self.choices if c.kind == period and c.range and c.range.start <= self.today)
            return next(same, self.choices[0])
        return next((choice for choice in self.choices if choice.key == key), self.choices[0])

    def _named(self, start: date, period: Period, as_of: AsOf | None, made_at: datetime) -> Choice:
        range_ = Range(start, _end(start, period))
        late = is_unfinished(_moment(start), period, made_at, as_of)
        before = Range(_begin(start - timedelta(days=1), period), start)
        if late and self.today >= start:
            so_far = before.start + (self.today + timedelta(days=1) - start)
            before = Range(before.start, min(so_far, before.end))
        return Choice(_key(start, period), period, range_, before, late)


def whole(start: date, period: Period) -> Range:
    """The days of the period that begins then."""
    return Range(start, _end(start, period))


def stretches_of(ranges: Iterable[Range]) -> Stretches:
    """The ranges, each once, and what stands between them."""
    found = tuple(dict.fromkeys(ranges))
    return Stretches(found, tuple(sorted({day for one in found for day in (one.start, one.end)})))


def _last(days: int, today: date) -> Choice:
    end = today + timedelta(days=1)
    start = end - timedelta(days=days)
    return Choice(f"last_{days}_days", "days", Range(start, end), Range(start - timedelta(days=days), start))


def _begin(day: date, period: Period) -> date:
    """The first day of the month, quarter or year that a day is in."""
    month = {"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1, "year": 1}[period]
    return date(day.year, month, 1)


def _end(start: date, period: Period) -> date:
    return end_of(_moment(start), period).date()


def _moment(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _key(start: date, period: Period) -> str:
    return {
        "month": f"{start.year:04}-{start.month:02}",
        "quarter": f"{start.year:04}-Q{(start.month + 2) // 3}",
        "year": f"{start.year:04}",
    }[period]
