"""`drop`: a copy of an environment is taken away, with all that only it has."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import ExitStack, closing

from pipeline_cli.deployed.store import SCHEMA, TABLE, forget_environment
from pipeline_cli.destinations import open_warehouse
from pipeline_cli.destinations.base import Warehouse, literal, quote
from pipeline_cli.document import utc_now
from pipeline_cli.errors import UsageError
from pipeline_cli.ledger import Ledger, RunEntry, new_run_id
from pipeline_cli.project import Project
from pipeline_cli.running.holding import hold_run_locks, hold_warehouse, open_ledger
from pipeline_cli.steps.backends import Backends
from pipeline_cli.transforms.base import BronzeTable
from pipeline_cli.transforms.dropping import drop_engine_state
from pipeline_cli.transforms.sqlmesh_seen import TABLE as SEEN
from pipeline_cli.transforms.sqlmesh_seen import forget_seen


def drop_copy(project: Project) -> list[str]:
    """Drop the copy's schemas and what is kept of it; what it is a copy of stays as it is.

    Returns the schemas that are gone. Done twice, or after a crash in between, it does the rest. Raises UsageError
    for an environment that is no copy, Busy where a run of it or of its original is under way, LoadError.
    """
    require_copy(project)
    warehouse = open_warehouse(project)
    pipelines = project.manifest.pipelines
    entry = RunEntry(
        new_run_id(), project.environment_name, "drop", {name: [] for name in pipelines}, utc_now()
    )
    with open_ledger(project) as ledger, hold_run_locks(project, entry), ExitStack() as held:
        unreachable = hold_warehouse(held, warehouse, entry)
        if unreachable is not None:
            raise unreachable
        for name in project.manifest.transforms:
            drop_engine_state(project, warehouse, name, _bronze(project, warehouse, name))
        dropped = _drop_schemas(project, warehouse, _schemas(project, ledger))
        ledger.forget_transforms(project.environment_name)
    shutil.rmtree(project.state_dir, ignore_errors=True)
    return dropped


def require_copy(project: Project) -> None:
    """Raises UsageError for an environment that is no copy."""
    if not project.is_copy:
        copies = [name for name, each in project.manifest.environments.items() if each.copy_of]
        raise UsageError(
            f"'{project.environment_name}' is no copy of an environment: only copies can be dropped.",
            hint=f"The copies are: {', '.join(copies)}."
            if copies
            else "Copies are environments with copy_of.",
        )


def _bronze(project: Project, warehouse: Warehouse, transform: str) -> list[BronzeTable]:
    pipelines = [each for each in project.manifest.pipelines.values() if transform in each.transforms]
    sources = dict.fromkeys(source for each in pipelines for source in each.sources)
    return [table for source in sources for table in Backends().bronze_tables(project, warehouse, source)]


def _schemas(project: Project, ledger: Ledger) -> list[str]:
    """Where the copy may have models: by custom, and as its builds have left them."""
    suffix = project.model_schema("")
    found = {f"{layer}_{name}{suffix}" for name in project.manifest.pipelines for layer in ("silver", "gold")}
    for pipeline, entry in project.manifest.pipelines.items():
        for transform in entry.transforms:
            state = ledger.transform_state(project.environment_name, pipeline, transform)
            found |= {schema for schema, _ in state.relations} if state else set()
    return sorted(schema for schema in found if schema.endswith(suffix))


def _drop_schemas(project: Project, warehouse: Warehouse, schemas: Iterable[str]) -> list[str]:
    environment = project.environment_name
    with closing(warehouse.connect()) as connection, warehouse.writing(), connection.transaction():
        wanted = ", ".join(map(literal, schemas)) or "NULL"
        there = connection.query(
            f"SELECT DISTINCT schema_name FROM information_schema.schemata WHERE schema_name IN ({wanted}) ORDER BY 1"
        )
        for (schema,) in there:
            connection.execute(f"DROP SCHEMA {quote(schema)} CASCADE")
        kept = {name for _, name in warehouse.relations([SCHEMA])}
        if TABLE in kept:
            forget_environment(connection, environment)
        if SEEN in kept:
            forget_seen(connection, environment)
    return [str(schema) for (schema,) in there]
