"""A block's rows as what its kind of chart draws of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pipeline_cli.manifest.charts import Chart, CombinedChart, DonutChart, ScatterChart
from pipeline_cli.reports.charts.along import Until, read_along
from pipeline_cli.reports.charts.parts import read_parts
from pipeline_cli.reports.charts.places import read_places
from pipeline_cli.reports.charts.points import Series
from pipeline_cli.reports.periods import AsOf
from pipeline_cli.reports.results import Rows
from pipeline_cli.reports.values import clean_text, label_of


def make_series(
    chart: Chart, rows: Rows, made_at: datetime, as_of: AsOf | None, currency: str | None
) -> Series:
    """The points of a chart; rows whose x is NULL are left out."""
    if isinstance(chart, DonutChart):
        return read_parts(chart, rows, currency)
    if isinstance(chart, ScatterChart):
        return read_places(chart, rows, currency)
    until = Until(made_at, as_of)
    labels = {column: column_label(chart, column) for column in chart.measures}
    bars = read_along(chart, rows, {c: labels[c] for c in chart.y}, chart.format, until, currency)
    if not isinstance(chart, CombinedChart):
        return bars
    line = read_along(chart, rows, {chart.line: labels[chart.line]}, chart.line_format, until, currency)
    return replace(bars, line=line)


def column_label(chart: Chart, column: str) -> str:
    """What a column is called in the chart."""
    return clean_text(chart.labels.get(column, label_of(column)))


def axis_title(chart: Chart) -> str:
    """What a chart without a title is called: 'Total sales by category', 'Total sales by month'."""
    names = [column_label(chart, column) for column in chart.measures if column != chart.x]
    names = [names[0], *(in_sentence(name) for name in names[1:])]
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
    by = chart.dimensions[0] if chart.type == "scatter" and chart.dimensions else chart.x
    return f"{listed} by {chart.period or in_sentence(column_label(chart, by))}"


def in_sentence(label: str) -> str:
    """A label within a sentence: 'Cost per click' with a small letter, 'CTR' as it is."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]
