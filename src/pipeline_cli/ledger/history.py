"""Reading the ledger, and closing what a dead process left open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pipeline_cli.document import SCHEMA_VERSION, Status, StepResult, format_time, utc_now
from pipeline_cli.errors import UsageError
from pipeline_cli.ledger.database import changing, reading
from pipeline_cli.ledger.deaths import DIED
from pipeline_cli.ledger.entries import OPERATIONS, ModelBuild, RunSummary
from pipeline_cli.ledger.processes import ProcessIdentity
from pipeline_cli.ledger.tables import loads, models, runs, steps

DONE = ("succeeded", "unchanged")
# The status of a pipeline is the first of these that one of its steps has.
WORST_FIRST = ("running", "interrupted", "failed", "succeeded", "skipped", "unchanged")


def close_abandoned(engine: sa.Engine) -> list[str]:
    now = utc_now()
    with reading(engine) as connection:
        open_runs = connection.execute(sa.select(runs).where(runs.c.status == "running")).all()
    gone = [
        row
        for row in open_runs
        if ProcessIdentity(row.host, row.pid, row.process_start).is_gone(row.claimed_at, now)
    ]
    for row in gone:
        _close(engine, row, now)
    return [row.run_id for row in gone]


def _close(engine: sa.Engine, row: Any, now: datetime) -> None:
    message = f"process {row.pid} on {row.host} ended without closing the run"
    with changing(engine) as connection:
        running = steps.c.run_id == row.run_id, steps.c.status == "running"
        connection.execute(
            sa.update(steps).where(*running).values(status="interrupted", ended_at=now, message=message)
        )
        closed = {"status": "interrupted", "ended_at": now, "error": message}
        still_open = runs.c.run_id == row.run_id, runs.c.status == "running"
        connection.execute(sa.update(runs).where(*still_open).values(**closed))


def read_document(engine: sa.Engine, run_id: str) -> dict[str, Any]:
    with reading(engine) as connection:
        row = _run(connection, run_id)
        if row.document is not None:
            document: dict[str, Any] = row.document
            return document
        written = connection.execute(sa.select(steps).where(steps.c.run_id == run_id)).all()
    return _assemble(row, {(step.pipeline, step.name): step for step in written})


def _assemble(run: Any, written: dict[tuple[str, str], Any]) -> dict[str, Any]:
    """The document of a run that did not write its own: it is running, or its process died."""
    unfinished: Status = "running" if run.status == "running" else "skipped"
    pipelines = []
    for name, planned in run.selection.items():
        listed = [_step_object(written.get((name, step)), step, unfinished) for step in planned]
        pipelines.append({"name": name, "status": _worst(step["status"] for step in listed), "steps": listed})
    error = {"code": DIED, "step": None, "message": run.error}
    error |= {"hint": f"Run it again: pipeline-cli retry {run.run_id}"}
    error |= {"file": None, "line": None, "column": None}
    return {
        "schema_version": SCHEMA_VERSION,
        "command": "run",
        "run_id": run.run_id,
        "environment": run.environment,
        "status": run.status,
        "started_at": format_time(run.started_at),
        "duration_s": round(((run.ended_at or utc_now()) - run.started_at).total_seconds(), 3),
        "pipelines": pipelines,
        "errors": [error] if run.error else [],
        "warnings": [],
    }


def _step_object(row: Any, name: str, unfinished: Status) -> dict[str, Any]:
    if row is not None:
        return {**row.result, "status": row.status}
    kind: Any = name.partition(":")[0]
    return {**StepResult(name, kind, unfinished, tries=0).to_dict(), "started_at": None}


def _worst(statuses: Iterable[str]) -> str:
    found = set(statuses)
    return next((status for status in WORST_FIRST if status in found), "skipped")


def read_recent(
    engine: sa.Engine, limit: int, pipeline: str | None, environment: str | None
) -> list[RunSummary]:
    query = sa.select(runs).order_by(runs.c.started_at.desc(), runs.c.run_id.desc()).limit(limit)
    if pipeline is not None:
        query = query.where(runs.c.run_id.in_(sa.select(steps.c.run_id).where(steps.c.pipeline == pipeline)))
    if environment is not None:
        query = query.where(runs.c.environment == environment)
    with reading(engine) as connection:
        found = connection.execute(query).all()
        of_steps = sa.select(steps.c.run_id, steps.c.pipeline, steps.c.status)
        ids = [row.run_id for row in found]
        statuses: dict[tuple[str, str], list[str]] = {}
        for row in connection.execute(of_steps.where(steps.c.run_id.in_(ids))):
            statuses.setdefault((str(row.run_id), str(row.pipeline)), []).append(str(row.status))
    return [_summary(row, statuses) for row in found]


def _summary(row: Any, statuses: dict[tuple[str, str], list[str]]) -> RunSummary:
    return RunSummary(
        run_id=row.run_id,
        environment=row.environment,
        status=row.status,
        command=row.command,
        started_at=row.started_at,
        duration_s=(row.ended_at - row.started_at).total_seconds() if row.ended_at else None,
        pipelines={name: _worst(statuses.get((row.run_id, name), ())) for name in row.selection},
        error=row.error,
    )


def last_success(engine: sa.Engine, environment: str, pipeline: str) -> datetime | None:
    undone = sa.select(steps.c.run_id).where(steps.c.pipeline == pipeline, steps.c.status.not_in(DONE))
    query = (
        sa.select(sa.func.max(runs.c.ended_at, type_=runs.c.ended_at.type))
        .join(steps, steps.c.run_id == runs.c.run_id)
        .where(runs.c.environment == environment, steps.c.pipeline == pipeline)
        # An interrupted run may lack the rows of steps that it never came to.
        .where(runs.c.status != "interrupted", runs.c.run_id.not_in(undone))
    )
    with reading(engine) as connection:
        found: datetime | None = connection.execute(query).scalar()
        return found


def last_load(engine: sa.Engine, environment: str, sources: Sequence[str]) -> datetime | None:
    query = (
        sa.select(sa.func.max(loads.c.ended_at, type_=loads.c.ended_at.type))
        .join(runs, runs.c.run_id == loads.c.run_id)
        .where(runs.c.environment == environment, loads.c.source.in_(list(sources)))
        .where(loads.c.status.in_(DONE))
    )
    with reading(engine) as connection:
        found: datetime | None = connection.execute(query).scalar()
        return found


def last_builds(engine: sa.Engine, environment: str) -> dict[str, ModelBuild]:
    newest = (
        sa.select(sa.func.max(models.c.id))
        .join(runs, runs.c.run_id == models.c.run_id)
        .where(runs.c.environment == environment, models.c.status == "succeeded")
        .group_by(models.c.name)
    )
    query = (
        sa.select(models.c.name, models.c.run_id, models.c.row_count, runs.c.started_at)
        .join(runs, runs.c.run_id == models.c.run_id)
        .where(models.c.id.in_(newest))
    )
    with reading(engine) as connection:
        return {
            str(row.name): ModelBuild(row.run_id, row.started_at, row.row_count)
            for row in connection.execute(query)
        }


def last_failed(engine: sa.Engine, environment: str) -> str | None:
    query = (
        sa.select(runs.c.run_id)
        .where(runs.c.environment == environment, runs.c.status.in_(("failed", "interrupted")))
        .where(runs.c.command.not_in(OPERATIONS))
        .order_by(runs.c.started_at.desc(), runs.c.run_id.desc())
    )
    with reading(engine) as connection:
        return connection.execute(query.limit(1)).scalar()


def remaining(engine: sa.Engine, run_id: str) -> dict[str, dict[str, int]]:
    with reading(engine) as connection:
        run = _run(connection, run_id)
        own = connection.execute(sa.select(steps).where(steps.c.run_id == run_id)).all()
        later = (
            sa.select(steps.c.pipeline, steps.c.name)
            .join(runs, runs.c.run_id == steps.c.run_id)
            .where(runs.c.environment == run.environment, runs.c.started_at > run.started_at)
            .where(steps.c.status.in_(DONE))
        )
        done = {tuple(row) for row in connection.execute(later)}
    done |= {(step.pipeline, step.name) for step in own if step.status in DONE}
    tries = {(step.pipeline, step.name): step.tries for step in own}
    left = {
        pipeline: {step: tries.get((pipeline, step), 0) for step in planned if (pipeline, step) not in done}
        for pipeline, planned in run.selection.items()
    }
    return {pipeline: named for pipeline, named in left.items() if named}


def _run(connection: sa.Connection, run_id: str) -> Any:
    row = connection.execute(sa.select(runs).where(runs.c.run_id == run_id)).one_or_none()
    if row is None:
        raise UsageError(f"there is no run {run_id!r}", hint="See: pipeline-cli runs")
    return row
