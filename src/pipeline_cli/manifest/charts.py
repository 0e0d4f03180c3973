"""Charts of a report: what each kind draws of its query's columns.

No `from __future__ import annotations` here, as keys.py says.
"""

from collections.abc import Mapping
from typing import Literal

from pipeline_cli.manifest.keys import entry, key
from pipeline_cli.manifest.measures import AGGREGATION, Aggregate

Format = Literal["text", "number", "money", "percent", "date", "datetime"]
Period = Literal["hour", "day", "week", "month", "quarter", "year"]
ChangePeriod = Literal["day", "week", "month", "quarter", "year"]

QUERY = "The name of one of the report's queries."
SQL = "The query itself: one SELECT over gold or silver, portable to every warehouse that the project uses."
SPAN = "How many of the report's columns the block is wide; by default {}."


@entry
class Chart:
    """What all charts have in common."""

    type: str
    x: str = key("The column along the axis: text is a category, a date or time a moment.")
    y: tuple[str, ...] = key("The column of numbers that is drawn, or several: a series of each.")
    query: str | None = key(QUERY, default=None)
    sql: str | None = key(SQL, default=None)
    title: str | None = key("The chart's heading.", default=None)
    format: Format | None = key("How the numbers of y are written; by default as thousands.", default=None)
    period: Period | None = key(
        "x is the beginning of a period of this length; one that is not over is marked and not drawn as a fall.",
        default=None,
    )
    labels: Mapping[str, str] = key(
        "What columns are called in legends, axes and tables; by default their names.", default={}
    )
    aggregate: Aggregate | None = key(
        f"{AGGREGATION} The database groups by x (cut to its period) and by the columns that make series.",
        default=None,
    )
    aggregates: Mapping[str, Aggregate] = key(
        "The same for single ones of the chart's columns of numbers, by their names.", default={}
    )
    sort: Literal["value", "x"] = key(
        "The order of aggregated categories: the largest first, or by their names.", default="value"
    )
    limit: int | None = key("How many of the aggregated categories are drawn.", default=None, minimum=1)
    span: Literal[1, 2, 3] | None = key(SPAN.format("one"), default=None)

    @property
    def color(self) -> str | None:
        """The column that makes series; of charts without the key, none."""
        return None

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The columns that say what a value is of."""
        return (self.x, self.color) if self.color else (self.x,)

    @property
    def measures(self) -> tuple[str, ...]:
        """The columns of numbers, those of y first."""
        return self.y


@entry
class SeriesChart(Chart):
    """A chart with series: of a column's values, or of several columns of numbers."""

    color: str | None = key("A column that makes one series of each of its values.", default=None)


@entry
class LineChart(SeriesChart):
    """A line over time or numbers, one for each series."""

    type: Literal["line"]


@entry
class AreaChart(SeriesChart):
    """An area over time or numbers; those of several series stand one upon the other."""

    type: Literal["area"]


@entry
class BarChart(SeriesChart):
    """Bars: lying for categories, standing over time; those of several series stand side by side."""

    type: Literal["bar"]


@entry
class StackedBarChart(SeriesChart):
    """Bars, lying or standing, whose parts are the series."""

    type: Literal["stacked_bar"]


@entry
class CombinedChart(Chart):
    """Bars on the left axis and a line on the right one."""

    type: Literal["combined"]
    line: str = key("The column of numbers that the line shows.")
    line_format: Format | None = key("How the numbers of the line are written.", default=None)

    @property
    def measures(self) -> tuple[str, ...]:
        return (*self.y, self.line)


@entry
class ScatterChart(SeriesChart):
    """A point for each row, by two columns of numbers."""

    type: Literal["scatter"]
    x_format: Format | None = key("How the numbers of x are written.", default=None)
    name: str | None = key("The column that says what a point is.", default=None)
    size: str | None = key("A column of numbers that makes points larger.", default=None)

    @property
    def dimensions(self) -> tuple[str, ...]:
        return tuple(column for column in (self.name, self.color) if column)

    @property
    def measures(self) -> tuple[str, ...]:
        return (*self.y, self.x, *((self.size,) if self.size else ()))


@entry
class DonutChart(Chart):
    """The parts of a whole: the `limit` largest (by default six, at most seven), and the others as one."""

    type: Literal["donut"]
