"""The axes of a chart in Vega-Lite: which ticks, with which words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pipeline_cli.manifest.charts import Chart
from pipeline_cli.reports.periods import AXIS_FORMATS, between
from pipeline_cli.reports.series import Series

Spec = dict[str, Any]

LABEL_ROOM = 64  # pixels that a label of the time axis takes

_PERCENT = "format(datum.value, '.0%')"
_COMPACT = "replace(format(datum.value, '~s'), 'G', 'B')"
_PLAIN = "format(datum.value, ',~r')"


def x_axis(chart: Chart, series: Series, width: int) -> Spec:
    """The encoding of x for what stands on an axis from left to right."""
    axis: Spec = {"title": None, "grid": False, "labelFlush": False, "labelOverlap": True, "labelPadding": 6}
    if series.axis == "time":
        return _time_axis(chart, series, width, axis)
    if series.axis == "number" and chart.type != "bar":
        return {"field": "x", "type": "quantitative", "scale": {"zero": False, "nice": False}, "axis": axis}
    kind = "ordinal" if series.axis == "number" else "nominal"
    return {"field": "x", "type": kind, "sort": None, "axis": {**axis, "labelAngle": 0, "labelLimit": 90}}


def _time_axis(chart: Chart, series: Series, width: int, axis: Spec) -> Spec:
    period = series.period or "day"
    drawn = list(dict.fromkeys(point.x for point in series.points))
    periods = between(drawn[0], drawn[-1], period)
    if not set(drawn) <= set(periods):  # too many, or not the beginnings of periods
        periods = drawn
    room = max(2, width // LABEL_ROOM)
    shown = [x_value(moment) for moment in periods[:: -(-len(periods) // room)]]
    if chart.type == "bar":
        label = f"utcFormat(toDate(datum.value), '{AXIS_FORMATS[period]}')"
        ends = {"labelAngle": 0, "labelExpr": label, "values": shown}
        domain = [x_value(moment) for moment in periods]
        return {"field": "x", "type": "ordinal", "scale": {"domain": domain}, "axis": {**axis, **ends}}
    ticks: Spec = {"values": shown, "format": AXIS_FORMATS[period]}
    if len(periods) > 120 and period in ("hour", "day", "week"):
        ticks = {"tickCount": room}  # Vega's own round dates: the firsts of months
    return {"field": "x", "type": "temporal", "scale": {"type": "utc"}, "axis": {**axis, **ticks}}


def y_axis(series: Series) -> Spec:
    """The encoding of y, or of x for lying bars: from zero, in thousands or millions where numbers are large."""
    largest = max((abs(point.y) for point in series.points if point.y is not None), default=0.0)
    numbers = _COMPACT if largest >= 10_000 else _PLAIN
    numbers = _PERCENT if series.writer.format == "percent" else numbers
    axis = {
        "title": None,
        "labelExpr": numbers,
        "domain": False,
        "ticks": False,
        "tickCount": 5,
        "labelPadding": 8,
    }
    stack = {"stack": None} if len(series.names) < 2 else {}
    return {"field": "y", "type": "quantitative", "axis": axis, "scale": {"zero": True}, **stack}


def x_value(x: Any) -> Any:
    """A moment as Vega reads it; numbers and names as they are."""
    return x.isoformat().replace("+00:00", "Z") if isinstance(x, datetime) else x
