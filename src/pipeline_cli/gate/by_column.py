"""What the gate's two steps hand to each other of a page that is loaded by column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pipeline_cli.contracts.exactness import Exactness
from pipeline_cli.contracts.reasons import Record
from pipeline_cli.nested.pages import PageTable, ReceivedPage
from pipeline_cli.nested.spool import SpoolFolder

if TYPE_CHECKING:
    from pipeline_cli.nested.reading import PageReader


class ByColumn:
    """The table of the page that is on its way from CheckStep to WriteStep: dlt takes one page after the other."""

    def __init__(self, spool: SpoolFolder, holds: Callable[[Any], bool] | None = None) -> None:
        """holds: whether all rows of a table are sure to be fine; None where each record has to be looked at."""
        self.spool = spool
        self.takes_text = holds is not None
        self._holds = holds
        self._exactness: Exactness | None = None
        self._reader: PageReader | None = None
        self._page: PageTable | None = None
        self._has_left_out = False
        self._has_begun = False

    def open(self, exactness: Exactness) -> None:
        """At the first record, when the schema is known."""
        self._exactness = exactness

    @property
    def has_given_up(self) -> bool:
        """Whether the records turned out to be of no one shape; then they are loaded as rows."""
        return self._reader is not None and self._reader.has_given_up

    @property
    def has_shape(self) -> bool:
        """Whether it is known what the records look like."""
        return self._reader is not None and self._reader.has_shape

    def read(self, records: Sequence[Record]) -> bool:
        """Whether one table holds all of these; it is kept for WriteStep."""
        reader = self._reader if self._pays_off(len(records)) else None
        self._page = reader.read(records) if reader is not None else None
        return self._page is not None

    def decode(self, body: bytes) -> ReceivedPage | None:
        """A page of which no record needs a look: as received, by the thread that received it. body: JSON, a list."""
        if self._reader is None or self._holds is None:
            return None
        found = self._reader.read_text(body)
        if found is None or not self._pays_off(found.count) or not self._holds(found.page.table):
            return None
        return found

    def accept(self, received: ReceivedPage) -> bool:
        """Whether the page can be loaded as it was read; then it is kept for WriteStep."""
        self._page = received.page if self._reader is not None and self._reader.takes(received) else None
        return self._page is not None

    @property
    def filled(self) -> Sequence[tuple[str, str, int, int]]:
        """Of the page that was read last: (table, column, rows of the table, values)."""
        return self._page.filled if self._page is not None else ()

    def learn(self, records: Sequence[Record]) -> None:
        """These were accepted one by one; where one table holds them, it is kept for WriteStep."""
        pays_off = self._pays_off(len(records))
        self._page = self._open_reader().learn(records) if pays_off else None
        self._has_left_out = self._has_left_out or (pays_off and self._page is None)

    def widen(self, records: Sequence[Record]) -> None:
        """Keep a table of all these in the place of the one that holds some of them, where there is such a table."""
        if self._page is not None and self._reader is not None:
            self._page = self._reader.read(records) or self._page

    @property
    def why_by_row(self) -> str:
        """Why large pages were loaded row by row; empty where none was."""
        if self._reader is None or not self._has_left_out:
            return ""
        return self._reader.problem or "some values have to be read one by one to stay exact"

    def take(self) -> PageTable | None:
        """The page's table, once."""
        page, self._page = self._page, None
        self._has_begun = self._has_begun or page is not None
        return page

    def _open_reader(self) -> PageReader:
        """With the first page that pays off: most runs find nothing new, and need nothing of what reads pages."""
        if self._reader is None:
            from pipeline_cli.nested.reading import PageReader
            from pipeline_cli.nested.shape import ShapeBuilder

            assert self._exactness is not None
            self._reader = PageReader(ShapeBuilder(self._exactness.columns, self._exactness.table))
        return self._reader

    def _pays_off(self, count: int) -> bool:
        """Where a page went by column, the few records of the last one do, too: as rows they were another file of the
        package, which dlt commits by itself, and somebody who reads the table would see the load in two halves.
        """
        return count >= self.spool.fewest or (self._has_begun and count > 0)
