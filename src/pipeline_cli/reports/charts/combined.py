"""Bars on the left axis and a line on the right one, over one grid."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline_cli.manifest.charts import Chart
from pipeline_cli.reports.charts.axes import QUIET_AXIS, common_scales, label_expression, x_axis
from pipeline_cli.reports.charts.layers import (
    LEGEND,
    PALE,
    Spec,
    color_of,
    legend_columns,
    legend_width,
    make_layer,
)
from pipeline_cli.reports.charts.lines import DASHES, tail_of
from pipeline_cli.reports.charts.palette import CARD, PALETTE
from pipeline_cli.reports.charts.points import Point, Series

ON_THE_RIGHT = " (right axis)"
POINT, MARK = 40, 110  # sizes of the line's points, and of those that stand alone


def draw_combined(chart: Chart, series: Series, width: int) -> list[Spec]:
    """Two layers of layers: the bars, and the line; for categories, which nothing connects, only its points."""
    line = series.line
    assert line is not None
    left, right = common_scales(_numbers(series), _numbers(line))
    x = x_axis(chart, series, width)
    columns = legend_columns(series.names, width)
    return [
        {"layer": _bars(series, x, left, columns)},
        {"layer": _line(line, x, right, len(series.names))},
    ]


def legend_direction(series: Series, width: int) -> str:
    """How the two legends stand: beside one another, or where there is no room one below the other."""
    assert series.line is not None
    names = [*series.names, series.line.names[0] + ON_THE_RIGHT]
    return "horizontal" if legend_width(names) <= width - 40 else "vertical"


def _bars(series: Series, x: Spec, scale: Spec, columns: int) -> list[Spec]:
    many = len(series.names) > 1
    legend = {**LEGEND, "symbolType": "square", "columns": columns}
    encoding: Spec = {"x": x, "y": _axis(series, scale, "left"), "color": color_of(series.names, legend)}
    if many:
        offset = {"field": "s", "type": "nominal", "sort": None, "scale": {"domain": list(series.names)}}
        encoding["xOffset"] = offset
    done, late = _parted(series.points)
    layers = [make_layer({"type": "bar", "cornerRadiusEnd": 2}, done, encoding, words=True)]
    stroked = {**encoding, "stroke": {**encoding["color"], "legend": None}}
    return layers + ([make_layer({"type": "bar", **PALE}, late, stroked, words=True)] if late else [])


def _line(line: Series, x: Spec, scale: Spec, place: int) -> list[Spec]:
    color = PALETTE[place]
    legend = {
        **LEGEND,
        "symbolType": "diamond" if line.axis == "category" else "stroke",
        "symbolStrokeWidth": 2,
    }
    legend["labelExpr"] = f"datum.label + '{ON_THE_RIGHT}'"
    encoding: Spec = {"x": x, "y": _axis(line, scale, "right"), "color": color_of(line.names, legend, place)}
    if line.axis == "category":
        diamond = {
            "type": "point",
            "shape": "diamond",
            "filled": True,
            "size": MARK,
            "opacity": 1,
            "stroke": CARD,
        }
        return [make_layer(diamond, line.points, encoding, words=True)]
    done, late = _parted(line.points)
    layers = [
        make_layer({"type": "line"}, done, encoding),
        make_layer({"type": "line", "strokeDash": DASHES, "opacity": 0.75}, tail_of(line), encoding),
        make_layer(
            {"type": "point", "filled": True, "size": POINT, "opacity": 1}, done, encoding, words=True
        ),
    ]
    hollow = {"type": "point", "filled": True, "fill": CARD, "stroke": color, "size": 44, "opacity": 1}
    layers.append(make_layer({**hollow, "strokeWidth": 1.6}, late, encoding, words=True))
    return [layer for layer in layers if layer["data"]["values"]]


def _axis(series: Series, scale: Spec, side: str) -> Spec:
    numbers = _numbers(series)
    words = label_expression(series.writer, max((abs(number) for number in numbers), default=0.0))
    axis = {
        **QUIET_AXIS,
        "labelExpr": words,
        "orient": side,
        "grid": side == "left",
        "values": scale["values"],
    }
    return {"field": "y", "type": "quantitative", "axis": axis, "scale": scale["scale"], "stack": None}


def _numbers(series: Series) -> list[float]:
    return [point.y for point in series.points if point.y is not None]


def _parted(points: Sequence[Point]) -> tuple[list[Point], list[Point]]:
    return [p for p in points if not p.unfinished], [p for p in points if p.unfinished]
