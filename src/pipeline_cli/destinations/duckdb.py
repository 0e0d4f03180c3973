"""DuckDB: one file, one writing process, one instance per process.

DuckDB gives every `duckdb.connect(path)` of a process the same instance while one connection to it is open,
and refuses a connection whose configuration differs. dlt, SQLMesh and dbt-duckdb all connect without any
configuration, so ours is set afterwards, on the instance (`SET GLOBAL`), by the connection that we hold.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipeline_cli.destinations.base import Connection, literal
from pipeline_cli.destinations.duckdb_file import (
    check_stem,
    close_dbt,
    close_sqlmesh,
    open_file,
    probe_folder,
    session_settings,
)
from pipeline_cli.destinations.file_lock import ProcessLock
from pipeline_cli.manifest.models import entry, key

if TYPE_CHECKING:
    from pipeline_cli.project import Project

# Commands that only look (`site`, `quarantine list`) open the file for a moment without our lock: a run waits
# for them rather than be turned away.
READERS_S = 2.0

_FILE_LOCKS: dict[Path, ProcessLock] = {}
_WRITE_LOCKS: dict[Path, threading.RLock] = {}


@entry
class DuckDBDestination:
    """A DuckDB file: no server, one writing process at a time."""

    type: Literal["duckdb"]
    path: str = key(
        "The file; a relative path is inside the environment's state.",
        path="data",
        default="warehouse.duckdb",
    )
    max_parallel: int | None = key(
        "How many sources are loaded into it at once in a run; by default 8.",
        default=None,
        minimum=1,
    )

    def open(self, name: str, project: Project) -> DuckDBWarehouse:
        path = project.loads_dir / self.path
        check_stem(path, project)
        return DuckDBWarehouse(name, path, project.state_dir)


class DuckDBWarehouse:
    """The Warehouse (destinations/base.py) of a DuckDB file."""

    type = "duckdb"

    def __init__(self, name: str, path: Path, state_dir: Path) -> None:
        self.name = name
        # One spelling for all: instances are shared, and locks kept, by path.
        self.path = Path(path).absolute().resolve()
        self.location = str(self.path)
        self._state_dir = state_dir
        self._held: Any = None
        self._guard = threading.Lock()
        self._cursors: list[Any] = []
        self._file_lock = _FILE_LOCKS.setdefault(self.path, ProcessLock(self.path))
        self._write_lock = _WRITE_LOCKS.setdefault(self.path, threading.RLock())

    @property
    def lineage_place(self) -> tuple[str, str]:
        return f"duckdb://{self.path}", self.path.stem

    def dlt_destination(self) -> Any:
        from pipeline_cli.destinations.duckdb_dlt import InlinedDuckDB

        self._hold()
        return InlinedDuckDB(
            credentials=str(self.path), destination_name=self.name, replace_strategy="insert-from-staging"
        )

    def dlt_environment(self) -> dict[str, str]:
        return {f"DESTINATION__{self.name.upper()}__CREDENTIALS": str(self.path)}

    def sqlmesh_connection(self) -> Any:
        from sqlmesh.core.config.connection import DuckDBConnectionConfig

        return DuckDBConnectionConfig(database=str(self.path), connector_config=session_settings())

    @property
    def build_settings(self) -> tuple[str, ...]:
        return ()

    def dbt_output(self, folder: Path) -> dict[str, Any]:
        relative = os.path.relpath(self.path, Path(folder).absolute().resolve())
        # In process the path must be spelled as ours is, or DuckDB would open the file twice.
        path = f"{{{{ env_var('{self._path_variable}', '{relative}') }}}}"
        return {"type": "duckdb", "path": path, "threads": 1, "settings": session_settings()}

    def dbt_environment(self) -> dict[str, str]:
        return {self._path_variable: str(self.path)}

    def connect(self) -> Connection:
        import duckdb

        from pipeline_cli.destinations.sql import SameCursorConnection

        cursor = self._hold().cursor()
        self._cursors.append(cursor)
        return SameCursorConnection(cursor, duckdb.Error)

    @contextmanager
    def exclusive(self, holder: str = "", wait_s: float = 0.0) -> Iterator[None]:
        with self._file_lock.hold(holder, wait_s) as outermost:
            try:
                self._hold(max(wait_s, READERS_S) if outermost else 0.0)
                yield
            finally:
                if outermost:
                    self.release()

    def lock_pipeline(
        self, pipeline: str, holder: str = "", wait_s: float = 0.0
    ) -> AbstractContextManager[None]:
        return nullcontext()

    @contextmanager
    def writing(self) -> Iterator[None]:
        with self._write_lock:
            yield

    def release(self) -> None:
        """Close our connection and those that SQLMesh and dbt-duckdb keep for the file."""
        close_sqlmesh(self.path)
        close_dbt()
        with self._guard:
            for connection in [*self._cursors, self._held]:
                if connection is not None:
                    connection.close()
            self._cursors.clear()
            self._held = None

    def relations(self, schemas: Sequence[str]) -> Iterator[tuple[str, str]]:
        connection = self.connect()
        try:
            wanted = ", ".join(literal(schema) for schema in schemas) or "NULL"
            rows = connection.query(
                "SELECT table_schema, table_name FROM information_schema.tables"
                f" WHERE table_catalog = current_database() AND table_schema IN ({wanted}) ORDER BY ALL"
            )
        finally:
            connection.close()
        yield from ((str(schema), str(name)) for schema, name in rows)

    def check(self) -> None:
        """Raise LoadError or Busy; a file that does not exist yet is not made."""
        if self.path.exists():
            held_before = self._held is not None
            self._hold()
            if not held_before:
                self.release()
            return
        probe_folder(self.path)

    @property
    def _path_variable(self) -> str:
        return f"PIPELINE_CLI_{self.name.upper()}_PATH"

    def _hold(self, wait_s: float = 0.0) -> Any:
        """The connection that keeps the instance alive; opened at the first need."""
        with self._guard:
            if self._held is None:
                self._held = open_file(self.path, self._state_dir, wait_s)
            return self._held
