"""Opening the ledger's database: SQLite in the project, or a server named by a SQLAlchemy URL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pipeline_cli.errors import LoadError, UsageError
from pipeline_cli.ledger import alert_tables as _alert_tables  # noqa: F401 - its tables are made, too
from pipeline_cli.ledger.tables import SCHEMA_VERSION, metadata, schema_version

BUSY_TIMEOUT_S = 30
_HINT = "Make sure that this user may write there; pipeline-cli doctor looks at it."
# On a server the tables have a schema of their own; SQLite has one file for them.
SERVER_SCHEMA = "pipeline_ledger"
_LOCK_KEY = 7_152_334_901  # of pg_advisory_xact_lock: any number that is ours


def open_database(database: Path | str) -> tuple[sa.Engine, list[str]]:
    """An engine on the ledger, its tables made where they are missing, and warnings for the user.

    database: a SQLite file, or a SQLAlchemy URL. A damaged SQLite file is moved aside, with a warning.
    Raises UsageError for a ledger of a newer version, LoadError where it cannot be opened.
    """
    warnings: list[str] = []
    where = str(database) if isinstance(database, Path) else _display(database)
    try:
        if isinstance(database, Path):
            database.parent.mkdir(parents=True, exist_ok=True)
            with _opening(database):
                warnings += move_aside_if_damaged(database)
                engine = _sqlite_engine(f"sqlite:///{database}")
                _prepare(engine)
        else:
            engine = _engine_from_url(database)
            _prepare(engine)
    except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
        message = f"the ledger {where} cannot be opened: {_reason(error)}"
        raise LoadError(message, code="E325", hint=_HINT) from error
    except ModuleNotFoundError as error:
        hint = "For a ledger on Postgres: pip install 'pipeline-cli[postgres]'."
        raise LoadError(f"the ledger {where} needs {error.name}", code="E325", hint=hint) from error
    return engine, warnings


@contextmanager
def changing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction. Raises LoadError for what the database refuses."""
    try:
        with engine.begin() as connection:
            yield connection
    except sa.exc.SQLAlchemyError as error:
        raise LoadError(f"the ledger refuses: {_reason(error)}", code="E325", hint=_HINT) from error


# Reading is a transaction too: what several queries find belongs together.
reading = changing


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
    """One process at a time looks at the file's health and makes its tables."""
    from filelock import FileLock

    return FileLock(path.with_name(path.name + ".lock"), timeout=BUSY_TIMEOUT_S)


def _sqlite_engine(url: str) -> sa.Engine:
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})

    @sa.event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _engine_from_url(url: str) -> sa.Engine:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engine(url)
    if parsed.drivername in ("postgres", "postgresql"):
        # From 2.1 on, SQLAlchemy would take psycopg, which we do not depend on.
        parsed = parsed.set(drivername="postgresql+psycopg2")
    engine = sa.create_engine(parsed, pool_pre_ping=True, connect_args={"connect_timeout": BUSY_TIMEOUT_S})
    return engine.execution_options(schema_translate_map={None: SERVER_SCHEMA})


def _prepare(engine: sa.Engine) -> None:
    """Make the tables of a new ledger; refuse one that a newer pipeline-cli wrote."""
    with engine.begin() as connection:
        on_server = engine.dialect.name != "sqlite"
        with _one_at_a_time(connection) if on_server else nullcontext():
            metadata.create_all(connection)
            found = connection.execute(sa.select(schema_version.c.version)).scalar()
            if found is None:
                connection.execute(schema_version.insert().values(version=SCHEMA_VERSION))
    if found is not None and found > SCHEMA_VERSION:
        raise UsageError(
            f"a newer pipeline-cli wrote the ledger (version {found}; this one knows {SCHEMA_VERSION})",
            code="E326",
            hint="Upgrade pipeline-cli, or move the ledger away.",
        )


def _one_at_a_time(connection: sa.Connection) -> AbstractContextManager[None]:
    """Two runs that begin at once must not both create the tables; released with the transaction."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK_KEY)))
    connection.execute(sa.schema.CreateSchema(SERVER_SCHEMA, if_not_exists=True))
    return nullcontext()


def _display(url: str) -> str:
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return "of the environment's `state`"


def _reason(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
