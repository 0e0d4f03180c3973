"""What the drawings of all kinds share: layers with their data, colours, words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pipeline_cli.reports.charts.letters import text_width
from pipeline_cli.reports.charts.palette import PALETTE, SHAPES
from pipeline_cli.reports.charts.points import Point, Series

Spec = dict[str, Any]

LETTER = 6.5  # pixels that a letter takes, about
LEGEND_LETTERS, LEGEND_ROOM = 12, 240  # pixels: how large the letters are, and how wide an entry may be
PALE = {"fillOpacity": 0.28, "strokeWidth": 1.2, "strokeDash": [3, 3]}  # a bar of a period that is not over
LEGEND: Spec = {"title": None, "orient": "top", "labelLimit": LEGEND_ROOM, "offset": 8, "symbolSize": 90}


def make_layer(mark: Spec, points: Sequence[Point], encoding: Spec, *, words: bool = False) -> Spec:
    """A layer of one kind of mark. words: each mark tells its value to the mouse."""
    described = {"description": {"field": "t", "type": "nominal"}} if words else {}
    return {"data": {"values": to_values(points)}, "mark": mark, "encoding": {**encoding, **described}}


def to_values(points: Sequence[Point]) -> list[Spec]:
    """Points as rows, under names of ours: Vega-Lite reads dots and brackets in a field's name as a path."""
    return [{"x": x_value(point.x), "y": point.y, "s": point.series, "t": point.text} for point in points]


def x_value(x: Any) -> Any:
    """A moment as Vega reads it; numbers and names as they are."""
    return x.isoformat().replace("+00:00", "Z") if isinstance(x, datetime) else x


def without_words(spec: Spec) -> Spec:
    """The drawing without what only a mouse finds: on a phone there is none, and the page is half as heavy."""
    layers = []
    for layer in spec["layer"]:
        if "layer" in layer:
            layers.append(without_words(layer))
        elif layer["mark"].get("opacity") != 0:
            encoding = {name: channel for name, channel in layer["encoding"].items() if name != "description"}
            values = [
                {name: value for name, value in row.items() if name != "t"} for row in layer["data"]["values"]
            ]
            mark = {**layer["mark"], "aria": False}  # otherwise Vega finds words of its own
            layers.append({**layer, "data": {"values": values}, "mark": mark, "encoding": encoding})
    return {**spec, "layer": layers}


def colored(series: Series, width: int, *, symbol: str = "square", shapes: bool = False) -> Spec:
    """A colour and an entry of the legend for each series, where there is more than one.

    shapes: points have a shape for each series as well.
    """
    if len(series.names) < 2:
        return {}
    legend = {**LEGEND, "symbolType": symbol, "columns": legend_columns(series.names, width)}
    found: Spec = {"color": color_of(series.names, legend)}
    if shapes:
        scale = {"domain": list(series.names), "range": list(SHAPES[: len(series.names)])}
        merged = {name: value for name, value in legend.items() if name != "symbolType"}
        found["color"]["legend"] = merged
        found["shape"] = {"field": "s", "type": "nominal", "sort": None, "legend": merged, "scale": scale}
    return found


def color_of(names: Sequence[str], legend: Spec | None, first: int = 0) -> Spec:
    """The colours of these series, from the palette's `first` on."""
    scale = {"domain": list(names), "range": list(PALETTE[first : first + len(names)])}
    return {"field": "s", "type": "nominal", "sort": None, "legend": legend, "scale": scale}


def legend_columns(names: Sequence[str], width: int) -> int:
    """How many entries stand in a row of the legend."""
    entry = max(legend_width([name]) for name in names)
    return max(1, min(len(names), int((width - 40) // entry)))


def legend_width(names: Sequence[str]) -> float:
    """Pixels that these entries take side by side."""
    return sum(34 + min(text_width(name, LEGEND_LETTERS), LEGEND_ROOM) for name in names)
