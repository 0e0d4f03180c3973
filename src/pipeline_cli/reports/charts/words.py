"""A chart in words, for those who do not see it: what it shows, from when to when, between which numbers."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline_cli.manifest.charts import Chart
from pipeline_cli.reports.charts.points import Point, Series
from pipeline_cli.reports.charts.series import column_label, in_sentence
from pipeline_cli.reports.values import Writer, name_period

MOST_TOLD = 3
KINDS = {
    "line": "Line chart",
    "area": "Area chart",
    "bar": "Bar chart",
    "stacked_bar": "Stacked bar chart",
    "combined": "Chart of bars and a line",
    "scatter": "Scatter chart",
    "donut": "Donut chart",
}


def describe_chart(chart: Chart, series: Series) -> str:
    """'Line chart of 14 months, Sep 2025 to Oct 2026: between $1,000.00 and $9,000.00.'"""
    return f"{KINDS[chart.type]} {_describe(chart, series)}."


def _describe(chart: Chart, series: Series) -> str:
    if chart.type == "donut":
        return f"of {_count(len(series.points), 'part')}: {_listed([point.text for point in series.points])}"
    if chart.type == "scatter":
        return f"of {_count(len(series.points), 'point')}: {_places(chart, series)}{_named(series)}"
    if chart.type == "combined" and series.line is not None:
        label = in_sentence(column_label(chart, chart.measures[-1]))
        line = f"{label} {_between(series.line.points, series.line.writer)}"
        drawn = ", ".join(_of(series, name) for name in series.names)
        return f"{_extent(series)}: {drawn}, and {line}"
    if series.axis == "category" and len(series.names) < 2:
        return f"{_extent(series)}: {_listed([point.text for point in _largest(series.points)], len(series.points))}"
    return f"{_extent(series)}: {_between(series.points, series.writer)}{_named(series)}"


def _extent(series: Series) -> str:
    xs = series.xs
    if series.axis == "time" and series.period:
        first, last = (name_period(moment, series.period) for moment in (xs[0], xs[-1]))
        ends = (
            first
            if len(xs) == 1
            else f"{first} to {last[:1].lower() + last[1:] if last[:4] == 'The ' else last}"
        )
        return f"of {_count(len(xs), series.period)}, {ends}"
    return f"of {_count(len(xs), 'value' if series.axis == 'number' else 'bar')}"


def _of(series: Series, name: str) -> str:
    points = [point for point in series.points if point.series == name]
    return f"{in_sentence(name)} {_between(points, series.writer)}"


def _between(points: Sequence[Point], writer: Writer) -> str:
    known = [point.y for point in points if point.y is not None]
    if not known:
        return "without a value"
    low, high = writer.write(min(known)), writer.write(max(known))
    return low if low == high else f"between {low} and {high}"


def _places(chart: Chart, series: Series) -> str:
    xs = [point.x for point in series.points]
    write = (series.x_writer or series.writer).write
    y = f"{column_label(chart, chart.y[0])} {_between(series.points, series.writer)}"
    return f"{y}, {in_sentence(column_label(chart, chart.x))} between {write(min(xs))} and {write(max(xs))}"


def _named(series: Series) -> str:
    if len(series.names) < 2:
        return ""
    return f", in {len(series.names)} series: {', '.join(series.names)}"


def _largest(points: Sequence[Point]) -> list[Point]:
    known = [point for point in points if point.y is not None]
    return sorted(known, key=lambda point: -(point.y or 0.0))[:MOST_TOLD]


def _listed(texts: Sequence[str], count: int | None = None) -> str:
    more = (count or len(texts)) - len(texts)
    return "; ".join(texts) + (f"; and {more} more" if more else "")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
