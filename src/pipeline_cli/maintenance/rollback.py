"""Going back: the rows of later loads, the cursors and dlt's state, in one transaction of the warehouse."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from pipeline_cli.bulk.state import CURSOR_HISTORY, CURSORS, STATE_TABLES
from pipeline_cli.destinations import open_warehouse
from pipeline_cli.destinations.base import Connection, Warehouse, literal, quote
from pipeline_cli.document import StepResult
from pipeline_cli.errors import UsageError
from pipeline_cli.failpoints import failpoint
from pipeline_cli.ledger import Ledger
from pipeline_cli.ledger.loads_of import RunMoment, find_run
from pipeline_cli.maintenance.dlt_state import (
    LOADS,
    STATES,
    StoredState,
    new_load_id,
    read_state,
    sync_folder,
    write_load,
    write_state,
)
from pipeline_cli.maintenance.engine import prepare_dlt, recover_rows
from pipeline_cli.maintenance.operation import Operation, operate, pipelines_of, timed
from pipeline_cli.maintenance.rollback_plan import OURS, SourceRollback, TablePlan, plan_source
from pipeline_cli.project import Project
from pipeline_cli.quarantine import decisions
from pipeline_cli.running.holding import open_ledger
from pipeline_cli.sources.build import is_column_source

COMMAND, CODE = "rollback", "E018"


def plan_rollback(project: Project, run_id: str, sources: Sequence[str]) -> list[SourceRollback]:
    """What a rollback to the run's end would do, source by source; nothing is changed. Raises UsageError."""
    _require_support(project)
    warehouse = open_warehouse(project)
    try:
        with open_ledger(project) as ledger:
            return _plan(project, warehouse, ledger, _find_run(project, ledger, run_id), sources)
    finally:
        warehouse.release()


def roll_back(
    project: Project, run_id: str, sources: Sequence[str]
) -> tuple[Operation, list[SourceRollback]]:
    """Take back all that came after the run, in one transaction; transforms are told to build from nothing.

    Raises UsageError, and changes nothing, where a table's history does not allow it, or nothing came since.
    """
    _require_support(project)
    prepare_dlt(project)
    with operate(project, COMMAND, sources) as operation:
        begun = time.monotonic()
        run = _find_run(project, operation.ledger, run_id)
        notes = {
            source: recover_rows(operation, source)  # a load left pending came after the run, too
            for source in sources
            if not is_column_source(project.manifest.sources[source])
        }
        plans = _plan(project, operation.warehouse, operation.ledger, run, sources)
        require_possible(plans, run_id)
        for pipeline, of in pipelines_of(project, [plan.source for plan in plans]).items():
            # Before the rows go: one rebuild too many is better than none.
            _ask_rebuilds(operation, pipeline, of)
        load_ids = _take_back(operation, plans, run)
        failpoint("rollback.commit_after")
        for plan in plans:
            _finish(operation, plan, load_ids[plan.source], notes.get(plan.source, []), begun)
    return operation, plans


def require_possible(plans: Sequence[SourceRollback], run_id: str) -> None:
    """Raise UsageError where nothing came since, or a table cannot go back; it names every one."""
    refused = [f"{plan.dataset}.{table}: {why}" for plan in plans for table, why in plan.refused.items()]
    if refused:
        raise UsageError(
            f"history does not allow to go back to {run_id}: {'; '.join(refused)}.",
            code=CODE,
            hint="Narrow it down with --source, or read those sources again: pipeline-cli run --full-refresh",
        )
    if not plans:
        raise UsageError(f"nothing was loaded after run {run_id}.", code=CODE)


def _require_support(project: Project) -> None:
    kind = project.manifest.destinations[project.environment.destination].type
    if kind not in ("duckdb", "postgres"):
        raise UsageError(
            f"rollback is not done in {kind}: DuckDB and Postgres change whole or not at all.", code=CODE
        )


def _find_run(project: Project, ledger: Ledger, run_id: str) -> RunMoment:
    run = find_run(ledger.database, run_id)
    if run.environment != project.environment_name:
        raise UsageError(
            f"run {run_id} was in {run.environment!r}, and this is {project.environment_name!r}.",
            code=CODE,
            hint=f"pipeline-cli rollback --to {run_id} --env {run.environment}",
        )
    return run


def _plan(
    project: Project, warehouse: Warehouse, ledger: Ledger, run: RunMoment, sources: Sequence[str]
) -> list[SourceRollback]:
    with closing(warehouse.connect()) as connection:
        found = [plan_source(connection, warehouse, ledger, source, run) for source in sources]
    return [plan for plan in found if plan is not None]


def _ask_rebuilds(operation: Operation, pipeline: str, sources: Sequence[str]) -> None:
    for name in operation.project.manifest.pipelines[pipeline].transforms if sources else ():
        operation.ledger.ask_rebuild(operation.project.environment_name, pipeline, name, operation.run_id)


def _take_back(operation: Operation, plans: Sequence[SourceRollback], run: RunMoment) -> dict[str, str]:
    """The ids of the loads that the states stand under from now on, by source."""
    warehouse = operation.warehouse
    load_ids = {}
    with closing(warehouse.connect()) as connection, warehouse.writing(), connection.transaction():
        for plan in plans:
            load_ids[plan.source] = _take_back_source(connection, operation, plan, run)
        failpoint("rollback.commit_before")
    return load_ids


