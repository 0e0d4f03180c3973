"""Cards in rows as the page has them, and rows on pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline_cli.reports.blocks import View
from pipeline_cli.reports.paper.cards import Card, make_card
from pipeline_cli.reports.paper.pen import place

GAP = 14.0
MOST_COLUMNS = 2  # of a sheet of paper: a third of it is too narrow for a chart
MOST_EMPTY = 0.5  # of a card as high as the highest of its row; one that would be emptier ends where it ends
LEAST = 150.0  # pixels of a page that are worth beginning a row in that does not fit


@dataclass(frozen=True, slots=True)
class Row:
    """Cards beside one another; each with its distance from the left."""

    cells: Sequence[tuple[float, Card]]

    @property
    def height(self) -> float:
        return max(card.height for _, card in self.cells)

    def draw(self) -> str:
        height = self.height
        return "".join(
            place(x, 0, card.draw(height if card.height >= height * (1 - MOST_EMPTY) else card.height))
            for x, card in self.cells
        )

    def split(self, room: float) -> tuple[Row | None, Row | None]:
        """What fits into so many pixels, and the rest; None for nothing. Only together: all cards have a beginning."""
        parted = [(x, *card.split(room)) for x, card in self.cells]
        if any(first is None for _, first, _ in parted):
            return None, self
        begun = [(x, first) for x, first, _ in parted if first is not None]
        left = [(x, rest) for x, _, rest in parted if rest is not None]
        return Row(begun), Row(left) if left else None


def lay_rows(views: Sequence[View], columns: int, width: float, prefix: str) -> list[Row]:
    """The blocks in rows of at most MOST_COLUMNS columns."""
    columns = min(columns, MOST_COLUMNS)
    column = (width - GAP * (columns - 1)) / columns
    rows: list[list[tuple[float, Card]]] = []
    taken = columns
    for number, view in enumerate(views):
        span = min(view.span, columns)
        if taken + span > columns:
            rows.append([])
            taken = 0
        wide = column * span + GAP * (span - 1)
        rows[-1].append((taken * (column + GAP), make_card(view, wide, f"{prefix}{number}-")))
        taken += span
    return [Row(cells) for cells in rows]


def fill_pages(rows: Sequence[Row], first_room: float, room: float) -> Iterator[str]:
    """The content of each page. first_room: what the head of the report leaves of the first one."""
    parts: list[str] = []
    y, left = 0.0, first_room
    waiting = list(rows)
    while waiting:
        row = waiting.pop(0)
        rest: Row | None = None
        if row.height > left:
            fits_whole = row.height <= room
            begun, rest = (None, row) if fits_whole or (left < LEAST and y) else row.split(left)
            if begun is None and not parts and left >= room:
                begun, rest = row, None  # one part is higher than a page: it is cut there
            if begun is None:
                yield "".join(parts)
                parts, y, left = [], 0.0, room
                waiting.insert(0, row)
                continue
            row = begun
        parts.append(place(0, y, row.draw()))
        y += row.height + GAP
        left -= row.height + GAP
        if rest is not None:
            waiting.insert(0, rest)
            yield "".join(parts)
            parts, y, left = [], 0.0, room
    if parts:
        yield "".join(parts)
