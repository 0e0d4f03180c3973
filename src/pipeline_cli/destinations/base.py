"""What a warehouse is to the rest: one manifest entry, seen by dlt, SQLMesh, dbt and plain SQL."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from pipeline_cli.manifest.frozen import freeze


@freeze
class Fetched:
    """What a SELECT gives: its columns' names, and its rows in batches, each to be read once."""

    columns: tuple[str, ...]
    batches: Iterator[Sequence[tuple[Any, ...]]]


class Connection(Protocol):
    """Plain SQL on the warehouse. Placeholders are `?` whatever the driver; identifiers go through `quote`.

    Each statement commits by itself unless it stands inside `transaction()`. Times come back in UTC.
    Raises LoadError with the database's first line when a statement fails.
    """

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None: ...

    def fetch(self, sql: str) -> AbstractContextManager[Fetched]:
        """A SELECT's columns, and its rows in batches while the block lasts."""
        ...

    def snapshot(self) -> AbstractContextManager[None]:
        """Everything inside reads one state of the warehouse, and can write nothing."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Everything inside commits together or not at all."""
        ...

    def close(self) -> None: ...


class Warehouse(Protocol):
    """A destination entry, bound to one project and environment.

    Built by the entry's own `open(name, project)`; everything heavy is imported inside the methods.
    """

    name: str
    type: str  # "duckdb" or "postgres": also dbt's adapter, SQLMesh's connection and SQLGlot's dialect
    location: str  # for people: a path or host/database, never a secret

    @property
    def lineage_place(self) -> tuple[str, str]:
        """OpenLineage's namespace of the warehouse, and the database that leads its tables' names."""
        ...

    def dlt_destination(self) -> Any:
        """A dlt destination object, `destination_name` set to the entry's name; `replace` is atomic."""
        ...

    def dlt_environment(self) -> dict[str, str]:
        """Environment variables that let the plain `dlt pipeline …` command reach the destination."""
        ...

    def sqlmesh_connection(self) -> Any:
        """A SQLMesh ConnectionConfig."""
        ...

    @property
    def build_settings(self) -> tuple[str, ...]:
        """Statements that a build's transaction begins with."""
        ...

    def dbt_output(self, folder: Path) -> dict[str, Any]:
        """One output of a dbt profile, without `schema`, for the dbt project in `folder`.

        Secrets and machine paths stand as `{{ env_var('…') }}`, so that the profile holds neither.
        """
        ...

    def dbt_environment(self) -> dict[str, str]:
        """The environment variables that `dbt_output` names."""
        ...

    def connect(self) -> Connection:
        """A connection for plain SQL; close it. One thread at a time."""
        ...

    def exclusive(self, holder: str = "", wait_s: float = 0.0) -> AbstractContextManager[None]:
        """Hold the warehouse against other processes where it takes one writer (a DuckDB file); else nothing.

        holder: what others are told about us, for instance the run's id.
        wait_s: how long to queue for it.
        Raises Busy, naming the holder. Nests within a process. Leaving the outermost releases the file.
        """
        ...

    def lock_pipeline(
        self, pipeline: str, holder: str = "", wait_s: float = 0.0
    ) -> AbstractContextManager[None]:
        """Hold one pipeline of this project against other machines, where the warehouse is shared (Postgres).

        Raises Busy, naming the holder. Nothing on DuckDB, whose file is held as a whole.
        """
        ...

    def writing(self) -> AbstractContextManager[None]:
        """One writer at a time within this process, where the database needs it. Nests within a thread."""
        ...

    def release(self) -> None:
        """Close everything that keeps a file of the warehouse open in this process."""
        ...

    def relations(self, schemas: Sequence[str]) -> Iterator[tuple[str, str]]:
        """(schema, name) of every table and view in these schemas."""
        ...

    def check(self) -> None:
        """Raise LoadError, or Busy for a held file, when the warehouse cannot be reached or written."""
        ...


def quote(*parts: str) -> str:
    """An SQL identifier of one or more parts, quoted for DuckDB and Postgres alike."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def literal(text: str | None) -> str:
    """An SQL string for DuckDB and Postgres alike, where a parameter would not do.

    On DuckDB a parameter makes the client import pandas: 0.3 s, and 1 s where its bytecode is not compiled.
    """
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"


def first_line(error: BaseException, limit: int = 300) -> str:
    """The first line of a driver's message, cut to `limit` characters."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0] if len(lines[0]) <= limit else lines[0][: limit - 1] + "…"


def deadlines(wait_s: float, step_s: float = 0.2) -> Iterator[None]:
    """One turn at once, then one every `step_s` seconds until `wait_s` seconds have passed."""
    end = time.monotonic() + wait_s
    yield
    while time.monotonic() < end:
        time.sleep(min(step_s, max(0.0, end - time.monotonic())))
        yield
