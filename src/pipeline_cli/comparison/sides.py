"""An environment as a comparison reads it: its tables, its models and their keys, out of the way of runs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline_cli.bulk.dlt_schema import read_version
from pipeline_cli.deployed.parts import Key
from pipeline_cli.deployed.store import Deployed, read_deployed
from pipeline_cli.destinations import open_warehouse
from pipeline_cli.destinations.base import Connection, Warehouse, literal, quote
from pipeline_cli.destinations.duckdb import DuckDBDestination
from pipeline_cli.destinations.placed import connect_placed
from pipeline_cli.destinations.postgres import PostgresDestination
from pipeline_cli.errors import Busy, LoadError, UsageError
from pipeline_cli.ledger.processes import process_start
from pipeline_cli.lineage.catalog import Catalog, CatalogTable, read_catalog
from pipeline_cli.project import Project
from pipeline_cli.running.publish import SCHEMA as RUNS
from pipeline_cli.transforms.built import BuiltModel, read_dbt_built, read_sqlmesh_built
from pipeline_cli.transforms.dbt_nodes import read_built_nodes
from pipeline_cli.transforms.sqlmesh_stale import sqlmesh_environment

CODE = "E022"
_WAITED_FOR_LOCK = "E328"
TableName = tuple[str, str]
_SETTINGS = {
    "duckdb": ("SET memory_limit = '300MB'",),
    "postgres": ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",),
}
# A run that rebuilds a table in one transaction holds it until its end.
_LONGEST_WAIT = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Side:
    """last_run: when its last good run ended (UTC), where the warehouse tells. models: by transform, None where it is
    not known what was built. keys: of bronze tables, as dlt's schema in the warehouse has them.
    """

    project: Project
    connection: Connection
    dialect: str
    last_run: datetime | None
    tables: Mapping[TableName, CatalogTable]
    models: Mapping[str, Sequence[BuiltModel] | None]
    keys: Mapping[TableName, tuple[str, ...]]

    @property
    def name(self) -> str:
        return self.project.environment_name


@contextmanager
def open_side(project: Project, pipelines: Sequence[str]) -> Iterator[Side]:
    """The environment's part in these pipelines. Raises UsageError where nothing was ever loaded, Busy, LoadError."""
    warehouse = _open_impatient(project)
    with _out_of_the_way(project, warehouse) as aside, closing(connect_placed(project, aside)) as connection:
        for statement in _SETTINGS.get(aside.type, ()):
            connection.execute(statement)
        with busy_where_locked(f"environment '{project.environment_name}'"):
            side = _read_side(project, aside, connection, pipelines)
        yield side


def _read_side(project: Project, aside: Warehouse, connection: Connection, pipelines: Sequence[str]) -> Side:
    chosen = [project.manifest.pipelines[name] for name in pipelines]
    sources = sorted({source for each in chosen for source in each.sources})
    transforms = sorted({transform for each in chosen for transform in each.transforms})
    deployed = read_deployed(aside, project.environment_name)
    models = {name: _read_models(deployed, project, aside, connection, name) for name in transforms}
    catalog = read_catalog(
        aside, _schemas(pipelines, sources, models), counted=False, place=project.model_schema
    )
    tables = {name: table for name, table in catalog.tables.items() if _is_compared(name)}
    if not tables:
        raise _never_ran(project)
    return Side(
        project,
        connection,
        aside.type,
        _last_run(aside, connection, project),
        tables,
        models,
        _bronze_keys(connection, catalog, sources),
    )


@contextmanager
def busy_where_locked(what: str) -> Iterator[None]:
    """Raises Busy where the block waited in vain for a table of another session. what: it reads, for people."""
    try:
        yield
    except LoadError as error:
        if error.code != _WAITED_FOR_LOCK:
            raise
        held = error.message.partition("; what was begun")[0]
        raise Busy(
            f"{what} cannot be read. {held}", hint="Wait until that is done, then compare again."
        ) from error


def is_same_warehouse(one: Project, other: Project) -> bool:
    """Whether two environments write to the very same tables."""
    return open_warehouse(one).lineage_place == open_warehouse(other).lineage_place


def _never_ran(project: Project) -> UsageError:
    return UsageError(
        f"nothing was loaded in '{project.environment_name}' yet: there is nothing to compare.",
        code=CODE,
        hint=f"Load it first: pipeline-cli run --env {project.environment_name}",
    )


def _open_impatient(project: Project) -> Warehouse:
    """The warehouse; on Postgres nothing waits long for a table that another session has locked."""
    entry = project.manifest.destinations[project.environment.destination]
    if isinstance(entry, PostgresDestination):
        entry = replace(entry, lock_timeout=min(entry.lock_timeout, _LONGEST_WAIT))
        return entry.open(project.environment.destination, project)
    return open_warehouse(project)


