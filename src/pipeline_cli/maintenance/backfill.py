"""Filling a gap in what was read: chunk by chunk, each a run of its own that the ledger remembers.

No cursor is asked, and none moves. A chunk that was killed is looked for in the destination: its rows carry the run's
id, and they are there whole or not at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from pipeline_cli.deployed.parts import describe_parts
from pipeline_cli.deployed.recording import require_approved
from pipeline_cli.destinations import open_warehouse
from pipeline_cli.destinations.base import Connection, literal, quote
from pipeline_cli.document import ResourceResult, StepResult
from pipeline_cli.errors import LoadError, UsageError
from pipeline_cli.failpoints import failpoint
from pipeline_cli.ledger.backfills import ChunkKey, ChunkState, read_chunk, write_chunk
from pipeline_cli.load import IngestRequest, ingest_source
from pipeline_cli.loading.window import Window
from pipeline_cli.maintenance.backfill_plan import SourcePlan, Target, in_window, plan_backfill
from pipeline_cli.maintenance.engine import prepare_dlt, recover_rows
from pipeline_cli.maintenance.operation import Operation, operate, timed
from pipeline_cli.maintenance.standing import read_types
from pipeline_cli.maintenance.windows import CODE, Span
from pipeline_cli.project import Project
from pipeline_cli.quarantine.records import TABLE as QUARANTINE
from pipeline_cli.running.holding import open_ledger
from pipeline_cli.sources.build import is_column_source
from pipeline_cli.sources.column_types import column_name

COMMAND = "backfill"


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What became of a chunk. status: done, skipped (it was done before), found (a killed one that was whole)."""

    key: ChunkKey
    status: str
    run_id: str
    resources: Sequence[ResourceResult] = ()


@dataclass(frozen=True, slots=True)
class BackfillOptions:
    """pipeline: its name; wanted: (source, resource) to narrow it down to; again: also chunks that are done."""

    pipeline: str
    wanted: Sequence[tuple[str, str]]
    span: Span
    again: bool = False


def backfill(
    project: Project, options: BackfillOptions, tell: Callable[[ChunkResult], None]
) -> tuple[list[ChunkResult], list[SourcePlan]]:
    """Read the span, chunk after chunk. tell: called with each as it ends.

    Raises UsageError, Busy, and as `ingest_source` does; the chunks before are done then, and skipped next time.
    """
    prepare_dlt(project)
    plans = _plan(project, options)
    results = []
    for plan in plans:
        for start, end in options.span.chunks() if plan.targets else ():
            result = _do_chunk(project, options, plan, (start, end))
            tell(result)
            results.append(result)
    return results, plans


def _plan(project: Project, options: BackfillOptions) -> list[SourcePlan]:
    warehouse = open_warehouse(project)
    try:
        require_approved(project, warehouse, describe_parts(project, [options.pipeline]))
        return plan_backfill(project, warehouse, options.pipeline, options.wanted, options.span)
    finally:
        warehouse.release()


def _do_chunk(
    project: Project, options: BackfillOptions, plan: SourcePlan, bounds: tuple[Any, Any]
) -> ChunkResult:
    key = ChunkKey(project.environment_name, plan.source, plan.names, *(_shown(each) for each in bounds))
    with open_ledger(project) as ledger:
        before = read_chunk(ledger.database, key)
    if before is not None and before.status == "done" and not options.again:
        return ChunkResult(key, "skipped", before.run_id)
    with operate(project, COMMAND, [plan.source]) as operation:
        if before is not None and before.status == "begun" and _is_whole(operation, plan, before.run_id):
            write_chunk(operation.ledger.database, key, ChunkState(before.run_id, "done"))
            _note(operation, options.pipeline, plan, key, None, 0.0)
            return ChunkResult(key, "found", before.run_id)
        window = plan.window(*bounds)
        _require_room(operation, plan, window)
        write_chunk(operation.ledger.database, key, ChunkState(operation.run_id, "begun"))
        failpoint("backfill.begun")
        begun = time.monotonic()
        loaded = _ingest(operation, plan, window)
        failpoint("backfill.loaded")
        _note(operation, options.pipeline, plan, key, loaded, begun)
        write_chunk(operation.ledger.database, key, ChunkState(operation.run_id, "done"))
    return ChunkResult(key, "done", operation.run_id, loaded.resources)


def _ingest(operation: Operation, plan: SourcePlan, window: Window) -> Any:
    loaded = ingest_source(
        IngestRequest(
            project=in_window(operation.project, plan.source, window),
            warehouse=operation.warehouse,
            source=plan.source,
            run_id=operation.run_id,
            cancelled=operation.interruption.cancelled,
            window=window,
        )
    )
    for each in loaded.resources:
        if not each.balances:
            raise LoadError(f"the account of {plan.source}.{each.name} does not balance: {each}", code="E340")
    return loaded


def _note(
    operation: Operation, pipeline: str, plan: SourcePlan, key: ChunkKey, loaded: Any, begun: float
) -> None:
    step = StepResult(f"backfill:{plan.source}", "ingest", "unchanged" if loaded is None else loaded.status)
    step.notes = [f"{plan.names} from {key.start} up to {key.end}"]
    if loaded is None:
        step.notes.append("a run that died had loaded it whole")
        operation.note_step(pipeline, step)
        return
    step.resources = list(loaded.resources)
    step.notes += loaded.notes
    operation.note_step(pipeline, timed(step, begun))
    operation.note_load(plan.source, step, loaded.load_ids, loaded.loaded_tables, "backfilled")


def _shown(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


# -- what the destination holds ------------------------------------------------------------------------------


def _is_whole(operation: Operation, plan: SourcePlan, run_id: str) -> bool:
    """Whether a chunk that was begun is there: what its run left pending is loaded first."""
    if not is_column_source(operation.project.manifest.sources[plan.source]):
        recover_rows(operation, plan.source)
    dataset = f"bronze_{plan.source}"
    there = {name for _, name in operation.warehouse.relations([dataset])}
    tables = [target.rules.table for target in plan.targets] + [QUARANTINE]
    with closing(operation.warehouse.connect()) as connection:
        return any(
            bool(
                connection.query(
                    f"SELECT 1 FROM {quote(dataset, table)} WHERE _run_id = {literal(run_id)} LIMIT 1"
                )
            )
            for table in tables
            if table in there
        )


def _require_room(operation: Operation, plan: SourcePlan, window: Window) -> None:
    """Raise UsageError where a table that is appended to has rows of the window: nothing could tell them apart."""
    with closing(operation.warehouse.connect()) as connection:
        for target in plan.targets:
            if target.rules.disposition == "append" and (count := _count(connection, target, window)):
                bounds = window.bounds[target.rules.resource]
                raise UsageError(
                    f"{target.rules.dataset}.{target.rules.table} has {count} rows from {bounds.start} up to"
                    f" {bounds.end} already, and with write_disposition: append they would be there twice.",
                    code=CODE,
                    hint="Leave out what is there, or use write_disposition: merge with a primary_key.",
                )


def _count(connection: Connection, target: Target, window: Window) -> int:
    rules, bounds = target.rules, window.bounds[target.rules.resource]
    types = read_types(connection, rules.dataset, rules.table)
    column = "__".join(column_name(part) for part in target.path.removeprefix("$.").split("."))
    if column not in types:
        return 0
    start, end = (f"CAST({literal(_shown(each))} AS {types[column]})" for each in (bounds.start, bounds.end))
    name = quote(column)
    table = quote(rules.dataset, rules.table)
    [(count,)] = connection.query(f"SELECT count(*) FROM {table} WHERE {name} >= {start} AND {name} < {end}")
    return int(count)
