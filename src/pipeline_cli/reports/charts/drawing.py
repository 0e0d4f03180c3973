"""Charts as SVG elements of a page, by vl-convert: no browser, no network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pipeline_cli.manifest.charts import Chart
from pipeline_cli.reports.charts.engine import draw_svg
from pipeline_cli.reports.charts.palette import PALETTE, QUIET, pattern_id
from pipeline_cli.reports.charts.points import Point, Series
from pipeline_cli.reports.charts.scatter import LETTERS, Spot, in_order, place_names
from pipeline_cli.reports.charts.spec import draw_spec
from pipeline_cli.reports.locales import current_locale

SVG = "http://www.w3.org/2000/svg"

_NAMES = re.compile(r"\{[^}]*\}")
_FRACTION = re.compile(r"(\d+\.\d)\d+")  # a tenth of a pixel is enough, and half as long
_REFERENCE = re.compile(r"url\(#(?!series-)(\w+)\)")
_PLACE = re.compile(r"translate\(([\d.-]+),([\d.-]+)\)")
_SIDES = re.compile(r"h([\d.]+)v([\d.]+)")
_FIRST = re.compile(r"M([\d.-]+),([\d.-]+)")  # of a shape around 0: how far it reaches
_FILLED = re.compile(
    r"mark-(rect|area|arc|group)? ?role-(mark|legend-symbol)|role-legend-symbol|mark-(rect|area|arc) "
)
MOST_ENLARGED = 1.6  # on a tablet, where a column is wider than on a screen
# What vl-convert writes for its own sake: roles for a screen reader, who gets the data as a table instead.
_UNUSED = ("class", "role", "aria-roledescription", "aria-hidden", "pointer-events", "font-family", "version")


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where a drawing stands. `prefix` makes its ids unique on the page; `label` is what a screen reader says.

    width: pixels. hover: what the drawing says of each mark becomes its <title>, which a browser shows to the mouse.
    overlay: patterns lie over the colours instead of having them: in a PDF the tiles of a pattern show seams.
    """

    width: int
    prefix: str
    label: str
    hover: bool = True
    overlay: bool = False


def draw_chart(chart: Chart, series: Series, canvas: Canvas) -> str:
    """The drawing as an <svg> element. What it fills with patterns refers to those of pattern_definitions()."""
    import xml.etree.ElementTree as ET

    spec = draw_spec(chart, series, canvas.width, hover=canvas.hover)
    svg = ET.fromstring(draw_svg(spec, current_locale()))  # noqa: S314 - our own drawing
    if chart.type == "scatter":
        _write_names(svg, in_order(series))
    places = {PALETTE[place]: place for place in range(1, _patterned(chart, series))}
    _fill_with_patterns(svg, places, overlay=canvas.overlay)
    for element in list(svg.iter()):
        _tidy(element, canvas.prefix)
    width, _ = svg.attrib.pop("width"), svg.attrib.pop("height")
    style = f"max-width:{float(width) * MOST_ENLARGED:.0f}px"
    svg.attrib.update({"role": "img", "aria-label": canvas.label, "style": style})
    _prune(svg)
    return ET.tostring(svg, encoding="unicode")


def _write_names(svg: Any, points: list[Point]) -> None:
    """The names of the points beside them: where they stand is known once they are drawn."""
    group = next(g for g in svg.iter(f"{{{SVG}}}g") if "mark-symbol role-mark" in g.get("class", ""))
    spots = []
    for mark, point in zip(group, points, strict=True):
        x, y = (float(number) for number in _PLACE.findall(mark.get("transform", ""))[0])
        spots.append(
            Spot(x, y, max(abs(float(number)) for number in _FIRST.findall(mark.get("d", ""))[0]), point.name)
        )
    plot = next(path for path in svg.iter(f"{{{SVG}}}path") if path.get("class") == "background")
    width, height = (float(number) for number in _SIDES.findall(plot.get("d", ""))[0])
    for name in place_names(spots, width, height):
        text = group.makeelement(
            f"{{{SVG}}}text", {"x": f"{name.x:.1f}", "y": f"{name.y:.1f}", "fill": QUIET}
        )
        text.attrib.update({"text-anchor": name.anchor, "font-size": f"{LETTERS}px"})
        text.text = name.text
        group.append(text)


def _patterned(chart: Chart, series: Series) -> int:
    """How many series of the drawing are areas; lines and points differ by their shapes."""
    return 0 if chart.type in ("line", "scatter") else len(series.names)


def _fill_with_patterns(svg: Any, places: dict[str, int], *, overlay: bool) -> None:
    for group in svg.iter(f"{{{SVG}}}g"):
        if not _FILLED.search(group.get("class", "")):
            continue
        for parent in list(group.iter(f"{{{SVG}}}g")):
            for index, element in reversed(list(enumerate(parent))):
                place = places.get(element.get("fill", ""))
                if place is None or not element.tag.endswith("path"):
                    continue
                if overlay:
                    lines = element.makeelement(element.tag, {**element.attrib, "stroke": "none"})
                    parent.insert(index + 1, lines)
                    element = lines
                element.set("fill", f"url(#{pattern_id(place)})")


def _tidy(element: Any, prefix: str) -> None:
    """Without namespaces (in HTML an <svg> needs none), with ids of its own, with words for the mouse."""
    element.tag = _NAMES.sub("", element.tag)
    words = element.attrib.pop("aria-label", None)
    is_mark = element.get("aria-roledescription", "") in ("bar", "point", "arc") and element.tag == "path"
    for name in (name for name in _UNUSED if name in element.attrib):
        del element.attrib[name]
    for name, value in element.attrib.items():
        element.set(name, f"{prefix}{value}" if name == "id" else _shorten(name, value, prefix))
    if words and is_mark:
        title = element.makeelement("title", {})
        title.text = words
        element.append(title)


def _shorten(name: str, value: str, prefix: str) -> str:
    if name in ("d", "transform"):
        return _FRACTION.sub(r"\1", value)
    return _REFERENCE.sub(rf"url(#{prefix}\1)", value)


def _prune(parent: Any) -> None:
    """Remove what draws nothing: hidden labels, empty paths and groups."""
    for child in list(parent):
        _prune(child)
        hidden = child.tag == "text" and child.get("opacity") == "0"
        empty = child.get("d") == "" or (child.tag == "g" and not len(child))
        if hidden or empty or child.get("display") == "none":
            parent.remove(child)
