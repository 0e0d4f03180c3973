"""The column path into Postgres: DuckDB reads and checks in memory, COPY takes the rows from a pipe.

One COPY stream, in the load's one transaction: two streams would be two transactions, and a failed load would
show half of itself. DuckDB works on the next rows while the server stores the last.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from pipeline_cli.bulk.copy_binary import send_rows, sendable
from pipeline_cli.bulk.copy_text import send_lines
from pipeline_cli.bulk.engine import open_engine
from pipeline_cli.bulk.errors import reading_errors
from pipeline_cli.bulk.reading import Reading
from pipeline_cli.bulk.sql_types import POSTGRES_TYPES, render, to_column_type
from pipeline_cli.destinations.base import Warehouse, literal, quote
from pipeline_cli.destinations.postgres_session import PostgresConnection
from pipeline_cli.errors import LoadError, PipelineCliError
from pipeline_cli.sources.column_types import ColumnType
from pipeline_cli.threads import start_thread

_CHUNK_BYTES = 1 << 20
_PAGE_ROWS = 1_000
_LARGE_BYTES = 64 << 20


class PostgresTarget:
    """The Target (bulk/target.py) of a Postgres database."""

    dialect = "postgres"
    row_id = "ctid"

    def __init__(self, warehouse: Warehouse, folder: Path) -> None:
        """folder: for what DuckDB cannot keep in memory."""
        connection = warehouse.connect()
        assert isinstance(connection, PostgresConnection)
        self._connection = connection
        self._raw = connection.raw
        self.engine = open_engine(folder)

    def close(self) -> None:
        self.engine.close()
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._connection.transaction():
            yield

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.query(sql)

    def execute(self, sql: str) -> int:
        return self._with_cursor(lambda cursor: cursor.execute(sql))

    def write(self, reading: Reading, table: str, *, is_ordered: bool, is_ours: bool) -> int:
        self.engine.execute(f"SET preserve_insertion_order = {'true' if is_ordered else 'false'}")
        if not is_ours:
            return self._store(reading.whole(), table)
        # What is the same in every row need not be sent with every row, a fifth of COPY's work; setting defaults
        # would lock readers out of a table that they see.
        constants = reading.constants
        defaults = ", ".join(f"ALTER {quote(key)} SET DEFAULT {value}" for key, value in constants.items())
        self.execute(f"ALTER TABLE {table} {defaults}")
        written = self._store(reading, table)
        self.execute(
            f"ALTER TABLE {table} {', '.join(f'ALTER {quote(key)} DROP DEFAULT' for key in constants)}"
        )
        return written

    def _store(self, reading: Reading, table: str) -> int:
        into = f"{table} ({', '.join(map(quote, reading.columns))})"
        if _is_large(reading) and (rows := self._rows(reading, table)):
            return self._copy(into, "binary", partial(send_rows, self.engine, rows))
        return self._copy(into, "text", partial(send_lines, self.engine, reading.lines))

    def _rows(self, reading: Reading, table: str) -> str | None:
        """The reading's rows as their bytes can be sent; None where a column is of a type that we do not make."""
        types = dict(
            self.query(
                "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
                f" WHERE attrelid = {literal(table)}::regclass AND attnum > 0 AND NOT attisdropped"
            )
        )
        with reading_errors():
            return sendable(self.engine, reading.select, [types[name] for name in reading.columns])

    def _copy(self, into: str, form: str, send: Callable[[BinaryIO], int]) -> int:
        """into: the table with its columns; send: writes the rows into a pipe, and returns their number."""
        statement = f"COPY {into} FROM STDIN (FORMAT {form})"
        receiving, sending = _open_pipe()
        producer = start_thread(partial(_send_into, sending, send), "copy")
        try:
            with os.fdopen(receiving, "rb", buffering=0) as stream:
                written = self._with_cursor(
                    lambda cursor: cursor.copy_expert(statement, stream, _CHUNK_BYTES)
                )
        except LoadError as error:
            raise self._first_cause(producer, error) from error
        produced = producer.result()
        if produced != written:
            table = into.partition(" (")[0]
            raise LoadError(f"{table}: COPY stored {written} of {produced} rows", code="E321")
        return written

    def _first_cause(self, producer: Future[int], error: LoadError) -> PipelineCliError:
        """COPY's error, unless what fed it had failed before, and the broken stream is only what came of that."""
        with suppress(Exception):
            self.engine.interrupt()
        cause = producer.exception(timeout=30)
        return cause if isinstance(cause, PipelineCliError) and "interrupted" not in str(cause) else error

    def insert(self, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> int:
        from psycopg2.extras import execute_values

        names = ", ".join(quote(name) for name in columns)
        count = 0

        def counted() -> Iterator[Sequence[Any]]:
            nonlocal count
            for row in rows:
                count += 1
                yield row

        statement = f"INSERT INTO {table} ({names}) VALUES %s"
        self._with_cursor(lambda cursor: execute_values(cursor, statement, counted(), page_size=_PAGE_ROWS))
        return count

    def table_columns(self, dataset: str) -> dict[str, dict[str, ColumnType]]:
        rows = self.query(
            "SELECT table_name, column_name, data_type, numeric_precision, numeric_scale"
            f" FROM information_schema.columns WHERE table_schema = {literal(dataset)}"
            " ORDER BY table_name, ordinal_position"
        )
        found: dict[str, dict[str, ColumnType]] = {}
        for table, name, kind, precision, scale in rows:
            found.setdefault(table, {})[name] = to_column_type(kind, precision, scale)
        return found

    def sql_type(self, kind: ColumnType) -> str:
        return render(POSTGRES_TYPES, kind)

    def create_temp(self, name: str, select: str) -> str:
        self.execute(f"CREATE TEMP TABLE {quote(name)} ON COMMIT DROP AS {select}")
        return quote("pg_temp", name)

    def create_like(self, name: str, table: str) -> str:
        self.execute(f"CREATE TEMP TABLE {quote(name)} (LIKE {table}) ON COMMIT DROP")
        return quote("pg_temp", name)

    def _with_cursor(self, work: Callable[[Any], Any]) -> int:
        import psycopg2

        try:
            with self._raw.cursor() as cursor:
                work(cursor)
                return max(int(cursor.rowcount), 0)
        except psycopg2.Error as error:
            raise self._connection.explain(error) from error


def _is_large(reading: Reading) -> bool:
    """Whether COPY's binary format pays off: it wants pyarrow, which takes half a second to import."""
    return not reading.reads_files or (reading.size_bytes or 0) >= _LARGE_BYTES


def _send_into(sending: int, send: Callable[[BinaryIO], int]) -> int:
    """Closing the pipe is the end of COPY's input."""
    with open(sending, "wb") as pipe, reading_errors():
        return send(pipe)


def _open_pipe() -> tuple[int, int]:
    """A pipe with room for a chunk: with Linux' 64 KiB reader and writer wait for each other more often."""
    receiving, sending = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):  # more than this user may have
            fcntl.fcntl(sending, fcntl.F_SETPIPE_SZ, _CHUNK_BYTES)
    return receiving, sending
