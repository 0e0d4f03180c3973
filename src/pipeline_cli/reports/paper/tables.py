"""Tables on paper: how wide the columns are, which rows fit, and their drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline_cli.reports.blocks import Cell, Heading
from pipeline_cli.reports.charts.letters import shorten, text_width, wrap
from pipeline_cli.reports.paper.pen import QUIET_INK, Style, draw_bar, draw_line, write_lines

SIZE, LEADING, ROW_PADDING, HEAD = 10.5, 13.0, 11.0, 9.0
SMALLER = 0.25  # the step in which letters are made smaller until every number has room
COLUMN_GAP = 12.0
NARROWEST, LONGEST_WORD = 30.0, 110.0  # of a column of texts; a longer word than that is broken
MOST_LINES = 3


@dataclass(frozen=True, slots=True)
class Grid:
    """A table whose columns have their widths. size: of its letters."""

    headings: Sequence[Heading]
    rows: Sequence[Sequence[Cell]]
    widths: Sequence[float]
    size: float = SIZE

    @property
    def head_height(self) -> float:
        return self._leading * max(map(len, self._labels())) + HEAD

    def draw_head(self) -> str:
        """The headings, with a line below; they take head_height pixels."""
        labels, line = self._labels(), self.head_height - 5
        lowest = max(map(len, labels))
        parts = [draw_line(0, line, self._width, line)]
        for x, width, heading, texts in zip(self._places(), self.widths, self.headings, labels, strict=True):
            at, anchor = (x + width, "end") if heading.is_numeric else (x, "start")
            y = 10 + self._leading * (lowest - len(texts))
            parts.append(write_lines(at, y, texts, Style(self.size, QUIET_INK, anchor=anchor), self._leading))
        return "".join(parts)

    def draw_row(self, row: Sequence[Cell]) -> tuple[str, float]:
        """A row with a line below, and how many pixels it takes."""
        lines = self._lines(row)
        height = self._leading * max(map(len, lines), default=1) + ROW_PADDING
        parts = [draw_line(0, height - 5, self._width, height - 5)]
        for x, width, heading, cell, texts in zip(
            self._places(), self.widths, self.headings, row, lines, strict=True
        ):
            at, anchor = (x + width, "end") if heading.is_numeric else (x, "start")
            parts.append(write_lines(at, 12, texts, Style(self.size, anchor=anchor), self._leading))
            if cell.share is not None:
                parts.append(draw_bar(x, 15.5, width * cell.share))
        return "".join(parts), height

    @property
    def _gap(self) -> float:
        return COLUMN_GAP * self.size / SIZE

    @property
    def _leading(self) -> float:
        return LEADING * self.size / SIZE

    @property
    def _width(self) -> float:
        return sum(self.widths) + self._gap * (len(self.widths) - 1)

    def _places(self) -> list[float]:
        places, x = [], 0.0
        for width in self.widths:
            places.append(x)
            x += width + self._gap
        return places

    def _labels(self) -> list[list[str]]:
        return [
            wrap(heading.label, width + 0.1, self.size)
            for heading, width in zip(self.headings, self.widths, strict=True)
        ]

    def _lines(self, row: Sequence[Cell]) -> list[list[str]]:
        """A number is never cut: what is left of 1,999.80 would be another number."""
        found = []
        for cell, width, heading in zip(row, self.widths, self.headings, strict=True):
            if heading.is_numeric:
                found.append([cell.text])
                continue
            lines = wrap(cell.text, width + 0.1, self.size)
            if len(lines) > MOST_LINES:
                last = shorten(" ".join(lines[MOST_LINES - 1 :]), width, self.size)
                lines = [*lines[: MOST_LINES - 1], last]
            found.append(lines)
        return found


def make_grid(headings: Sequence[Heading], rows: Sequence[Sequence[Cell]], width: float) -> Grid:
    """The table as wide as it may be: numbers get what they need, texts share the rest.

    Where that is too much, headings are wrapped first, then texts; then all letters are smaller.
    """
    size = SIZE
    while True:
        room = width - COLUMN_GAP * size / SIZE * (len(headings) - 1)
        columns = [[row[place] for row in rows] for place in range(len(headings))]
        pairs = list(zip(headings, columns, strict=True))
        wanted = [_wanted(heading, cells, size) for heading, cells in pairs]
        least = [_least(heading, cells, size) for heading, cells in pairs]
        least = [min(pair) for pair in zip(wanted, least, strict=True)]
        if sum(least) <= room or size <= SMALLER:
            break
        size -= SMALLER
    texts = [place for place, heading in enumerate(headings) if not heading.is_numeric]
    spare = room - sum(wanted)
    if spare < 0:
        return Grid(headings, rows, _shrink(wanted, least, room), size)
    for place in texts:
        wanted[place] += spare / len(texts)
    return Grid(headings, rows, wanted, size)


def _wanted(heading: Heading, cells: Sequence[Cell], size: float) -> float:
    """Pixels of a column in which nothing is wrapped."""
    return max(text_width(heading.label, size), *(text_width(cell.text, size) for cell in cells), 0.0) + (
        24 if any(cell.share is not None for cell in cells) else 0
    )


def _least(heading: Heading, cells: Sequence[Cell], size: float) -> float:
    """Pixels below which a number would be cut, or a word broken."""
    longest = LONGEST_WORD * size / SIZE
    words = [word for text in (heading.label, *_texts(heading, cells)) for word in text.split()]
    least = max((min(longest, text_width(word, size)) for word in words), default=0.0)
    if heading.is_numeric:
        return max([least, *(text_width(cell.text, size) for cell in cells)])
    return max(least, NARROWEST * size / SIZE)


def _texts(heading: Heading, cells: Sequence[Cell]) -> list[str]:
    return [] if heading.is_numeric else [cell.text for cell in cells]


def _shrink(wanted: list[float], least: list[float], room: float) -> list[float]:
    """The columns made narrower, the widest first, none below its least, until they fit."""
    level = max(wanted)
    while level > 0:
        widths = [max(low, min(one, level)) for one, low in zip(wanted, least, strict=True)]
        if sum(widths) <= room:
            return widths
        level -= 1
    return least
