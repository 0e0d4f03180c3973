"""Back to a restore point: a source's rows, rejects, files that are done and cursors, in one transaction."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing

from pipeline_cli.destinations.base import Connection, quote
from pipeline_cli.document import StepResult
from pipeline_cli.errors import UsageError
from pipeline_cli.failpoints import failpoint
from pipeline_cli.maintenance.dlt_state import (
    LOADS,
    STATES,
    new_load_id,
    read_state,
    sync_folder,
    write_load,
    write_state,
)
from pipeline_cli.maintenance.engine import prepare_dlt, recover_rows
from pipeline_cli.maintenance.operation import Operation, operate, pipelines_of, timed
from pipeline_cli.planning.restore_points import Copy, RestorePoint
from pipeline_cli.project import Project
from pipeline_cli.sources.build import is_column_source

COMMAND, CODE = "restore", "E021"
# dlt's account of loads and schemas goes on; its state is written anew, as the newest.
_DLT_TABLES = (LOADS, STATES, "_dlt_version")


def restore_point(project: Project, point: RestorePoint) -> Operation:
    """Put the sources of the point back; transforms are told to build from nothing.

    Raises UsageError where a source or a column is no more; nothing has changed then. Raises Busy, LoadError.
    """
    sources = point.sources
    if not sources:
        raise UsageError(
            f"restore point {point.id} has models only, which are built from their code.",
            code=CODE,
            hint=f"Their rows are in the schema restore_{point.id}.",
        )
    gone = [name for name in sources if name not in project.manifest.sources]
    if gone:
        raise UsageError(
            f"the manifest has no source {', '.join(gone)} any more.", code=CODE, hint="Put it back first."
        )
    prepare_dlt(project)
    with operate(project, COMMAND, sources) as operation:
        begun = time.monotonic()
        for source in sources:
            if not is_column_source(project.manifest.sources[source]):
                recover_rows(operation, source)
        _require_columns(operation, point)
        for pipeline in pipelines_of(project, sources):
            for name in project.manifest.pipelines[pipeline].transforms:
                operation.ledger.ask_rebuild(project.environment_name, pipeline, name, operation.run_id)
        load_ids = _put_back(operation, point)
        for source in sources:
            if not is_column_source(project.manifest.sources[source]):
                sync_folder(project, operation.warehouse, source)
            step = timed(StepResult(f"restore:{source}", "ingest", "succeeded"), begun)
            operation.note_step(next(iter(pipelines_of(project, [source])), source), step)
            tables = frozenset(copy.original for copy in point.copies if copy.source == source)
            operation.note_load(source, step, [load_ids[source]], tables, "restored")
    return operation


def _require_columns(operation: Operation, point: RestorePoint) -> None:
    """Raise UsageError where a table lost what the copy has: a full refresh has made it anew."""
    with closing(operation.warehouse.connect()) as connection:
        there = set(operation.warehouse.relations([f"bronze_{name}" for name in point.sources]))
        for copy in _data(point.copies):
            lost = [] if copy.original in there else ["the table"]
            if not lost:
                columns = set(_columns(connection, copy.original))
                lost = [name for name in _columns(connection, copy.copy) if name not in columns]
            if lost and copy.rows:
                raise UsageError(
                    f"{'.'.join(copy.original)} was made anew since, without {', '.join(lost)}.",
                    code=CODE,
                    hint=f"Its rows are in {'.'.join(copy.copy)}.",
                )


def _put_back(operation: Operation, point: RestorePoint) -> dict[str, str]:
    """The ids of the loads that the states stand under from now on, by source."""
    warehouse, load_ids = operation.warehouse, {}
    with closing(warehouse.connect()) as connection, warehouse.writing(), connection.transaction():
        for source in point.sources:
            dataset, kept = f"bronze_{source}", f"restore_{point.id}_{source}"
            copies = [copy for copy in point.copies if copy.source == source]
            known = {copy.original[1] for copy in copies}
            for _, name in list(warehouse.relations([dataset])):
                if name not in known and not name.startswith("_dlt_"):
                    connection.execute(f"DELETE FROM {quote(dataset, name)}")
            for copy in _data(copies):
                names = ", ".join(quote(name) for name in _columns(connection, copy.copy))
                connection.execute(f"DELETE FROM {quote(*copy.original)}")
                if copy.rows:
                    connection.execute(
                        f"INSERT INTO {quote(*copy.original)} ({names}) SELECT {names} FROM {quote(*copy.copy)}"
                    )
            load_ids[source] = new_load_id(connection, dataset)
            state = read_state(connection, kept, source) if {LOADS, STATES} <= known else None
            if state is not None:
                write_state(connection, operation.project, source, dict(state.state), load_ids[source])
            write_load(connection, dataset, source, load_ids[source])
        failpoint("restore.commit_before")
    failpoint("restore.commit_after")
    return load_ids


def _data(copies: Sequence[Copy]) -> list[Copy]:
    return [copy for copy in copies if copy.source and copy.original[1] not in _DLT_TABLES]


def _columns(connection: Connection, table: tuple[str, str]) -> list[str]:
    with connection.fetch(f"SELECT * FROM {quote(*table)} LIMIT 0") as fetched:
        return list(fetched.columns)
