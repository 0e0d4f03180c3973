"""Vega-Lite to SVG for a page and PNG for a mail, by vl-convert: no browser, no network."""

from __future__ import annotations

import re
from typing import Any

from pipeline_cli.reports.axes import Spec

_NAMES = re.compile(r"\{[^}]*\}")
_FRACTION = re.compile(r"(\d+\.\d)\d+")  # a tenth of a pixel is enough, and half as long
_REFERENCE = re.compile(r"url\(#(\w+)\)")
MOST_ENLARGED = 1.6  # on a tablet, where a column is wider than on a screen
# What vl-convert writes for its own sake: roles for a screen reader, who gets the data as a table instead.
_UNUSED = ("class", "role", "aria-roledescription", "aria-hidden", "pointer-events", "font-family", "version")


def draw_svg(spec: Spec, prefix: str, label: str) -> str:
    """The drawing as an <svg> element for an HTML page.

    prefix: makes its ids unique on the page. label: what a screen reader says.
    What the drawing says of each mark becomes its <title>, which a browser shows to the mouse.
    """
    import xml.etree.ElementTree as ET

    import vl_convert

    text = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    svg = ET.fromstring(text)  # noqa: S314 - our own drawing
    for element in list(svg.iter()):
        _tidy(element, prefix)
    width, _ = svg.attrib.pop("width"), svg.attrib.pop("height")
    svg.attrib.update(
        {"role": "img", "aria-label": label, "style": f"max-width:{float(width) * MOST_ENLARGED:.0f}px"}
    )
    _prune(svg)
    return ET.tostring(svg, encoding="unicode")


def draw_png(spec: Spec, scale: float = 2.0) -> bytes:
    """The drawing on white, at `scale` pixels a point."""
    import vl_convert

    data: bytes = vl_convert.vegalite_to_png(
        {**spec, "background": "white"}, scale=scale, allowed_base_urls=[]
    )
    return data


def _tidy(element: Any, prefix: str) -> None:
    """Without namespaces (in HTML an <svg> needs none), with ids of its own, with words for the mouse."""
    element.tag = _NAMES.sub("", element.tag)
    words = element.attrib.pop("aria-label", None)
    is_mark = element.get("aria-roledescription", "") in ("bar", "point") and element.tag == "path"
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
