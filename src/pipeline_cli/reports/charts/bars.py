"""Bars: standing along an axis, or lying one below the other; alone, side by side, or stacked."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline_cli.manifest.charts import Chart
from pipeline_cli.reports.charts.axes import x_axis, y_axis
from pipeline_cli.reports.charts.layers import PALE, Spec, colored, make_layer, x_value
from pipeline_cli.reports.charts.palette import CARD, PALETTE, QUIET
from pipeline_cli.reports.charts.points import Point, Series

STEP, BAR = 26, 16  # pixels that a lying bar takes, and how thick it is
GROUPED_BAR, GROUP_GAP = 14, 12  # the same of bars side by side
LABEL_WIDTH = 150  # of a lying bar's name


def draw_standing(chart: Chart, series: Series, width: int) -> list[Spec]:
    """Bars along an axis from left to right; one of a period that is not over is pale and dashed."""
    stacked = chart.type == "stacked_bar"
    many = len(series.names) > 1
    encoding: Spec = {
        "x": x_axis(chart, series, width),
        "y": y_axis(series, stacked=stacked),
        **colored(series, width),
        **_placed("x", series, stacked),
    }
    done = [point for point in series.points if not point.unfinished]
    late = [point for point in series.points if point.unfinished]
    layers = [_ordered(make_layer(_bar(series, 2, stacked), done, encoding, words=True), series)]
    if late:
        stroked = {**encoding, "stroke": {**encoding["color"], "legend": None}} if many else encoding
        pale = {"type": "bar", **PALE, **({} if many else {"stroke": PALETTE[0]})}
        layers.append(_ordered(make_layer(pale, late, stroked, words=True), series))
    return layers


def draw_lying(chart: Chart, series: Series, width: int) -> list[Spec]:
    """Bars from the left, one below the other in the query's order, with their values at the end."""
    stacked = chart.type == "stacked_bar"
    y: Spec = {
        "field": "x",
        "type": "nominal",
        "scale": {"domain": series.xs},
        "axis": {
            "title": None,
            "labelLimit": LABEL_WIDTH,
            "domain": False,
            "ticks": False,
            "labelPadding": 8,
        },
    }
    # Vega shrinks the bars by what the longest one's value lacks: right only where that bar ends the scale.
    x = {**y_axis(series, stacked=stacked), "axis": None, "scale": {"zero": True, "nice": False}}
    encoding: Spec = {"x": x, "y": y, **colored(series, width), **_placed("y", series, stacked)}
    layers = [_ordered(make_layer(_bar(series, 3, stacked), series.points, encoding, words=True), series)]
    return [*layers, _words_at_the_end(series, encoding, stacked)]


def lying_height(series: Series, stacked: bool) -> int:
    """Pixels that lying bars take."""
    if stacked or len(series.names) < 2:
        return STEP * len(series.xs)
    return (GROUPED_BAR * len(series.names) + GROUP_GAP) * len(series.xs)


def _placed(axis: str, series: Series, stacked: bool) -> Spec:
    """Where the bars of several series stand: one upon the other in their order, or side by side."""
    if len(series.names) < 2:
        return {}
    if stacked:
        return {"order": {"field": "o", "type": "quantitative"}}
    scale = {"domain": list(series.names)}
    return {f"{axis}Offset": {"field": "s", "type": "nominal", "sort": None, "scale": scale}}


def _ordered(layer: Spec, series: Series) -> Spec:
    if "order" in layer["encoding"]:
        places = {name: place for place, name in enumerate(series.names)}
        for row in layer["data"]["values"]:
            row["o"] = places[row["s"]]
    return layer


def _bar(series: Series, radius: int, stacked: bool) -> Spec:
    """Bars that stand upon one another have corners: Vega would cut each out of a clip of its own."""
    if stacked and len(series.names) > 1:
        return {"type": "bar", "stroke": CARD, "strokeWidth": 0.8}
    return {"type": "bar", "cornerRadiusEnd": radius}


def _words_at_the_end(series: Series, encoding: Spec, stacked: bool) -> Spec:
    """Each bar's value; of stacked bars the sum."""
    mark = {"type": "text", "align": "left", "baseline": "middle", "dx": 6, "color": QUIET, "fontSize": 11}
    text = {"field": "v", "type": "nominal"}
    if stacked:
        values = [
            {"x": x_value(x), "y": _end(points), "v": series.writer.write(sum(p.y or 0.0 for p in points))}
            for x, points in _by_place(series)
        ]
        places = {"x": {**encoding["x"], "stack": None}, "y": encoding["y"]}
        return {"data": {"values": values}, "mark": mark, "encoding": {**places, "text": text}}
    # A dash for NULL, where there is no bar. The words of a bar to the left stand at zero.
    values = [
        {"x": x_value(p.x), "y": max(p.y or 0.0, 0.0), "s": p.series, "v": series.writer.write(p.y)}
        for p in series.points
    ]
    places = {name: encoding[name] for name in ("x", "y", "yOffset") if name in encoding}
    return {"data": {"values": values}, "mark": mark, "encoding": {**places, "text": text}}


def _by_place(series: Series) -> list[tuple[object, Sequence[Point]]]:
    return [(x, [point for point in series.points if point.x == x]) for x in series.xs]


def _end(points: Sequence[Point]) -> float:
    return sum(max(point.y or 0.0, 0.0) for point in points)
