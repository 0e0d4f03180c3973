"""What a page of records is, once it has been read as a table. Apart from how: a run with nothing new reads none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline_cli.contracts.reasons import Record
from pipeline_cli.nested.whole import Places

if TYPE_CHECKING:
    from pipeline_cli.nested.shape import Shape


@dataclass(frozen=True, slots=True)
class PageTable:
    """A page's records (or some of them), and the same as a table: row i is records[i].

    filled: for each column (table, column, rows of the table, values).
    """

    records: Sequence[Record]
    table: Any
    whole: Places
    filled: Sequence[tuple[str, str, int, int]] = ()


@dataclass(frozen=True, slots=True)
class SpooledPage:
    """A page's rows as they stand in a file of dlt's package. key: no other page's, of any load."""

    key: str
    table: Any
    whole: Places


@dataclass(frozen=True, slots=True)
class ReceivedPage:
    """A page as its table, whose records no one has decoded. body: their JSON, a list; shape: as it was read."""

    body: bytes
    page: PageTable
    shape: Shape

    @property
    def count(self) -> int:
        return int(self.page.table.num_rows)
