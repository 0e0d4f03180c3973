"""Points to a Vega-Lite specification. Pure: nothing of a user's but text and numbers, as data, gets in.

Columns go by names of ours (x, y, s), because Vega-Lite reads dots and brackets in a field's name as a path.
Colours are the light theme's; the page's style sheet turns them into the dark theme's.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline_cli.manifest.charts import Chart
from pipeline_cli.reports.axes import Spec, x_axis, x_value, y_axis
from pipeline_cli.reports.series import Point, Series

# Cold and warm in turn, so that neighbours differ most; the dark theme's are in page.py.
PALETTE = ("#2f5fd0", "#d9730d", "#128a72", "#b83b8e", "#7a5cc7", "#8d7411", "#c43d3d", "#4b7f96")
INK, QUIET, LINE = "#3b4252", "#6b7280", "#e3e6eb"
FONT = "Arial, Liberation Sans, Helvetica, sans-serif"  # as report.css has it
MOST_VISIBLE_POINTS = 14  # a series of few points shows them; a longer one only to the mouse
MOST_POINTS_WITH_TEXT = 200
LETTER = 6.5  # pixels that a letter of the legend takes


def draw_spec(chart: Chart, series: Series, width: int, *, hover: bool = True) -> Spec:
    """The chart `width` pixels wide. The series has at least one point.

    hover: each mark tells its value to the mouse. On a phone there is none, and the page is half as heavy.
    """
    lying = chart.type == "bar" and series.axis == "category"
    color = _color(series, width)
    layers = _lying_bars(series, color) if lying else _standing(chart, series, width, color)
    layers = (
        layers if hover else [_without_words(layer) for layer in layers if layer["mark"].get("opacity") != 0]
    )
    count = len(dict.fromkeys(point.x for point in series.points))
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": width,
        "height": {"step": 26} if lying else 220 if width < 400 else 260,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": {"left": 4, "right": 8 if lying else 18, "top": 6, "bottom": 4},
        "background": None,
        "layer": layers,
        "config": _config(series, count),
    }


def _standing(chart: Chart, series: Series, width: int, color: Spec) -> list[Spec]:
    """Lines, areas and bars along an axis from left to right."""
    x, y = x_axis(chart, series, width), y_axis(series)
    shared: Spec = {"x": x, "y": y, **color}
    done = [point for point in series.points if not point.unfinished]
    if chart.type == "bar":
        layers = [_layer({"type": "bar", **_rounded(series, 2)}, done, shared, words=True)]
        pale = {
            "type": "bar",
            "fillOpacity": 0.28,
            "strokeWidth": 1.2,
            "strokeDash": [3, 3],
            **_stroke(series),
        }
        late = [point for point in series.points if point.unfinished]
        stroked = {**shared, "stroke": shared["color"]} if "color" in shared else shared
        return [*layers, _layer(pale, late, stroked, words=True)] if late else layers
    tail = _tail(series)
    layers = []
    if chart.type == "area":
        layers += [_layer({"type": "area", "opacity": 0.18 if len(series.names) < 2 else 0.75}, done, shared)]
        layers += [_layer({"type": "area", "opacity": 0.07 if len(series.names) < 2 else 0.3}, tail, shared)]
    if chart.type == "line" or len(series.names) < 2:
        layers += [_layer({"type": "line"}, done, shared)]
        layers += [_layer({"type": "line", "strokeDash": [3, 4], "opacity": 0.75}, tail, shared)]
    layers += _dots(chart, series, shared)
    return [layer for layer in layers if layer["data"]["values"]]


def _dots(chart: Chart, series: Series, shared: Spec) -> list[Spec]:
    """Points that the mouse finds, seen where there are few; hollow where a period is not over."""
    if chart.type == "area" and len(series.names) > 1:
        return []
    done = [point for point in series.points if not point.unfinished]
    late = [point for point in series.points if point.unfinished]
    few = len(series.points) <= MOST_VISIBLE_POINTS * len(series.names)
    dot = {"type": "point", "filled": True, "size": 34 if few else 110, "opacity": 1 if few else 0}
    hollow = {"type": "point", "filled": False, "size": 44, "opacity": 1, "strokeWidth": 1.6}
    shown = done if len(done) <= MOST_POINTS_WITH_TEXT else []
    return [_layer(dot, shown, shared, words=True), _layer(hollow, late, shared, words=True)]


def _tail(series: Series) -> list[Point]:
    """The unfinished points, and of each series the finished one before them, so that the line goes on."""
    found: list[Point] = []
    for name in series.names:
        points = [point for point in series.points if point.series == name]
        first = next((index for index, point in enumerate(points) if point.unfinished), None)
        if first is not None:
            found += points[max(first - 1, 0) :]
    return found


def _lying_bars(series: Series, color: Spec) -> list[Spec]:
    """Bars from the left, one below the other in the query's order, with their values at the end."""
    y: Spec = {
        "field": "x",
        "type": "nominal",
        "scale": {"domain": list(dict.fromkeys(point.x for point in series.points))},
        "axis": {"title": None, "labelLimit": 150, "domain": False, "ticks": False, "labelPadding": 8},
    }
    x = {**y_axis(series), "axis": None} if len(series.names) < 2 else y_axis(series)
    shared: Spec = {"x": x, "y": y, **color}
    layers = [_layer({"type": "bar", **_rounded(series, 3), "height": 16}, series.points, shared, words=True)]
    if len(series.names) < 2:
        mark = {"type": "text", "align": "left", "dx": 6, "color": QUIET, "fontSize": 11}
        write = series.writer.write  # a dash for NULL, where there is no bar
        values = [{"x": point.x, "y": point.y or 0, "v": write(point.y)} for point in series.points]
        text = {"field": "v", "type": "nominal"}
        layers.append({"data": {"values": values}, "mark": mark, "encoding": {"x": x, "y": y, "text": text}})
    return layers


