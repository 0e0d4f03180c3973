"""What the column path asks of a warehouse: an engine that reads, a transaction, and rows that come in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from pipeline_cli.bulk.reading import Reading
from pipeline_cli.sources.column_types import ColumnType


class Target(Protocol):
    """A warehouse during one load; every statement stands in the one transaction."""

    dialect: str  # duckdb or postgres
    engine: Any  # the DuckDB connection that reads scans
    row_id: str  # the name of a row's address in a table that only grew: orders the rows of a load

    def transaction(self) -> AbstractContextManager[None]:
        """Everything inside commits together or not at all; nobody else of this process writes meanwhile."""
        ...

    def query(self, sql: str) -> list[tuple[Any, ...]]: ...

    def execute(self, sql: str) -> int:
        """Run a statement; the number of rows that it wrote or removed (0 where that has no meaning)."""
        ...

    def write(self, reading: Reading, table: str, *, is_ordered: bool, is_ours: bool) -> int:
        """Insert what a reading gives into `table` (quoted). Returns the number of rows.

        is_ordered: in the order of the scan. is_ours: nobody else sees the table before the commit.
        """
        ...

    def insert(self, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> int:
        """Insert Python rows in batches. columns: dlt's data type by name."""
        ...

    def table_columns(self, dataset: str) -> dict[str, dict[str, ColumnType]]:
        """The columns of every table of a dataset, by table."""
        ...

    def sql_type(self, kind: ColumnType) -> str:
        """The warehouse's type for dlt's."""
        ...

    def create_temp(self, name: str, select: str) -> str:
        """A temporary table with the rows of `select`, gone at the end. Returns its quoted name."""
        ...

    def create_like(self, name: str, table: str) -> str:
        """A temporary table with the columns of `table` (quoted), gone at the end. Returns its quoted name."""
        ...
