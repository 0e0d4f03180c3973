"""A DuckDB file: opening it with our settings, saying why it cannot be, letting go of it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline_cli.destinations.base import deadlines, first_line, literal, quote
from pipeline_cli.errors import Busy, LoadError

if TYPE_CHECKING:
    from pipeline_cli.project import Project

_PATH_HINT = "Correct the destination's path, or the folder's rights."
_RESERVED_STEMS = frozenset(
    {"main", "memory", "system", "temp", "information_schema", "pg_catalog", "pipeline_runs"}
)


def open_file(path: Path, state_dir: Path, wait_s: float) -> Any:
    """A duckdb connection to the file, made if need be.

    wait_s: how long to queue when another process has it open.
    Raises Busy, naming that process, or LoadError.
    """
    import duckdb

    _make_folder(path.parent)
    failure: LoadError | Busy | None = None
    for _ in deadlines(wait_s):
        try:
            connection = duckdb.connect(str(path))
            _configure(connection, state_dir)
            return connection
        except duckdb.Error as error:
            failure = _explain(error, path)
            if not isinstance(failure, Busy):
                break
    assert failure is not None
    raise failure


def probe_folder(path: Path) -> None:
    """Raise LoadError unless the file could be made; nothing is."""
    folder = next(parent for parent in path.parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise LoadError(f"{folder} is not a folder that can be written", code="E321", hint=_PATH_HINT)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LoadError(f"cannot make {folder}: {error.strerror}", code="E321", hint=_PATH_HINT) from error


def session_settings() -> dict[str, str]:
    """What SQLMesh and dbt-duckdb set by themselves, so that their own commands do as our runs do."""
    return {"TimeZone": "UTC", "autoinstall_known_extensions": "false"}


def _configure(connection: Any, state_dir: Path) -> None:
    """Times in UTC, no downloads, nothing in HOME. What agrees is left alone: some can be set but once."""
    folder = state_dir.absolute() / "duckdb"
    folder.mkdir(parents=True, exist_ok=True)  # DuckDB makes the last folder of a path, not those above it
    wanted = {
        **session_settings(),
        "extension_directory": str(folder / "extensions"),
        "secret_directory": str(folder / "secrets"),
        "temp_directory": str(folder / "temp"),
    }
    settings = connection.execute("SELECT name, value FROM duckdb_settings()").fetchall()
    found = dict(settings)
    for name, value in wanted.items():
        if found.get(name) != value:
            connection.execute(f"SET GLOBAL {quote(name)} = {literal(value)}")


def check_stem(path: Path, project: Project) -> None:
    """DuckDB names the catalog after the file: it must be one word, and no schema's name."""
    manifest = project.manifest
    schemas = {f"bronze_{name}" for name in manifest.sources}
    schemas |= {f"{layer}_{name}" for layer in ("silver", "gold") for name in manifest.pipelines}
    schemas |= {f"sqlmesh_{name}" for name in manifest.transforms}
    stem = path.stem
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", stem):
        raise LoadError(
            f"the DuckDB file {path.name!r} cannot be a catalog's name",
            code="E322",
            hint="Use letters, digits and underscores before the extension, for instance warehouse.duckdb.",
        )
    if "?" in str(path):  # what follows is taken for options: the log stands at another place than the file
        raise LoadError(
            f"{path.parent}: DuckDB cannot write below a folder with a ? in its name",
            code="E322",
            hint="Give the folder another name, or the destination a path elsewhere.",
        )
    if stem.lower() in {name.lower() for name in schemas} | _RESERVED_STEMS:
        raise LoadError(
            f"the DuckDB file {path.name!r} has the name of one of its schemas",
            code="E322",
            hint="Give the file another name, for instance warehouse.duckdb.",
        )


def _explain(error: Exception, path: Path) -> LoadError | Busy:
    text = first_line(error, 2000)
    if "Could not set lock" in text:
        found = re.search(r"held in (?P<program>.+?) \(PID (?P<pid>\d+)\)", text)
        who = f"process {found['pid']} ({found['program']})" if found else "another process"
        return Busy(f"{path} is open in {who}", hint="Close it there, then try again.")
    if "not a valid DuckDB database file" in text or "Corrupt" in text or "checksum" in text:
        return LoadError(
            f"{path} is no DuckDB database, or a damaged one: {first_line(error, 160)}",
            code="E322",
            hint="Restore it from a copy, or move it away: the next run loads everything again.",
        )
    return LoadError(f"cannot open {path}: {first_line(error, 200)}", code="E321", hint=_PATH_HINT)


def close_sqlmesh(path: Path) -> None:
    """SQLMesh keeps one adapter a file for the whole process, also after `Context.close()`."""
    if "sqlmesh.core.config.connection" in sys.modules:
        from sqlmesh.core.config.connection import BaseDuckDBConnectionConfig

        adapter = BaseDuckDBConnectionConfig._data_file_to_adapter.pop(str(path), None)
        if adapter is not None:
            adapter.close()


def close_dbt() -> None:
    if "dbt.adapters.duckdb.connections" in sys.modules:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        if DuckDBConnectionManager._ENV is not None:
            # close_all_connections() only forgets it, and the file stays locked until it is collected.
            DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager.close_all_connections()
