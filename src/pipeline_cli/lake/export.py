"""Rows of the warehouse as one Parquet or JSON Lines file, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pipeline_cli.destinations.base import Connection, Warehouse, literal, quote

if TYPE_CHECKING:
    from pipeline_cli.sources.sql_database.backend import Backend

FileFormat = Literal["parquet", "jsonl"]
_OPTIONS = {"parquet": "FORMAT parquet, COMPRESSION zstd", "jsonl": "FORMAT json"}
_CHUNK_ROWS = 50_000


class Exporter(Protocol):
    """Writes tables' rows into files of one format."""

    suffix: FileFormat

    def export(self, table: str, where: str, file: Path) -> int:
        """Write the table's rows that meet a condition; table: quoted. Returns how many there are."""
        ...


@contextmanager
def open_exporter(
    warehouse: Warehouse, connection: Connection, file_format: FileFormat, folder: Path
) -> Iterator[Exporter]:
    """The exporter that fits the warehouse. folder: for what DuckDB cannot keep in memory."""
    if warehouse.type == "duckdb":
        yield DuckDBExporter(connection, file_format)
        return
    from pipeline_cli.bulk.engine import open_engine
    from pipeline_cli.sources.sql_database.address import Address
    from pipeline_cli.sources.sql_database.backend import open_backend

    (url,) = warehouse.dlt_environment().values()
    engine = open_engine(folder)
    try:
        backend = open_backend(Address("postgres", url, warehouse.location))
        try:
            yield PostgresExporter(backend, engine, file_format)
        finally:
            backend.close()
    finally:
        engine.close()


class DuckDBExporter:
    """DuckDB writes its own rows."""

    def __init__(self, connection: Connection, file_format: FileFormat) -> None:
        self._connection = connection
        self.suffix: FileFormat = file_format

    def export(self, table: str, where: str, file: Path) -> int:
        target = f"{literal(str(file))} ({_OPTIONS[self.suffix]})"
        rows = self._connection.query(f"COPY (SELECT * FROM {table} WHERE {where}) TO {target}")
        return int(rows[0][0])


class PostgresExporter:
    """Postgres' rows by COPY, written by a DuckDB in memory. All from the moment when the backend was opened."""

    def __init__(self, backend: Backend, engine: Any, file_format: FileFormat) -> None:
        self._backend = backend
        self._engine = engine
        self.suffix: FileFormat = file_format

    def export(self, table: str, where: str, file: Path) -> int:
        import pyarrow

        from pipeline_cli.sources.sql_database.backend import arrow_schema, select

        columns = self._backend.survey(table, where, self._backend.describe(table, table))
        names = [quote(column.name) for column in columns]
        batches = self._backend.read(select(columns, names, table, where), columns, _CHUNK_ROWS)
        reader = pyarrow.RecordBatchReader.from_batches(arrow_schema(columns), batches)
        shown = [
            f"CAST({name} AS JSON) AS {name}" if column.form == "json" else name
            for column, name in zip(columns, names, strict=True)
        ]
        self._engine.register("rows_of_load", reader)
        try:
            target = f"{literal(str(file))} ({_OPTIONS[self.suffix]})"
            copied = self._engine.execute(f"COPY (SELECT {', '.join(shown)} FROM rows_of_load) TO {target}")
            return int(copied.fetchall()[0][0])
        finally:
            self._engine.unregister("rows_of_load")
