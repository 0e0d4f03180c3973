"""One SQL for both of the ledger's databases, and values that come out of either as they went in.

By the databases' own drivers: with SQLAlchemy's import, a run with nothing new took a sixth longer.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from pipeline_cli.ledger.schema import Dialect, Table
from pipeline_cli.secrets import url_passwords

BUSY_TIMEOUT_S = 30
# On a server the tables have a schema of their own; SQLite has one file for them.
SERVER_SCHEMA = "pipeline_ledger"
_MARK = re.compile(r":([a-z_][a-z_0-9]*)")
_IDLE = 5  # connections that are kept


class Row(dict[str, Any]):
    """A row by the names of its columns, which are its attributes, too."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Backend(Protocol):
    """A database's driver. errors: what it raises."""

    @property
    def dialect(self) -> Dialect: ...

    @property
    def errors(self) -> tuple[type[Exception], ...]: ...

    def connect(self) -> Any:
        """A connection without a transaction."""

    def begin(self, raw: Any, *, writes: bool) -> None: ...

    def lives(self, raw: Any) -> bool:
        """Whether a connection that was idle can still be used."""

    def written(self, sql: str, values: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """A statement and its values as the driver takes them. sql: with :marks."""

    def read(self, value: Any) -> Any:
        """A value as the driver gives it."""


class Connection:
    """A transaction. In SQL, `:name` stands for a value; of a tuple, for all of its values in parentheses.

    Objects and lists are JSON; times are aware, and UTC when they are read.
    """

    def __init__(self, raw: Any, backend: Backend) -> None:
        self._raw = raw
        self._backend = backend

    @property
    def dialect(self) -> Dialect:
        return self._backend.dialect

    def change(self, sql: str, **values: Any) -> int:
        """Carry out a statement; how many rows it changed."""
        return int(self._run(sql, values).rowcount)

    def insert(self, table: Table, *rows: Mapping[str, Any]) -> None:
        for row in rows:
            self._run(table.insertion([*row]), _jsonable(table, row))

    def insert_new(self, table: Table, row: Mapping[str, Any]) -> bool:
        """Write a row unless its key is there; whether it was not."""
        statement = f"{table.insertion([*row])} ON CONFLICT ({', '.join(table.key)}) DO NOTHING"
        return self.change(statement, **_jsonable(table, row)) == 1

    def replace(self, table: Table, row: Mapping[str, Any]) -> None:
        """Write a row by its primary key, instead of the one that may be there."""
        self._run(f"DELETE FROM {table.name} WHERE {table.is_key}", {name: row[name] for name in table.key})
        self.insert(table, row)

    def rows(self, sql: str, **values: Any) -> list[Row]:
        cursor, read = self._run(sql, values), self._backend.read
        # A name may tell SQLite the type of what it names: "at [datetime]".
        names = [column[0].partition(" [")[0] for column in cursor.description]
        return [Row(zip(names, map(read, found), strict=True)) for found in cursor.fetchall()]

    def row(self, sql: str, **values: Any) -> Row | None:
        """The first row; None where there is none."""
        return next(iter(self.rows(sql, **values)), None)

    def values(self, sql: str, **values: Any) -> list[Any]:
        """The first column."""
        return [next(iter(row.values())) for row in self.rows(sql, **values)]

    def value(self, sql: str, **values: Any) -> Any:
        """The first column of the first row; None where there is none."""
        return next(iter(self.values(sql, **values)), None)

    def _run(self, sql: str, values: Mapping[str, Any]) -> Any:
        found: dict[str, Any] = {}

        def mark(match: re.Match[str]) -> str:
            name = match[1]
            if not isinstance(values[name], tuple):
                found[name] = values[name]
                return f":{name}"
            numbered = {f"{name}_{place}": each for place, each in enumerate(values[name])}
            found.update(numbered)
            return f"({', '.join(f':{each}' for each in numbered) or 'NULL'})"

        cursor = self._raw.cursor()
        cursor.execute(*self._backend.written(_MARK.sub(mark, sql), found))
        return cursor


class Database:
    """The ledger's connections. Safe to use from several threads."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._lock = threading.Lock()
        self._idle: list[Any] = []

    @contextmanager
    def transaction(self, *, writes: bool = True) -> Iterator[Connection]:
        """A transaction, committed unless the block raises. Raises what the driver does."""
        raw = self._take()
        try:
            self.backend.begin(raw, writes=writes)
            yield Connection(raw, self.backend)
            raw.commit()
        except BaseException:
            with suppress(*self.backend.errors):
                raw.rollback()
            with suppress(*self.backend.errors):
                raw.close()
            raise
        with self._lock:
            self._idle.append(raw)
            over = self._idle[:-_IDLE]
            del self._idle[:-_IDLE]
        for each in over:
            each.close()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for raw in idle:
            with suppress(*self.backend.errors):
                raw.close()

    def _take(self) -> Any:
        while True:
            with self._lock:
                raw = self._idle.pop() if self._idle else None
            if raw is None:
                return self.backend.connect()
            if self.backend.lives(raw):
                return raw
            with suppress(*self.backend.errors):
                raw.close()


class SqliteBackend:
    dialect: Dialect = "sqlite"
    errors = (sqlite3.Error,)

    def __init__(self, path: Path) -> None:
        self._path = path

    def connect(self) -> Any:
        raw = sqlite3.connect(
            self._path,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            detect_types=sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES,
        )
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            raw.execute(f"PRAGMA {pragma}")
        return raw

    def begin(self, raw: Any, *, writes: bool) -> None:
        # One that reads first would be refused at once, where another has written meanwhile; this waits.
        raw.execute("BEGIN IMMEDIATE" if writes else "BEGIN")

    def lives(self, raw: Any) -> bool:
        return True

    def written(self, sql: str, values: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        return sql, {name: self._written(value) for name, value in values.items()}

    def _written(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        return json.dumps(value) if isinstance(value, dict | list) else value

    def read(self, value: Any) -> Any:
        return value


class PostgresBackend:
    """Raises ModuleNotFoundError without psycopg2. url: libpq's; a driver's name in it is left out."""

    dialect: Dialect = "postgres"

    def __init__(self, url: str) -> None:
        import psycopg2

        self._psycopg2 = psycopg2
        self._address = f"postgresql://{url.partition('://')[2]}"

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        return (self._psycopg2.Error,)

    def connect(self) -> Any:
        known = {} if "connect_timeout=" in self._address else {"connect_timeout": BUSY_TIMEOUT_S}
        return self._psycopg2.connect(self._address, **known)

    def begin(self, raw: Any, *, writes: bool) -> None:
        # For this transaction alone: a pooler may give the next one to another connection of the server.
        raw.cursor().execute(f"SET LOCAL search_path TO {SERVER_SCHEMA}")

    def lives(self, raw: Any) -> bool:
        try:
            raw.cursor().execute("SELECT 1")
            raw.rollback()
        except self._psycopg2.Error:
            return False
        return True

    def written(self, sql: str, values: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        dumped = {
            name: json.dumps(value) if isinstance(value, dict | list) else value
            for name, value in values.items()
        }
        return _MARK.sub(r"%(\1)s", sql.replace("%", "%%")), dumped

    def read(self, value: Any) -> Any:
        return value.astimezone(UTC) if isinstance(value, datetime) else value


def shown_address(url: str) -> str:
    """A server's address without its password."""
    for password in url_passwords(url):
        url = url.replace(f":{password}@", ":***@")
    return url.partition("?")[0]


def _jsonable(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with what is JSON as text; None is NULL."""
    is_json = {column.name for column in table.columns if column.kind == "json"}
    return {
        name: json.dumps(value) if name in is_json and value is not None else value
        for name, value in row.items()
    }


def _read_time(value: bytes) -> datetime:
    return datetime.fromisoformat(value.decode()).replace(tzinfo=UTC)


sqlite3.register_converter("datetime", _read_time)
sqlite3.register_converter("json", json.loads)
sqlite3.register_converter("boolean", lambda value: value != b"0")
