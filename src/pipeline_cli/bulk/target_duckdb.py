"""The column path into DuckDB: the warehouse reads the scan itself, and inserts it in one statement."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from pipeline_cli.bulk.engine import tell_progress
from pipeline_cli.bulk.errors import RoomNeededError, reading_errors
from pipeline_cli.bulk.reading import Reading, sql_value
from pipeline_cli.bulk.sql_types import DUCKDB_TYPES, arrow_schema, render, to_column_type
from pipeline_cli.destinations.base import Warehouse, literal, quote
from pipeline_cli.destinations.duckdb_loading import least_mb, loading, ran_out
from pipeline_cli.sources.column_types import ColumnType

BATCH_ROWS = 10_000
_FEW_ROWS = 200  # as literals: pyarrow imports pandas to look at Python's values, which costs 0.3 s


class DuckDBTarget:
    """The Target (bulk/target.py) of a DuckDB file."""

    dialect = "duckdb"
    row_id = "rowid"

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._connection = warehouse.connect()
        self.engine: Any = self._connection._raw  # type: ignore[attr-defined]
        self._is_frugal = True  # until rows come that need more memory
        tell_progress(self.engine)

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._warehouse.writing(), self._connection.transaction():
            yield

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.query(sql)

    def execute(self, sql: str) -> int:
        rows = self._connection.query(sql)
        return int(rows[0][0]) if rows and isinstance(rows[0][0], int) else 0

    def write(self, reading: Reading, table: str, *, is_ordered: bool, is_ours: bool) -> int:
        whole = reading.whole()
        insert = f"INSERT INTO {table} ({', '.join(map(quote, whole.columns))}) {whole.select}"
        needed = least_mb(len(reading.columns), reading.buffers_mb)
        limit = needed if self._is_frugal else None
        try:
            with self._settings(limit, is_ordered), reading_errors():
                found = self.engine.execute(insert).fetchall()
        except Exception as error:
            if limit is None or not ran_out(error):
                raise
            self._is_frugal = False
            raise RoomNeededError from error
        return int(found[0][0])

    @contextmanager
    def _settings(self, limit_mb: int | None, is_ordered: bool) -> Iterator[None]:
        """For one statement; `writing()` keeps the instance's other writers away meanwhile."""
        settings = self.engine.cursor()  # beside the transaction, which an error makes deaf
        try:
            with loading(settings, self._warehouse.location, limit_mb, is_ordered=is_ordered):
                yield
        finally:
            settings.close()

    def insert(self, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> int:
        names = ", ".join(quote(name) for name in columns)
        iterator = iter(rows)
        count = 0
        while batch := list(islice(iterator, BATCH_ROWS)):
            if len(batch) <= _FEW_ROWS:
                values = ", ".join(f"({', '.join(map(sql_value, row))})" for row in batch)
                self.execute(f"INSERT INTO {table} ({names}) VALUES {values}")
            else:
                self._insert_arrow(table, names, columns, batch)
            count += len(batch)
        return count

    def _insert_arrow(
        self, table: str, names: str, columns: Mapping[str, str], batch: Sequence[Sequence[Any]]
    ) -> None:
        import pyarrow

        schema = arrow_schema(columns)
        view = f"rows_{threading.get_ident()}"
        arrays = [
            pyarrow.array(values, type=field.type)
            for values, field in zip(zip(*batch, strict=True), schema, strict=True)
        ]
        self.engine.register(view, pyarrow.Table.from_arrays(arrays, schema=schema))
        try:
            self.execute(f"INSERT INTO {table} ({names}) SELECT * FROM {view}")
        finally:
            self.engine.unregister(view)

    def table_columns(self, dataset: str) -> dict[str, dict[str, ColumnType]]:
        rows = self.query(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            f" WHERE table_catalog = current_database() AND table_schema = {literal(dataset)}"
            " ORDER BY table_name, ordinal_position"
        )
        found: dict[str, dict[str, ColumnType]] = {}
        for table, name, kind in rows:
            found.setdefault(table, {})[name] = to_column_type(kind)
        return found

    def sql_type(self, kind: ColumnType) -> str:
        return render(DUCKDB_TYPES, kind)

    def create_temp(self, name: str, select: str) -> str:
        self.execute(f"CREATE OR REPLACE TEMP TABLE {quote(name)} AS {select}")
        return quote("temp", "main", name)

    def create_like(self, name: str, table: str) -> str:
        return self.create_temp(name, f"SELECT * FROM {table} LIMIT 0")
