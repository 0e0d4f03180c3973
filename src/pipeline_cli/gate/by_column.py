"""What the gate's two steps hand to each other of a page that is loaded by column."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline_cli.contracts.exactness import Exactness
from pipeline_cli.contracts.reasons import Record
from pipeline_cli.nested.reading import PageReader, PageTable
from pipeline_cli.nested.shape import ShapeBuilder
from pipeline_cli.nested.spool import SpoolFolder


class ByColumn:
    """The table of the page that is on its way from CheckStep to WriteStep: dlt takes one page after the other."""

    def __init__(self, spool: SpoolFolder) -> None:
        self.spool = spool
        self._reader: PageReader | None = None
        self._page: PageTable | None = None

    def open(self, exactness: Exactness) -> None:
        """At the first record, when the schema is known."""
        self._reader = PageReader(ShapeBuilder(exactness.columns, exactness.table))

    @property
    def has_given_up(self) -> bool:
        """Whether the records turned out to be of no one shape; then they are loaded as rows."""
        return self._reader is not None and self._reader.has_given_up

    def read(self, records: Sequence[Record]) -> bool:
        """Whether one table holds all of these; it is kept for WriteStep."""
        assert self._reader is not None
        self._page = self._reader.read(records) if len(records) >= self.spool.fewest else None
        return self._page is not None

    @property
    def filled(self) -> Sequence[tuple[str, str, int, int]]:
        """Of the page that was read last: (table, column, rows of the table, values)."""
        return self._page.filled if self._page is not None else ()

    def learn(self, records: Sequence[Record]) -> None:
        """These were accepted one by one; where one table holds them, it is kept for WriteStep."""
        assert self._reader is not None
        self._page = self._reader.learn(records) if len(records) >= self.spool.fewest else None

    def take(self) -> PageTable | None:
        """The page's table, once."""
        page, self._page = self._page, None
        return page
