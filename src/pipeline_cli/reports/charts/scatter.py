"""Points between two axes of numbers, with their names where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline_cli.manifest.charts import ScatterChart
from pipeline_cli.reports.charts.axes import QUIET_AXIS, label_expression
from pipeline_cli.reports.charts.layers import Spec, colored, make_layer
from pipeline_cli.reports.charts.letters import text_width
from pipeline_cli.reports.charts.palette import CARD, INK
from pipeline_cli.reports.charts.points import Point, Series
from pipeline_cli.reports.charts.series import column_label
from pipeline_cli.reports.values import Writer

SMALLEST, LARGEST, PLAIN = 40, 600, 80  # areas of points in square pixels
MOST_NAMED = 40
LETTERS = 11  # pixels, of the names

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a point is drawn, in pixels from the left and the top."""

    x: float
    y: float
    radius: float
    name: str


@dataclass(frozen=True, slots=True)
class Name:
    """Where a name is written; `anchor` as in SVG."""

    x: float
    y: float
    anchor: str
    text: str


def draw_places(chart: ScatterChart, series: Series, width: int) -> list[Spec]:
    """The layer of points."""
    x = _axis(series.x_writer or series.writer, [p.x for p in series.points], column_label(chart, chart.x))
    y = _axis(series.writer, [p.y or 0.0 for p in series.points], column_label(chart, chart.y[0]))
    above = {"titleAngle": 0, "titleAlign": "left", "titleBaseline": "bottom", "titleX": 0, "titleY": -10}
    encoding: Spec = {
        "x": {"field": "x", **x, "axis": {**x["axis"], "titleAnchor": "end", "titlePadding": 8}},
        "y": {"field": "y", **y, "axis": {**y["axis"], **above}},
        **colored(series, width, shapes=True),
    }
    for name in ("color", "shape"):
        if name in encoding:
            encoding[name]["legend"]["orient"] = "bottom"  # above the drawing stands the title of y
    mark: Spec = {
        "type": "point",
        "filled": True,
        "opacity": 0.8,
        "size": PLAIN,
        "stroke": CARD,
        "strokeWidth": 0.6,
    }
    if chart.size:
        scale = {"range": [SMALLEST, LARGEST], "zero": True}
        encoding["size"] = {"field": "z", "type": "quantitative", "scale": scale, "legend": None}
    points = in_order(series)
    layer = make_layer(mark, points, encoding, words=True)
    for row, point in zip(layer["data"]["values"], points, strict=True):
        row |= {"z": max(point.size or 0.0, 0.0)} if chart.size else {}
    return [layer]


def in_order(series: Series) -> list[Point]:
    """The points as they are drawn: the small ones over the large ones."""
    return sorted(series.points, key=lambda point: -(point.size or 0.0))


def place_names(spots: Sequence[Spot], width: float, height: float) -> list[Name]:
    """The points' names beside them, those of the first points first; one that would cover another is left out."""
    taken = [
        (spot.x - spot.radius, spot.y - spot.radius, spot.x + spot.radius, spot.y + spot.radius)
        for spot in spots
    ]
    found = []
    for spot in spots[:MOST_NAMED]:
        room = text_width(spot.name, LETTERS)
        for name in _around(spot):
            left = name.x - {"start": 0.0, "middle": room / 2, "end": room}[name.anchor]
            box = (left, name.y - LETTERS, left + room, name.y + 3)
            fits = box[0] >= 0 and box[2] <= width and box[1] >= 0 and box[3] <= height
            if spot.name and fits and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                found.append(name)
                break
    return found


def _around(spot: Spot) -> list[Name]:
    beside, middle = spot.radius + 4, spot.y + LETTERS / 3
    return [
        Name(spot.x + beside, middle, "start", spot.name),
        Name(spot.x - beside, middle, "end", spot.name),
        Name(spot.x, spot.y - beside, "middle", spot.name),
        Name(spot.x, spot.y + beside + LETTERS - 3, "middle", spot.name),
    ]


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _axis(writer: Writer, values: list[float], title: str) -> Spec:
    numbers = label_expression(writer, max((abs(value) for value in values), default=0.0))
    axis = {
        **QUIET_AXIS,
        "labelExpr": numbers,
        "title": title,
        "titleColor": INK,
        "titleFontWeight": "normal",
    }
    return {"type": "quantitative", "axis": axis, "scale": {"zero": False, "nice": True, "padding": 12}}
