"""Replaying rejected records: source by source, each whole or not at all, and all of it one operation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing

from pipeline_cli.destinations import open_warehouse
from pipeline_cli.document import StepResult, utc_now
from pipeline_cli.errors import UsageError
from pipeline_cli.maintenance.engine import prepare_dlt
from pipeline_cli.maintenance.operation import Operation, operate, pipelines_of, timed
from pipeline_cli.maintenance.replay.outcomes import ReplayResult
from pipeline_cli.project import Project
from pipeline_cli.quarantine import Wanted, read_open
from pipeline_cli.quarantine.decisions import Decision, create_sql, who, write_decisions
from pipeline_cli.quarantine.records import TABLE
from pipeline_cli.sources.build import is_column_source

REPLAY, DISCARD = "quarantine replay", "quarantine discard"


def replay_records(
    project: Project, sources: Sequence[str], wanted: Wanted
) -> tuple[Operation, dict[str, ReplayResult]]:
    """Send the open records that fit through the gate again, by today's contract. Source -> what became of them.

    Raises UsageError where there is none, and as `ingest_source` does: the sources before are done then, and
    what is marked of the others is nothing.
    """
    having = _having(project, sources, wanted)
    if not having:
        raise UsageError(
            f"No open record in quarantine fits in '{project.environment_name}'.",
            code="E012",
            hint="See: pipeline-cli quarantine list",
        )
    results: dict[str, ReplayResult] = {}
    with operate(project, REPLAY, having) as operation:
        for source in having:
            results[source] = _replay(operation, source, wanted)
    return operation, results


def _having(project: Project, sources: Sequence[str], wanted: Wanted) -> list[str]:
    """The sources that have an open record which fits."""
    warehouse = open_warehouse(project)
    try:
        there = set(warehouse.relations([f"bronze_{source}" for source in sources]))
        with closing(warehouse.connect()) as connection:
            return [
                source
                for source in sources
                if (f"bronze_{source}", TABLE) in there
                and next(read_open(connection, f"bronze_{source}", wanted), None) is not None
            ]
    finally:
        warehouse.release()


def _replay(operation: Operation, source: str, wanted: Wanted) -> ReplayResult:
    begun = time.monotonic()
    step = StepResult(f"replay:{source}", "ingest", "succeeded")
    if is_column_source(operation.project.manifest.sources[source]):
        from pipeline_cli.maintenance.replay.columns import replay_columns

        result = replay_columns(operation, source, wanted)
    else:
        prepare_dlt(operation.project)
        from pipeline_cli.maintenance.replay.rows import replay_rows

        result = replay_rows(operation, source, wanted)
    step.resources, step.notes = result.resources, result.notes
    step.status = "succeeded" if result.load_ids else "unchanged"
    pipelines = list(pipelines_of(operation.project, [source])) or [source]
    operation.note_step(pipelines[0], timed(step, begun))
    operation.note_load(source, step, result.load_ids, result.tables, "replayed")
    return result


def discard_records(
    project: Project, sources: Sequence[str], wanted: Wanted, reason: str
) -> tuple[Operation, dict[str, list[str]]]:
    """Decide that the open records that fit are not to be loaded. Source -> their ids; they stay, and can be exported.

    Raises UsageError where there is none.
    """
    having = _having(project, sources, wanted)
    if not having:
        raise UsageError(
            f"No open record in quarantine fits in '{project.environment_name}'.",
            code="E012",
            hint="See: pipeline-cli quarantine list",
        )
    discarded: dict[str, list[str]] = {}
    with operate(project, DISCARD, having) as operation:
        for source in having:
            discarded[source] = _discard(operation, source, wanted, reason)
    return operation, discarded


def _discard(operation: Operation, source: str, wanted: Wanted, reason: str) -> list[str]:
    begun = time.monotonic()
    dataset = f"bronze_{source}"
    with closing(operation.warehouse.connect()) as connection:
        ids = [each.id for each in read_open(connection, dataset, wanted)]
        by = who()
        with operation.warehouse.writing(), connection.transaction():
            connection.execute(create_sql(dataset))
            decided = [Decision(each, "discarded", reason, by, utc_now(), operation.run_id) for each in ids]
            write_decisions(connection, dataset, decided)
    step = StepResult(f"discard:{source}", "ingest", "succeeded")
    step.notes = [f"{len(ids)} record{'' if len(ids) == 1 else 's'} discarded: {reason}"]
    pipelines = list(pipelines_of(operation.project, [source])) or [source]
    operation.note_step(pipelines[0], timed(step, begun))
    return ids