def _layer(mark: Spec, points: Sequence[Point], encoding: Spec, *, words: bool = False) -> Spec:
    described = {"description": {"field": "t", "type": "nominal"}} if words else {}
    return {"data": {"values": _values(points)}, "mark": mark, "encoding": {**encoding, **described}}


def _without_words(layer: Spec) -> Spec:
    encoding = {name: channel for name, channel in layer["encoding"].items() if name != "description"}
    values = [{name: value for name, value in row.items() if name != "t"} for row in layer["data"]["values"]]
    mark = {**layer["mark"], "aria": False}  # otherwise Vega finds words of its own
    return {"data": {"values": values}, "mark": mark, "encoding": encoding}


def _values(points: Sequence[Point]) -> list[Spec]:
    return [{"x": x_value(point.x), "y": point.y, "s": point.series, "t": point.text} for point in points]


def _rounded(series: Series, radius: int) -> Spec:
    """Bars that stand upon one another have corners: Vega would cut each out of a clip of its own."""
    return {"cornerRadiusEnd": radius} if len(series.names) < 2 else {}


def _color(series: Series, width: int) -> Spec:
    """A colour and an entry of the legend for each series, where there is more than one."""
    if len(series.names) < 2:
        return {}
    entry = 30 + LETTER * min(24, max(len(name) for name in series.names))
    legend = {"title": None, "orient": "top", "symbolType": "circle", "labelLimit": 150, "offset": 8}
    legend["columns"] = max(1, min(len(series.names), int(width // entry)))
    scale = {"domain": list(series.names), "range": list(PALETTE[: len(series.names)])}
    return {"color": {"field": "s", "type": "nominal", "sort": None, "legend": legend, "scale": scale}}


def _stroke(series: Series) -> Spec:
    return {} if len(series.names) > 1 else {"stroke": PALETTE[0]}


def _config(series: Series, count: int) -> Spec:
    axis = {
        "labelColor": QUIET,
        "labelFontSize": 11,
        "gridColor": LINE,
        "domainColor": LINE,
        "tickColor": LINE,
    }
    return {
        "font": FONT,
        "view": {"stroke": None},
        "axis": axis,
        "legend": {"labelColor": INK, "labelFontSize": 12},
        "mark": {"color": PALETTE[0]},
        "line": {"strokeWidth": 2, "strokeJoin": "round", "strokeCap": "round"},
        "scale": {"bandPaddingInner": 0.25 if count < 60 else 0.1},
    }
