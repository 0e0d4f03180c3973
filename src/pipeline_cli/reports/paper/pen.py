"""Pieces of SVG: text, lines and boxes. Every text is escaped here, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from pipeline_cli.reports.charts.palette import CARD, FONT, LINE, pattern_definitions
from pipeline_cli.reports.values import printable

TITLE_INK, TEXT_INK, QUIET_INK, TINT = "#171b24", "#3b4252", "#667085", "#8ba6e5"


@dataclass(frozen=True, slots=True)
class Style:
    """How a text looks. size: pixels; anchor: which end of the text stands at x."""

    size: float
    fill: str = TEXT_INK
    bold: bool = False
    anchor: str = "start"


def write(x: float, y: float, text: str, style: Style) -> str:
    """One line of text; y is its baseline."""
    weight = ' font-weight="bold"' if style.bold else ""
    anchor = f' text-anchor="{style.anchor}"' if style.anchor != "start" else ""
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{style.size:g}" fill="{style.fill}"'
    return f"<text {place}{weight}{anchor}>{escape(printable(text))}</text>"


def write_lines(x: float, y: float, lines: list[str], style: Style, leading: float) -> str:
    """Lines of text, `leading` pixels apart; y is the first one's baseline."""
    return "".join(write(x, y + leading * number, line, style) for number, line in enumerate(lines))


def draw_box(width: float, height: float) -> str:
    """A card's ground and frame."""
    return (
        f'<rect x="0.5" y="0.5" width="{width - 1:.1f}" height="{height - 1:.1f}" rx="8"'
        f' fill="{CARD}" stroke="{LINE}"/>'
    )


def draw_line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{LINE}" fill="none"/>'


def draw_bar(x: float, y: float, width: float) -> str:
    """The thin bar behind a number of a table."""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="2.5" fill="{TINT}"/>'


def place(x: float, y: float, content: str) -> str:
    return f'<g transform="translate({x:.1f},{y:.1f})">{content}</g>'


def make_sheet(width: float, height: float, content: str, unit: float = 1.0) -> str:
    """A whole SVG document on white; `unit` is what one of its pixels is drawn as."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * unit:g}" height="{height * unit:g}"'
        f' viewBox="0 0 {width:g} {height:g}" font-family="{FONT}">'
        f"<defs>{pattern_definitions(ground=False)}</defs>"
        f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>{content}</svg>'
    )
