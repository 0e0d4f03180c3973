"""Each block as a card on paper: figures, charts, tables and texts, as wide as they are told to be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline_cli.reports.blocks import Tile, View
from pipeline_cli.reports.charts.drawing import Canvas, draw_chart
from pipeline_cli.reports.charts.letters import shorten, text_width, wrap
from pipeline_cli.reports.paper.pen import (
    QUIET_INK,
    TITLE_INK,
    Style,
    draw_box,
    draw_line,
    place,
    write,
    write_lines,
)
from pipeline_cli.reports.paper.tables import make_grid

PADDING = 16.0
TITLE_ROOM, TITLE_LEADING = 24.0, 15.0
SCALE = 0.86  # of drawings, whose letters are made for a screen
TILE_WIDTH = 128.0  # the least
_LABEL = Style(10, QUIET_INK)
_TITLE = Style(12.5, TITLE_INK, bold=True)
_NOTE, _SMALL, _TEXT = Style(10, QUIET_INK), Style(9.5, QUIET_INK), Style(11)
_VALUE, _NAME = 19.0, 13.5  # sizes of a number, and of a text, on a tile
_VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a card's content, from its top left corner."""

    svg: str
    height: float


@dataclass(frozen=True, slots=True)
class Card:
    """A block that is ready for paper: it may go on elsewhere after each of its parts.

    head: what stands above the parts, wherever they go on.
    """

    width: float
    title: str
    parts: Sequence[Part]
    head: Part = Part("", 0)

    @property
    def height(self) -> float:
        return self._top + sum(part.height for part in self.parts) + PADDING

    @property
    def _top(self) -> float:
        titles = self._titles
        return PADDING + (TITLE_ROOM + TITLE_LEADING * (len(titles) - 1) if titles else 0) + self.head.height

    @property
    def _titles(self) -> list[str]:
        """The title in one line or two."""
        room = self.width - 2 * PADDING
        lines = wrap(self.title, room, _TITLE.size, bold=True) if self.title else []
        return (
            lines
            if len(lines) < 3
            else [lines[0], shorten(" ".join(lines[1:]), room, _TITLE.size, bold=True)]
        )

    def draw(self, height: float) -> str:
        """The card in a box of this height."""
        titles = write_lines(PADDING, PADDING + 10, self._titles, _TITLE, TITLE_LEADING)
        found = [draw_box(self.width, height), titles]
        y = self._top
        found.append(place(PADDING, y - self.head.height, self.head.svg))
        for part in self.parts:
            found.append(place(PADDING, y, part.svg))
            y += part.height
        return "".join(found)

    def split(self, room: float) -> tuple[Card | None, Card | None]:
        """What fits into so many pixels, and the rest; None for nothing."""
        left, count = room - self._top - PADDING, 0
        for part in self.parts:
            if part.height > left:
                break
            left -= part.height
            count += 1
        if count == len(self.parts):
            return self, None
        if count == 0:
            return None, self
        rest = (
            f"{self.title} (continued)"
            if self.title and not self.title.endswith(" (continued)")
            else self.title
        )
        return replace(self, parts=self.parts[:count]), replace(self, title=rest, parts=self.parts[count:])


def make_card(view: View, width: float, prefix: str) -> Card:
    """The block as a card. prefix: makes the ids of its drawing unique on the sheet."""
    inner = width - 2 * PADDING
    if view.kind == "figures":
        return Card(width, view.title, [_tiles(view, inner)])
    if view.kind == "text":
        return Card(width, view.title, _paragraphs(view.paragraphs, inner))
    if view.is_empty:
        return Card(width, view.title, [_nothing(inner)])
    note = _lines(view.note, inner)
    if view.chart is not None and view.series is not None:
        return Card(width, view.title, [_drawing(view, inner, prefix), *note])
    grid = make_grid(view.headings, view.rows, inner)
    rows = [Part(*grid.draw_row(row)) for row in view.rows]
    return Card(width, view.title, [*rows, *note], Part(grid.draw_head(), grid.head_height))


def _drawing(view: View, width: float, prefix: str) -> Part:
    assert view.chart is not None
    assert view.series is not None
    canvas = Canvas(int(width / SCALE), prefix, "", hover=False, overlay=True)
    svg = draw_chart(view.chart, view.series, canvas)
    found = _VIEW_BOX.search(svg)
    assert found is not None
    drawn, height = (float(number) * SCALE for number in found.groups())
    x = max(0.0, (width - drawn) / 2)
    sized = svg.replace("<svg ", f'<svg x="{x:.1f}" width="{drawn:.1f}" height="{height:.1f}" ', 1)
    return Part(sized, height + 2)


def _tiles(view: View, width: float) -> Part:
    per_row = max(1, min(view.per_row, int(width // TILE_WIDTH)))
    per_row = -(-len(view.tiles) // -(-len(view.tiles) // per_row))  # rows as even as can be
    room = width / per_row
    parts, y = [], 0.0
    for first in range(0, len(view.tiles), per_row):
        row = view.tiles[first : first + per_row]
        labels = [wrap(tile.label, room - 14, _LABEL.size)[:2] for tile in row]
        above = 14 + 12 * (max(map(len, labels)) - 1)
        drawn = [_tile(tile, lines, above, room - 14) for tile, lines in zip(row, labels, strict=True)]
        height = max(part.height for part in drawn)
        if first:
            parts.append(draw_line(0, y + 8, width, y + 8))
            y += 20
        for number, part in enumerate(drawn):
            parts.append(place(number * room, y, part.svg))
            if number:
                parts.append(draw_line(number * room - 10, y, number * room - 10, y + height))
        y += height
    return Part("".join(parts), y)


def _tile(tile: Tile, labels: list[str], above: float, width: float) -> Part:
    """A figure: its label, and the value `above` pixels below the top."""
    size = _VALUE if tile.is_numeric else _NAME
    size = (
        min(size, size * width / max(1.0, text_width(tile.value.text, size, bold=True)))
        if tile.is_numeric
        else size
    )
    value = [tile.value.text] if tile.is_numeric else wrap(tile.value.text, width, size, bold=True)[:3]
    found = [write_lines(0, 9, labels, _LABEL, 12)]
    found.append(write_lines(0, above + size, value, Style(size, TITLE_INK, bold=True), size + 3))
    y = above + size + (size + 3) * (len(value) - 1) + 17
    if tile.detail:
        found.append(write(0, y, shorten(tile.detail.text, width, 10), _LABEL))
        y += 14
    if tile.change:
        words = f"{tile.change.arrow} {tile.change.words}".strip()
        found.append(write(0, y, words, Style(10, bold=True)))
        lines = wrap(tile.change.detail, width, _SMALL.size)
        found.append(write_lines(0, y + 13, lines, _SMALL, 12))
        y += 13 + 12 * len(lines)
    return Part("".join(found), y - 8)


def _paragraphs(paragraphs: Sequence[str], width: float) -> list[Part]:
    found = []
    for paragraph in paragraphs:
        lines = wrap(paragraph, width, _TEXT.size)
        found += [Part(write(0, 11, line, _TEXT), 15) for line in lines[:-1]]
        found.append(Part(write(0, 11, lines[-1], _TEXT), 24))
    return found


def _lines(text: str, width: float) -> list[Part]:
    lines = wrap(text, width, _NOTE.size) if text else []
    return [Part(write(0, 12, line, _NOTE), 14) for line in lines]


def _nothing(width: float) -> Part:
    text = "No data."
    return Part(write(width / 2, 24, text, replace(_NOTE, size=11, anchor="middle")), 40)
