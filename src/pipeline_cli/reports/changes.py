"""How a figure differs from the period before: both values from the database, and the words for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from pipeline_cli.destinations.base import quote
from pipeline_cli.manifest.charts import Period
from pipeline_cli.reports.aggregates import Measure, Part
from pipeline_cli.reports.calendar import Range
from pipeline_cli.reports.periods import AsOf, end_of, is_unfinished
from pipeline_cli.reports.results import Results
from pipeline_cli.reports.values import Writer, as_number, name_period

Direction = Literal["up", "down", "same", "none"]
ARROWS: Mapping[Direction, str] = {"up": "▲", "down": "▼", "same": "=", "none": ""}
NOTHING_BEFORE = "Nothing to compare with"
_FUNCTIONS = {
    "sum": "SUM({})",
    "count": "COUNT({})",
    "min": "MIN({})",
    "max": "MAX({})",
    "distinct": "COUNT(DISTINCT {})",
}


@dataclass(frozen=True, slots=True)
class Change:
    """'Up 4.2%', and of what: 'Sep 2026: $98,000.00, after $94,000.00 in Aug 2026'."""

    direction: Direction
    words: str
    detail: str

    @property
    def arrow(self) -> str:
        return ARROWS[self.direction]


@dataclass(frozen=True, slots=True)
class Compared:
    """The last period that is over, and the one before it."""

    period: Period
    now: Range
    before: Range

    @property
    def names(self) -> tuple[str, str]:
        """What the two are called: 'Sep 2026' and 'Aug 2026'."""
        return _name(self.now.start, self.period), _name(self.before.start, self.period)


def last_periods(period: Period, made_at: datetime, as_of: AsOf | None) -> Compared:
    """The last period that is over where the data go until `as_of`, and the one before."""
    today = made_at.date() if as_of is None else min(as_of.moment.date(), made_at.date())
    start = begin_of(today, period)
    if is_unfinished(_moment(start), period, made_at, as_of):
        start = begin_of(start - timedelta(days=1), period)
    before = begin_of(start - timedelta(days=1), period)
    return Compared(period, Range(start, end_of(_moment(start), period).date()), Range(before, start))


def begin_of(day: date, period: Period) -> date:
    """The first day of the period that a day is in; weeks begin on Mondays."""
    if period == "week":
        return day - timedelta(days=day.weekday())
    if period == "day":
        return day
    month = {"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1}.get(period, 1)
    return date(day.year, month, 1)


def read_values(
    results: Results, sql: str, column: str, measure: Measure, compared: Compared
) -> tuple[Any, Any]:
    """The measure's values in the two periods, aggregated by the database. Raises LoadError.

    column: the query's dates or times. A period without rows has sums and counts of 0; two of them have None.
    """
    parts = measure.parts
    inner = [f"CAST({quote(column)} AS date) AS d"]
    inner += [f"{quote(part.column)} AS v{n}" for n, part in enumerate(parts) if part.column]
    values = [_aggregate(part, n) for n, part in enumerate(parts)]
    asked = (
        f"SELECT CASE WHEN d >= DATE '{compared.now.start}' THEN 1 ELSE 0 END AS p, {', '.join(values)}"
        f" FROM (SELECT {', '.join(inner)} FROM (\n{sql}\n) AS asked) AS dated"
        f" WHERE d >= DATE '{compared.before.start}' AND d < DATE '{compared.now.end}' GROUP BY 1 ORDER BY 1"
    )
    found = {row[0]: dict(zip(parts, row[1:], strict=True)) for row in results.rows(asked).rows}
    if not found:
        return None, None
    nothing = {part: None if part.kind in ("min", "max") else 0 for part in parts}
    now, before = (measure.value(found.get(place, nothing)) for place in (1, 0))
    return now, before


def describe_change(now: Any, before: Any, names: tuple[str, str], writer: Writer) -> Change:
    """The change in words. Shares change by points; what was not above zero has no percentage.

    names: of the two periods.
    """
    one, other = as_number(now), as_number(before)
    than = names[1].replace("The ", "the ", 1)
    detail = f"{names[0]}: {writer.write(now)}, after {writer.write(before)} in {than}"
    if one is None or other is None:
        return Change("none", NOTHING_BEFORE, detail)
    difference = float(one) - float(other)
    if difference == 0:
        return Change("same", "Unchanged", detail)
    direction: Direction = "up" if difference > 0 else "down"
    return Change(
        direction, f"{direction.capitalize()} {_amount(abs(difference), float(other), writer)}", detail
    )


def _amount(difference: float, before: float, writer: Writer) -> str:
    if writer.format == "percent":
        points = replace(writer, format="number", decimals=writer.decimals or 1)
        least = 10.0**-points.decimals
        shown = difference * 100 >= least / 2
        return (
            f"{points.write(difference * 100)} points" if shown else f"less than {points.write(least)} points"
        )
    if before <= 0:
        return f"by {writer.write(difference)}"
    percent = replace(writer, format="percent", decimals=1)
    share = difference / before
    return percent.write(share) if share >= 0.0005 else f"less than {percent.write(0.001)}"


def _aggregate(part: Part, place: int) -> str:
    value = "COUNT(*)" if part.kind == "rows" else _FUNCTIONS[part.kind].format(f"v{place}")
    return f"{value} AS s{place}"


def _name(start: date, period: Period) -> str:
    return name_period(_moment(start), period)


def _moment(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
