"""A whole dbt build in one transaction of the warehouse: published when every test has passed, or not at all.

By itself dbt commits each model before it is tested, so a failed test would leave the bad rows published, and a
kill half of the models. dbt's adapters ask their connection manager's `open` for a connection; here each of them
gets the same one, whose BEGIN, COMMIT and ROLLBACK are those of a savepoint, or of nothing where there are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

_COMMENTS = r"(?:/\*.*?\*/\s*)*"
_STATEMENT = re.compile(
    rf"\s*{_COMMENTS}(begin|commit|rollback)\s*;?\s*{_COMMENTS}", re.IGNORECASE | re.DOTALL
)
_SAVEPOINT = "dbt_node"


class BuildTransaction:
    """commit: keep what was built. Nothing is kept without it."""

    def __init__(self, settings: Sequence[str] = ()) -> None:
        """settings: statements to begin with."""
        self._settings = settings
        self._cursor: Any = None
        self._handle: Any = None
        self._has_savepoints = False
        self._saved = 0

    def commit(self) -> None:
        self._end("COMMIT")

    def roll_back(self) -> None:
        self._end("ROLLBACK")

    def take(self, handle: Any, *, has_savepoints: bool) -> None:
        """Begin on the first connection that dbt opens."""
        self._handle, self._has_savepoints = handle, has_savepoints
        if has_savepoints:
            handle.autocommit = True  # psycopg2 would begin by itself, and end what it has begun
        self._cursor = handle.cursor()
        for statement in ("BEGIN", *self._settings):
            self._cursor.execute(statement)

    @property
    def has_begun(self) -> bool:
        return self._handle is not None

    @property
    def connection(self) -> Any:
        return self._handle

    def nested(self, verb: str) -> None:
        """What dbt means to be a transaction of its own. They nest, as the threads of a build do not overlap."""
        if not self._has_savepoints:
            return
        name = f"{_SAVEPOINT}_{self._saved if verb == 'begin' else self._saved - 1}"
        if verb == "begin":
            self._cursor.execute(f"SAVEPOINT {name}")
            self._saved += 1
        elif self._saved:
            self._saved -= 1
            if verb == "rollback":
                self._cursor.execute(f"ROLLBACK TO SAVEPOINT {name}")
            self._cursor.execute(f"RELEASE SAVEPOINT {name}")

    def _end(self, statement: str) -> None:
        handle, self._handle = self._handle, None
        if handle is None:
            return
        try:
            handle.cursor().execute(statement)
        finally:
            handle.close()


class _SharedHandle:
    """What dbt takes for a connection of its own."""

    def __init__(self, transaction: BuildTransaction) -> None:
        self._transaction = transaction

    def cursor(self, *arguments: Any, **options: Any) -> Any:
        return _SharedCursor(self._transaction, self._transaction.connection.cursor(*arguments, **options))

    def rollback(self) -> None:
        self._transaction.nested("rollback")

    def commit(self) -> None:
        self._transaction.nested("commit")

    def close(self) -> None:
        """Nothing: the build's connection is closed with its transaction."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction.connection, name)


class _SharedCursor:
    def __init__(self, transaction: BuildTransaction, cursor: Any) -> None:
        self._transaction, self._cursor = transaction, cursor

    def execute(self, sql: str, bindings: Any = None) -> Any:
        found = _STATEMENT.fullmatch(sql)
        if found is not None:
            self._transaction.nested(found[1].lower())
            return self
        return self._cursor.execute(sql) if bindings is None else self._cursor.execute(sql, bindings)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


@contextmanager
def build_transaction(warehouse: Any) -> Iterator[BuildTransaction | None]:
    """Every connection that dbt opens inside is the transaction's; what is not committed at the end is undone.

    warehouse: destinations.base.Warehouse.
    None where it has no transactions over several statements that change tables (BigQuery).
    """
    manager = _connection_manager(warehouse.type)
    if manager is None:
        yield None
        return
    transaction = BuildTransaction(warehouse.build_settings)
    original = manager.__dict__["open"]

    def open_shared(cls: Any, connection: Any) -> Any:
        if connection.state == "open":
            return connection
        if not transaction.has_begun:
            original.__get__(None, cls)(connection)
            if connection.handle is None:
                return connection
            transaction.take(connection.handle, has_savepoints=warehouse.type == "postgres")
        connection.handle, connection.state = _SharedHandle(transaction), "open"
        return connection

    manager.open = classmethod(open_shared)
    try:
        yield transaction
    finally:
        manager.open = original
        transaction.roll_back()


def _connection_manager(warehouse_type: str) -> Any:
    if warehouse_type == "duckdb":
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        return DuckDBConnectionManager
    if warehouse_type == "postgres":
        from dbt.adapters.postgres.connections import PostgresConnectionManager

        return PostgresConnectionManager
    return None
