"""Lines and areas along an axis from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline_cli.manifest.charts import Chart
from pipeline_cli.reports.charts.axes import x_axis, y_axis
from pipeline_cli.reports.charts.layers import Spec, colored, make_layer
from pipeline_cli.reports.charts.palette import CARD
from pipeline_cli.reports.charts.points import Point, Series

MOST_VISIBLE_POINTS = 14  # a series of few points shows them all; a longer one some of them, for their shapes
SHAPES_A_LINE = 8
MOST_POINTS_WITH_TEXT = 200
DASHES = [3, 4]  # of a line to what is not over
# Sizes of points: of few, of the shapes on a long line, of what the mouse finds.
FEW, SMALL, FOUND = 34, 30, 110


def draw_lines(chart: Chart, series: Series, width: int) -> list[Spec]:
    """The layers of a line chart, or of an area chart."""
    many = len(series.names) > 1
    x, y = x_axis(chart, series, width), y_axis(series, stacked=chart.type == "area")
    if chart.type == "area" and many:
        return _stacked_areas(series, {"x": x, "y": y, **colored(series, width)})
    encoding: Spec = {"x": x, "y": y, **colored(series, width, shapes=True)}
    drawn = {name: channel for name, channel in encoding.items() if name != "shape"}
    done, tail = _done(series.points), tail_of(series)
    layers = []
    if chart.type == "area":
        layers += [make_layer({"type": "area", "opacity": 0.18}, done, drawn)]
        layers += [make_layer({"type": "area", "opacity": 0.07}, tail, drawn)]
    layers += [make_layer({"type": "line"}, done, drawn)]
    layers += [make_layer({"type": "line", "strokeDash": DASHES, "opacity": 0.75}, tail, drawn)]
    layers += draw_dots(series, encoding)
    return [layer for layer in layers if layer["data"]["values"]]


def draw_dots(series: Series, encoding: Spec) -> list[Spec]:
    """Points that the mouse finds, seen where there are few; hollow where a period is not over."""
    done, late = _done(series.points), [point for point in series.points if point.unfinished]
    few = len(series.points) <= MOST_VISIBLE_POINTS * len(series.names)
    hollow = {"type": "point", "filled": True, "fill": CARD, "size": 44, "opacity": 1, "strokeWidth": 1.6}
    if few:
        dot = {"type": "point", "filled": True, "size": FEW, "opacity": 1}
        layers = [make_layer(dot, done, encoding, words=True)]
    else:
        shapes = {"type": "point", "filled": True, "size": SMALL, "opacity": 1, "aria": False}
        layers = [make_layer(shapes, _spread(series), encoding)] if len(series.names) > 1 else []
        found = {"type": "point", "filled": True, "size": FOUND, "opacity": 0}
        layers += [
            make_layer(found, done if len(done) <= MOST_POINTS_WITH_TEXT else [], encoding, words=True)
        ]
    stroked = (
        {**encoding, "stroke": {**encoding["color"], "legend": None}} if "color" in encoding else encoding
    )
    late_layer = make_layer(
        hollow if "color" in encoding else {**hollow, "filled": False}, late, stroked, words=True
    )
    return [layer for layer in [*layers, late_layer] if layer["data"]["values"]]


def tail_of(series: Series) -> list[Point]:
    """The unfinished points, and of each series the finished one before them, so that the line goes on."""
    found: list[Point] = []
    for name in series.names:
        points = [point for point in series.points if point.series == name]
        first = next((index for index, point in enumerate(points) if point.unfinished), None)
        if first is not None:
            found += points[max(first - 1, 0) :]
    return found


def _stacked_areas(series: Series, encoding: Spec) -> list[Spec]:
    """Areas one upon the other, the first series at the bottom; a series without a value counts as nothing."""
    whole = replace(series, points=_fill_gaps(series))
    order = {"field": "o", "type": "quantitative"}
    places = {name: place for place, name in enumerate(series.names)}
    layers = []
    for points, opacity in ((_done(whole.points), 0.9), (tail_of(whole), 0.35)):
        mark = {"type": "area", "opacity": opacity, "stroke": CARD, "strokeWidth": 0.8}
        layer = make_layer(mark, points, {**encoding, "order": order})
        for row in layer["data"]["values"]:
            row["o"] = places[row["s"]]
        layers.append(layer)
    return [layer for layer in layers if layer["data"]["values"]]


def _fill_gaps(series: Series) -> list[Point]:
    by_place = {(point.series, point.x): point for point in series.points}
    late = {point.x for point in series.points if point.unfinished}
    found = []
    for name in series.names:
        for x in sorted(series.xs):
            point = by_place.get((name, x)) or Point(x, 0.0, name, "", x in late)
            found.append(replace(point, y=point.y or 0.0))
    return found


def _done(points: Sequence[Point]) -> list[Point]:
    return [point for point in points if not point.unfinished]


def _spread(series: Series) -> list[Point]:
    """Some points of each line, evenly apart and not those of the other lines, to show its shape."""
    found: list[Point] = []
    for place, name in enumerate(series.names):
        points = [point for point in _done(series.points) if point.series == name and point.y is not None]
        step = max(1, len(points) // SHAPES_A_LINE)
        found += points[(place * step) // len(series.names) :: step]
    return found
