"""Opening the ledger's database: SQLite in the project, or a Postgres server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from pipeline_cli.errors import LoadError, UsageError
from pipeline_cli.ledger.alert_tables import ALERT_TABLES
from pipeline_cli.ledger.connection import (
    BUSY_TIMEOUT_S,
    SERVER_SCHEMA,
    Backend,
    Connection,
    Database,
    PostgresBackend,
    SqliteBackend,
    shown_address,
)
from pipeline_cli.ledger.schema import Dialect, Table
from pipeline_cli.ledger.tables import SCHEMA_VERSION, TABLES, schema_version

_HINT = "Make sure that this user may write there; pipeline-cli doctor looks at it."
_LOCK_KEY = 7_152_334_901  # of pg_advisory_xact_lock: any number that is ours
_SQLITE = "sqlite:///"


def open_database(place: Path | str) -> tuple[Database, list[str]]:
    """The ledger's database, its tables made where they are missing, and warnings for the user.

    place: a SQLite file, or a URL: `postgresql://…`, or `sqlite:///` and a file. A damaged SQLite file is moved aside,
    with a warning. Raises UsageError for a ledger of a newer version, LoadError where it cannot be opened.
    """
    warnings: list[str] = []
    if isinstance(place, str) and place.startswith(_SQLITE):
        place = Path(place.removeprefix(_SQLITE))
    where = str(place) if isinstance(place, Path) else shown_address(place)
    try:
        database = Database(_backend(place, where))
    except ModuleNotFoundError as error:
        hint = "For a ledger on Postgres: pip install 'pipeline-cli[postgres]'."
        raise LoadError(f"the ledger {where} needs {error.name}", code="E325", hint=hint) from error
    refusals: tuple[type[Exception], ...] = (*database.backend.errors, OSError)
    try:
        with _opening(place) if isinstance(place, Path) else nullcontext():
            if isinstance(place, Path):
                warnings += move_aside_if_damaged(place)
            _prepare(database)
    except refusals as error:
        message = f"the ledger {where} cannot be opened: {_reason(error)}"
        raise LoadError(message, code="E325", hint=_HINT) from error
    return database, warnings


@contextmanager
def _transaction(database: Database, *, writes: bool) -> Iterator[Connection]:
    """Raises LoadError for what the database refuses."""
    try:
        with database.transaction(writes=writes) as connection:
            yield connection
    except database.backend.errors as error:
        raise LoadError(f"the ledger refuses: {_reason(error)}", code="E325", hint=_HINT) from error


changing = partial(_transaction, writes=True)
reading = partial(_transaction, writes=False)  # what several queries find belongs together


def move_aside_if_damaged(path: Path) -> list[str]:
    """Rename a file that SQLite cannot read, so that runs go on; one warning then, else none."""
    if not path.exists() or _is_sound(path):
        return []
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return [
        f"the ledger {path.name} was damaged: it is now {aside.name}, and a new one was begun "
        "(runs that were published are still in the warehouse, in pipeline_runs)"
    ]


def _is_sound(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return False


def _opening(path: Path) -> AbstractContextManager[Any]:
    """One process at a time looks at the file's health and makes its tables. Raises OSError."""
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path.with_name(path.name + ".lock"), timeout=BUSY_TIMEOUT_S)


def _backend(place: Path | str, where: str) -> Backend:
    if isinstance(place, Path):
        return SqliteBackend(place)
    if place.partition("://")[0].partition("+")[0] not in ("postgres", "postgresql"):
        hint = "Give `state` as postgresql://user:password@host/database; without it, SQLite in the project is taken."
        raise LoadError(f"the ledger {where} is in no database that can keep one", code="E325", hint=hint)
    return PostgresBackend(place)


def _prepare(database: Database) -> None:
    """Make the tables of a new ledger, or of an older one; refuse one that a newer pipeline-cli wrote."""
    with database.transaction(writes=False) as connection:
        version = None if _missing(connection) else _version(connection)
    if version is None:
        with database.transaction() as connection:
            _make_tables(connection)
            version = _version(connection)
            if version is None:
                version = SCHEMA_VERSION
                connection.insert(schema_version, {"version": version})
    if version > SCHEMA_VERSION:
        raise UsageError(
            f"a newer pipeline-cli wrote the ledger (version {version}; this one knows {SCHEMA_VERSION})",
            code="E326",
            hint="Upgrade pipeline-cli, or move the ledger away.",
        )


def _make_tables(connection: Connection) -> None:
    if connection.dialect == "postgres":
        # Two runs that begin at once must not both create the tables; released with the transaction.
        connection.value("SELECT pg_advisory_xact_lock(:key)", key=_LOCK_KEY)
        if not connection.value("SELECT 1 FROM pg_namespace WHERE nspname = :name", name=SERVER_SCHEMA):
            connection.change(f"CREATE SCHEMA {SERVER_SCHEMA}")
    for table in _missing(connection):
        for statement in table.definition(connection.dialect):
            connection.change(statement)


def _missing(connection: Connection) -> list[Table]:
    queries: dict[Dialect, str] = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
        "postgres": f"SELECT tablename FROM pg_tables WHERE schemaname = '{SERVER_SCHEMA}'",
    }
    there = set(connection.values(queries[connection.dialect]))
    return [table for table in (*TABLES, *ALERT_TABLES) if table.name not in there]


def _version(connection: Connection) -> int | None:
    """None where nobody has written it yet."""
    found: int | None = connection.value("SELECT version FROM schema_version")
    return found


def _reason(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