# -- DuckDB: a copy of the file -------------------------------------------------------------------------------


@contextmanager
def _out_of_the_way(project: Project, warehouse: Warehouse) -> Iterator[Warehouse]:
    """The warehouse itself; of a DuckDB file, which one process has at a time, a copy that is gone afterwards.

    Where the disk has no room for a copy, the file itself: a run has to wait then.
    """
    if warehouse.type != "duckdb":
        yield warehouse
        return
    path = Path(warehouse.location)
    if not path.exists():
        raise _never_ran(project)
    below = project.state_dir / "diff"
    _sweep(below)
    folder = below / str(os.getpid())
    opened = warehouse
    try:
        if _has_room(project.state_dir, path):
            _copy(project, warehouse, path, folder)
            copied = DuckDBDestination(type="duckdb", path=str(folder.absolute() / path.name))
            opened = copied.open(warehouse.name, project)
        yield opened
    finally:
        opened.release()
        warehouse.release()
        shutil.rmtree(folder, ignore_errors=True)


def _has_room(folder: Path, path: Path) -> bool:
    return shutil.disk_usage(folder).free > 2 * path.stat().st_size


def _copy(project: Project, warehouse: Warehouse, path: Path, folder: Path) -> None:
    """Copy file and log while we have it open, so that nobody writes. Raises Busy where a run has it."""
    folder.mkdir(parents=True, exist_ok=True)
    with _held(project, warehouse):
        log = path.with_name(f"{path.name}.wal")
        # The log first: closing the file lets go of its lock, whoever of this process has opened it.
        for each in (log, path):
            if each.exists():
                shutil.copyfile(each, folder / each.name)
    warehouse.release()


@contextmanager
def _held(project: Project, warehouse: Warehouse) -> Iterator[None]:
    """The file is open in this process. Raises Busy, naming the environment and who has it."""
    try:
        connection = warehouse.connect()
    except Busy as error:
        raise Busy(
            f"environment '{project.environment_name}' is busy: {error.message}",
            hint="Wait until that is done, then compare again.",
        ) from error
    with closing(connection):
        yield


def _sweep(below: Path) -> None:
    """Remove the copies of processes that were killed."""
    for folder in below.glob("*"):
        if folder.name.isdigit() and process_start(int(folder.name)) is None:
            shutil.rmtree(folder, ignore_errors=True)


# -- what there is to compare ---------------------------------------------------------------------------------


def _read_models(
    deployed: Deployed, project: Project, warehouse: Warehouse, connection: Connection, transform: str
) -> Sequence[BuiltModel] | None:
    if project.manifest.transforms[transform].engine == "dbt":
        stored = deployed.parts.get(Key("transform", transform))
        return read_dbt_built((stored and stored.detail) or read_built_nodes(project, transform))
    there = {name for _, name in warehouse.relations([f"sqlmesh_{transform}"])}
    environment = sqlmesh_environment(project)
    return (
        read_sqlmesh_built(connection, transform, environment)
        if {"_environments", "_snapshots"} <= there
        else None
    )


def _last_run(warehouse: Warehouse, connection: Connection, project: Project) -> datetime | None:
    if (RUNS, "runs") not in set(warehouse.relations([RUNS])):
        return None
    rows = connection.query(
        f"SELECT max(ended_at) FROM {quote(RUNS, 'runs')} WHERE status IN ('succeeded', 'unchanged')"
        f" AND environment = {literal(project.environment_name)}"
    )
    ended: datetime | None = rows[0][0]
    return ended


def _schemas(
    pipelines: Sequence[str], sources: Sequence[str], models: Mapping[str, Sequence[BuiltModel] | None]
) -> list[str]:
    """Bronze of the sources, and wherever models are; where those are not known, where they are by custom."""
    named = {f"{layer}_{name}" for layer in ("silver", "gold") for name in (*pipelines, *models)}
    made = {model.schema for found in models.values() for model in found or ()}
    return sorted({f"bronze_{source}" for source in sources} | named | made)


def _is_compared(table: TableName) -> bool:
    """Not dlt's own tables, nor ours (quarantine, cursors): each environment has its own history."""
    return not (table[0].startswith("bronze_") and table[1].startswith("_"))


def _bronze_keys(
    connection: Connection, catalog: Catalog, sources: Sequence[str]
) -> dict[TableName, tuple[str, ...]]:
    found: dict[TableName, tuple[str, ...]] = {}
    for source in sources:
        dataset = f"bronze_{source}"
        if (dataset, "_dlt_version") not in catalog.tables:
            continue
        _, text = read_version(connection, dataset, source)
        tables: Mapping[str, Any] = json.loads(text)["tables"] if text else {}
        for name, table in tables.items():
            key = tuple(column for column, hints in table["columns"].items() if hints.get("primary_key"))
            if key:
                found[dataset, name] = key
    return found
