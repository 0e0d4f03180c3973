"""The axes of a chart in Vega-Lite: which ticks, with which words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from pipeline_cli.manifest.charts import Chart
from pipeline_cli.reports.charts.layers import LETTER, Spec, x_value
from pipeline_cli.reports.charts.points import Series
from pipeline_cli.reports.periods import AXIS_FORMATS, between
from pipeline_cli.reports.values import Writer

LABEL_ROOM = 64  # pixels that a label of the time axis takes
BANDS = ("bar", "stacked_bar", "combined")  # charts whose x is a row of bands, not a scale
TILTED = -40  # degrees, of names that are longer than their bands
TICKS = 5
LONG = 120  # days, weeks or hours beyond which the axis tells months

_PERCENT = "format(datum.value, '.0%')"
_FINE_PERCENT = "format(datum.value, '.1~%')"
_COMPACT = "replace(replace(format(datum.value, '~s'), 'G', 'B'), 'k', 'K')"
_PLAIN = "format(datum.value, ',~r')"


def x_axis(chart: Chart, series: Series, width: int) -> Spec:
    """The encoding of x for what stands on an axis from left to right."""
    axis: Spec = {"title": None, "grid": False, "labelFlush": False, "labelOverlap": True, "labelPadding": 6}
    if series.axis == "time":
        return _time_axis(chart, series, width, axis)
    if series.axis == "number" and chart.type not in BANDS:
        return {"field": "x", "type": "quantitative", "scale": {"zero": False, "nice": False}, "axis": axis}
    kind = "ordinal" if series.axis == "number" else "nominal"
    labels: Spec = {"labelAngle": 0, "labelLimit": 90}
    longest = max((len(str(x)) for x in series.xs), default=0)
    if series.axis == "category" and longest * LETTER > width / max(1, len(series.xs)) - 8:
        labels = {"labelAngle": TILTED, "labelLimit": 110, "labelAlign": "right", "labelOverlap": False}
    return {"field": "x", "type": kind, "sort": None, "axis": {**axis, **labels}}


def _time_axis(chart: Chart, series: Series, width: int, axis: Spec) -> Spec:
    period = series.period or "day"
    drawn = series.xs
    periods = between(drawn[0], drawn[-1], period)
    if not set(drawn) <= set(periods):  # too many, or not the beginnings of periods
        periods = drawn
    room = max(2, width // LABEL_ROOM)
    shown = [x_value(moment) for moment in periods[:: -(-len(periods) // room)]]
    if chart.type in BANDS:
        label = f"utcFormat(toDate(datum.value), '{AXIS_FORMATS[period]}')"
        ends = {"labelAngle": 0, "labelExpr": label, "values": shown}
        domain = [x_value(moment) for moment in periods]
        return {"field": "x", "type": "ordinal", "scale": {"domain": domain}, "axis": {**axis, **ends}}
    ticks: Spec = {"values": shown, "format": AXIS_FORMATS[period]}
    months = _months(drawn) if len(periods) > LONG and period in ("hour", "day", "week") else []
    if len(months) > 1:
        firsts = [x_value(month) for month in months[:: -(-len(months) // room)]]
        ticks = {"values": firsts, "format": AXIS_FORMATS["month"]}
    return {"field": "x", "type": "temporal", "scale": {"type": "utc"}, "axis": {**axis, **ticks}}


def _months(drawn: Sequence[datetime]) -> list[datetime]:
    """The firsts of months from the first moment to the last."""
    first = drawn[0].replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return [month for month in between(first, drawn[-1], "month") if drawn[0] <= month <= drawn[-1]]


def y_axis(series: Series, *, stacked: bool = False) -> Spec:
    """The encoding of y, or of x for lying bars: from zero, in thousands or millions where numbers are large."""
    many = len(series.names) > 1
    largest = max(_heights(series) if stacked and many else _values(series), default=0.0)
    axis = {**QUIET_AXIS, "labelExpr": label_expression(series.writer, largest)}
    stack = {} if stacked and many else {"stack": None}
    return {"field": "y", "type": "quantitative", "axis": axis, "scale": {"zero": True}, **stack}


QUIET_AXIS: Spec = {"title": None, "domain": False, "ticks": False, "tickCount": TICKS, "labelPadding": 8}


def label_expression(writer: Writer, largest: float) -> str:
    """How Vega writes the numbers of an axis."""
    if writer.format == "percent":
        return _PERCENT if largest > 0.1 else _FINE_PERCENT
    return _COMPACT if largest >= 10_000 else _PLAIN


def common_scales(left: Sequence[float], right: Sequence[float]) -> tuple[Spec, Spec]:
    """Scales of two axes with as many steps above and below zero, so that one grid serves both."""
    steps = [_nice_step(values) for values in (left, right)]
    below = max(_steps(-min([0.0, *values]), step) for values, step in zip((left, right), steps, strict=True))
    above = max(_steps(max([0.0, *values]), step) for values, step in zip((left, right), steps, strict=True))
    low, high = -below, max(above, 1)
    ticks = [[place * step for place in range(low, high + 1)] for step in steps]
    first, second = (
        {"scale": {"domain": [found[0], found[-1]], "nice": False, "zero": True}, "values": found}
        for found in ticks
    )
    return first, second


def _nice_step(values: Sequence[float]) -> float:
    """A round number of which about four reach the largest value."""
    largest = max((abs(value) for value in values), default=0.0) or 1.0
    rough = largest / 4
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= rough * 0.999)


def _steps(value: float, step: float) -> int:
    return math.ceil(value / step - 1e-9)


def _values(series: Series) -> list[float]:
    return [abs(point.y) for point in series.points if point.y is not None]


def _heights(series: Series) -> list[float]:
    sums: dict[object, float] = {}
    for point in series.points:
        sums[point.x] = sums.get(point.x, 0.0) + abs(point.y or 0.0)
    return list(sums.values())
