"""Tables on paper: how wide the columns are, which rows fit, and their drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline_cli.reports.blocks import Cell, Heading
from pipeline_cli.reports.charts.letters import shorten, text_width, wrap
from pipeline_cli.reports.paper.pen import QUIET_INK, Style, draw_bar, draw_line, write, write_lines

SIZE, LEADING, ROW_PADDING, HEAD = 10.5, 13.0, 11.0, 22.0
COLUMN_GAP = 12.0
NARROWEST = 54.0  # of a column of texts
MOST_LINES = 3
_WORDS, _NUMBERS = Style(SIZE), Style(SIZE, anchor="end")


@dataclass(frozen=True, slots=True)
class Grid:
    """A table whose columns have their widths."""

    headings: Sequence[Heading]
    rows: Sequence[Sequence[Cell]]
    widths: Sequence[float]

    def draw_head(self) -> str:
        """The headings, with a line below; they take HEAD pixels."""
        parts = [draw_line(0, HEAD - 5, self._width, HEAD - 5)]
        for x, width, heading in zip(self._places(), self.widths, self.headings, strict=True):
            text = shorten(heading.label, width, SIZE)
            at, anchor = (x + width, "end") if heading.is_numeric else (x, "start")
            parts.append(write(at, 10, text, Style(SIZE, QUIET_INK, anchor=anchor)))
        return "".join(parts)

    def draw_row(self, row: Sequence[Cell]) -> tuple[str, float]:
        """A row with a line below, and how many pixels it takes."""
        lines = self._lines(row)
        height = LEADING * max(map(len, lines), default=1) + ROW_PADDING
        parts = [draw_line(0, height - 5, self._width, height - 5)]
        for x, width, heading, cell, texts in zip(
            self._places(), self.widths, self.headings, row, lines, strict=True
        ):
            if heading.is_numeric:
                parts.append(write(x + width, 12, texts[0], _NUMBERS))
            else:
                parts.append(write_lines(x, 12, texts, _WORDS, LEADING))
            if cell.share is not None:
                parts.append(draw_bar(x, 15.5, width * cell.share))
        return "".join(parts), height

    @property
    def _width(self) -> float:
        return sum(self.widths) + COLUMN_GAP * (len(self.widths) - 1)

    def _places(self) -> list[float]:
        places, x = [], 0.0
        for width in self.widths:
            places.append(x)
            x += width + COLUMN_GAP
        return places

    def _lines(self, row: Sequence[Cell]) -> list[list[str]]:
        found = []
        for cell, width, heading in zip(row, self.widths, self.headings, strict=True):
            lines = [cell.text] if heading.is_numeric else wrap(cell.text, width, SIZE)
            if len(lines) > MOST_LINES:
                last = shorten(" ".join(lines[MOST_LINES - 1 :]), width, SIZE)
                lines = [*lines[: MOST_LINES - 1], last]
            found.append([shorten(line, width, SIZE) for line in lines])
        return found


def make_grid(headings: Sequence[Heading], rows: Sequence[Sequence[Cell]], width: float) -> Grid:
    """The table as wide as it may be: numbers get what they need, texts share the rest."""
    room = width - COLUMN_GAP * (len(headings) - 1)
    wanted = [
        max([text_width(heading.label, SIZE), *(text_width(row[place].text, SIZE) for row in rows)])
        + (24 if any(row[place].share is not None for row in rows) else 0)
        for place, heading in enumerate(headings)
    ]
    texts = [place for place, heading in enumerate(headings) if not heading.is_numeric]
    spare = room - sum(wanted)
    if spare >= 0:
        for place in texts:
            wanted[place] += spare / len(texts)
        return Grid(headings, rows, wanted)
    numbers = sum(wanted) - sum(wanted[place] for place in texts)
    left = room - numbers
    if texts and left >= NARROWEST * len(texts):
        return Grid(headings, rows, _shrink(wanted, texts, left))
    return Grid(headings, rows, [room * one / sum(wanted) for one in wanted])


def _shrink(wanted: list[float], texts: list[int], left: float) -> list[float]:
    """The columns of texts made narrower, the widest first, until they fit into `left` pixels."""
    level = max(wanted[place] for place in texts)
    while sum(min(wanted[place], level) for place in texts) > left:
        level -= 1
    return [min(one, level) if place in texts else one for place, one in enumerate(wanted)]
