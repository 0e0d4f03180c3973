"""Reading the ledger, and closing what a dead process left open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pipeline_cli.document import SCHEMA_VERSION, Status, StepResult, format_time, utc_now
from pipeline_cli.errors import UsageError
from pipeline_cli.ledger.connection import Connection, Database, Row
from pipeline_cli.ledger.database import changing, reading
from pipeline_cli.ledger.deaths import DIED
from pipeline_cli.ledger.entries import OPERATIONS, ModelBuild, RunSummary
from pipeline_cli.ledger.processes import ProcessIdentity

DONE = ("succeeded", "unchanged")
# The status of a pipeline is the first of these that one of its steps has.
WORST_FIRST = ("running", "interrupted", "failed", "succeeded", "skipped", "unchanged")


def close_abandoned(database: Database) -> list[str]:
    now = utc_now()
    with reading(database) as connection:
        open_runs = connection.rows("SELECT * FROM runs WHERE status = 'running'")
    gone = [
        row
        for row in open_runs
        if ProcessIdentity(row.host, row.pid, row.process_start).is_gone(row.claimed_at, now)
    ]
    for row in gone:
        _close(database, row, now)
    return [row.run_id for row in gone]


def _close(database: Database, row: Any, now: datetime) -> None:
    message = f"process {row.pid} on {row.host} ended without closing the run"
    with changing(database) as connection:
        for table, column in (("steps", "message"), ("runs", "error")):
            connection.change(
                f"UPDATE {table} SET status = 'interrupted', ended_at = :now, {column} = :message "
                "WHERE run_id = :run_id AND status = 'running'",
                now=now,
                message=message,
                run_id=row.run_id,
            )


def read_document(database: Database, run_id: str) -> dict[str, Any]:
    with reading(database) as connection:
        row = _run(connection, run_id)
        if row.document is not None:
            document: dict[str, Any] = row.document
            return document
        written = _steps(connection, run_id)
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
    database: Database, limit: int, pipeline: str | None, environment: str | None
) -> list[RunSummary]:
    conditions = ["1 = 1"]
    if pipeline is not None:
        conditions.append("run_id IN (SELECT run_id FROM steps WHERE pipeline = :pipeline)")
    if environment is not None:
        conditions.append("environment = :environment")
    query = f"SELECT * FROM runs WHERE {' AND '.join(conditions)} ORDER BY started_at DESC, run_id DESC LIMIT :limit"
    with reading(database) as connection:
        found = connection.rows(query, pipeline=pipeline, environment=environment, limit=limit)
        ids = tuple(row.run_id for row in found)
        statuses: dict[tuple[str, str], list[str]] = {}
        for row in connection.rows(
            "SELECT run_id, pipeline, status FROM steps WHERE run_id IN :ids", ids=ids
        ):
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


def last_success(database: Database, environment: str, pipeline: str) -> datetime | None:
    # An interrupted run may lack the rows of steps that it never came to.
    query = (
        'SELECT max(runs.ended_at) AS "at [datetime]" FROM runs JOIN steps ON steps.run_id = runs.run_id '
        "WHERE runs.environment = :environment AND steps.pipeline = :pipeline AND runs.status <> 'interrupted' "
        "AND runs.run_id NOT IN (SELECT run_id FROM steps WHERE pipeline = :pipeline AND status NOT IN :done)"
    )
    with reading(database) as connection:
        found: datetime | None = connection.value(
            query, environment=environment, pipeline=pipeline, done=DONE
        )
        return found


def last_load(database: Database, environment: str, sources: Sequence[str]) -> datetime | None:
    query = (
        'SELECT max(loads.ended_at) AS "at [datetime]" FROM loads JOIN runs ON runs.run_id = loads.run_id '
        "WHERE runs.environment = :environment AND loads.source IN :sources AND loads.status IN :done"
    )
    with reading(database) as connection:
        found: datetime | None = connection.value(
            query, environment=environment, sources=tuple(sources), done=DONE
        )
        return found


def last_builds(database: Database, environment: str) -> dict[str, ModelBuild]:
    query = (
        "SELECT models.name, models.run_id, models.row_count, runs.started_at "
        "FROM models JOIN runs ON runs.run_id = models.run_id WHERE models.id IN ("
        "SELECT max(models.id) FROM models JOIN runs ON runs.run_id = models.run_id "
        "WHERE runs.environment = :environment AND models.status = 'succeeded' GROUP BY models.name)"
    )
    with reading(database) as connection:
        return {
            str(row.name): ModelBuild(row.run_id, row.started_at, row.row_count)
            for row in connection.rows(query, environment=environment)
        }


def last_failed(database: Database, environment: str) -> str | None:
    query = (
        "SELECT run_id FROM runs WHERE environment = :environment AND status IN ('failed', 'interrupted') "
        "AND command NOT IN :operations ORDER BY started_at DESC, run_id DESC LIMIT 1"
    )
    with reading(database) as connection:
        found: str | None = connection.value(query, environment=environment, operations=tuple(OPERATIONS))
        return found


def remaining(database: Database, run_id: str) -> dict[str, dict[str, int]]:
    with reading(database) as connection:
        run = _run(connection, run_id)
        own = _steps(connection, run_id)
        later = connection.rows(
            "SELECT steps.pipeline, steps.name FROM steps JOIN runs ON runs.run_id = steps.run_id "
            "WHERE runs.environment = :environment AND runs.started_at > :begun AND steps.status IN :done",
            environment=run.environment,
            begun=run.started_at,
            done=DONE,
        )
    done = {(row.pipeline, row.name) for row in later}
    done |= {(step.pipeline, step.name) for step in own if step.status in DONE}
    tries = {(step.pipeline, step.name): step.tries for step in own}
    left = {
        pipeline: {step: tries.get((pipeline, step), 0) for step in planned if (pipeline, step) not in done}
        for pipeline, planned in run.selection.items()
    }
    return {pipeline: named for pipeline, named in left.items() if named}


def _steps(connection: Connection, run_id: str) -> list[Row]:
    return connection.rows("SELECT * FROM steps WHERE run_id = :run_id", run_id=run_id)


def _run(connection: Connection, run_id: str) -> Row:
    row = connection.row("SELECT * FROM runs WHERE run_id = :run_id", run_id=run_id)
    if row is None:
        raise UsageError(f"there is no run {run_id!r}", hint="See: pipeline-cli runs")
    return row