def _take_back_source(
    connection: Connection, operation: Operation, plan: SourceRollback, run: RunMoment
) -> str:
    dataset, source = plan.dataset, plan.source
    there = {name for _, name in operation.warehouse.relations([dataset])}
    load_id = new_load_id(connection, dataset)  # after those that go: dlt takes the newest
    state = None
    if STATES in there and plan.kept:
        state = read_state(connection, dataset, source, f"l.load_id IN ({_listed(plan.kept)})")
    if STATES in there and state is None:
        state = _unread(connection, dataset, source)
    for table in plan.tables:
        _take_back_table(connection, plan, table)
    for name in OURS:
        if name in there:
            connection.execute(
                f"DELETE FROM {quote(dataset, name)} WHERE _dlt_load_id IN ({_listed(plan.removed)})"
            )
    if decisions.TABLE in there:
        after = f"TIMESTAMP WITH TIME ZONE {literal(run.ended_at.isoformat())}"
        connection.execute(f"DELETE FROM {quote(dataset, decisions.TABLE)} WHERE decided_at > {after}")
    if CURSORS in there:
        _take_back_cursors(connection, plan, there)
    if state is not None:
        write_state(connection, operation.project, source, state.state, load_id)
    for name, key in ((LOADS, "load_id"), (STATES, "_dlt_load_id")):
        if name in there:
            connection.execute(f"DELETE FROM {quote(dataset, name)} WHERE {key} IN ({_listed(plan.removed)})")
    write_load(connection, dataset, source, load_id)
    return load_id


def _unread(connection: Connection, dataset: str, source: str) -> StoredState | None:
    """The newest state without anything in it of how far the source was read: as before the first load."""
    stored = read_state(connection, dataset, source)
    return None if stored is None else replace(stored, state={**stored.state, "sources": {}})


def _take_back_table(connection: Connection, plan: SourceRollback, table: TablePlan) -> None:
    name = quote(plan.dataset, table.name)
    connection.execute(f"DELETE FROM {name} WHERE _dlt_load_id IN ({_listed(plan.removed)})")
    if table.kind == "scd2":
        # Loads of a source follow one another: what ended after the last that stays was ended by one that goes.
        last = f"(SELECT max(inserted_at) FROM {quote(plan.dataset, LOADS)} WHERE load_id IN ({_listed(plan.kept)}))"
        connection.execute(f"UPDATE {name} SET _dlt_valid_to = NULL WHERE _dlt_valid_to > {last}")
    for child, parent in table.children:
        connection.execute(
            f"DELETE FROM {quote(plan.dataset, child)} AS child WHERE NOT EXISTS (SELECT 1 FROM"
            f" {quote(plan.dataset, parent)} AS parent WHERE parent._dlt_id = child._dlt_parent_id)"
        )


def _take_back_cursors(connection: Connection, plan: SourceRollback, there: set[str]) -> None:
    """Each cursor to where it stood. Raises UsageError where that is forgotten, and rows are there all the same."""
    table, before = quote(plan.dataset, CURSORS), quote(plan.dataset, CURSOR_HISTORY)
    names = ", ".join(map(quote, STATE_TABLES[CURSORS]))
    moved = connection.query(f"SELECT resource FROM {table} WHERE _dlt_load_id IN ({_listed(plan.removed)})")
    for (resource,) in moved:
        of_resource = f"WHERE resource = {literal(resource)}"
        stood = []
        if CURSOR_HISTORY in there and plan.kept:
            stood = connection.query(
                f"SELECT _dlt_load_id FROM {before} {of_resource} AND _dlt_load_id IN ({_listed(plan.kept)})"
                " ORDER BY _dlt_load_id DESC LIMIT 1"
            )
        if not stood and plan.kept:
            raise UsageError(
                f"where the cursor of {plan.source}.{resource} stood then is not known any more.",
                code=CODE,
                hint="pipeline-cli run --full-refresh reads the source again.",
            )
        connection.execute(f"DELETE FROM {table} {of_resource}")
        if stood:
            which = f"{of_resource} AND _dlt_load_id = {literal(stood[0][0])}"
            connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {before} {which}")
    if CURSOR_HISTORY in there:
        gone = f"_dlt_load_id IN ({_listed(plan.removed)})"
        same = "c.resource = h.resource AND c._dlt_load_id = h._dlt_load_id"
        current = f"EXISTS (SELECT 1 FROM {table} AS c WHERE {same})"
        connection.execute(f"DELETE FROM {before} AS h WHERE {gone} OR {current}")


def _listed(load_ids: Sequence[str]) -> str:
    return ", ".join(map(literal, load_ids)) or "NULL"


def _finish(
    operation: Operation, plan: SourceRollback, load_id: str, notes: Sequence[str], begun: float
) -> None:
    project = operation.project
    if not is_column_source(project.manifest.sources[plan.source]):
        sync_folder(project, operation.warehouse, plan.source)
    step = StepResult(f"rollback:{plan.source}", "ingest", "succeeded")
    step.notes = [*notes, f"{len(plan.removed)} loads taken back"]
    step.notes += [f"{plan.dataset}.{table.name}: {table.rows} rows" for table in plan.tables]
    if getattr(project.manifest.sources[plan.source], "lake", None) is not None:
        step.notes.append("The lake keeps the files of the loads that were taken back.")
    pipelines = list(pipelines_of(project, [plan.source])) or [plan.source]
    operation.note_step(pipelines[0], timed(step, begun))
    touched = frozenset((plan.dataset, table.name) for table in plan.tables)
    operation.note_load(plan.source, step, [load_id], touched, "rolled back")
