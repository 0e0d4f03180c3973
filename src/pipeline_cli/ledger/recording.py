"""Writing what happens in a run. Every change is its own short transaction."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from pipeline_cli.document import RunResult, StepResult, TryResult, utc_now
from pipeline_cli.ledger.alert_entries import AlertNews
from pipeline_cli.ledger.alert_store import write_news
from pipeline_cli.ledger.connection import Database
from pipeline_cli.ledger.database import changing
from pipeline_cli.ledger.entries import LoadEntry, RunEntry
from pipeline_cli.ledger.processes import ProcessIdentity
from pipeline_cli.ledger.slots import start_slot
from pipeline_cli.ledger.tables import checks, loaded_tables, loads, models, runs, steps, tries


def start_run(database: Database, entry: RunEntry) -> None:
    process = ProcessIdentity.here()
    with changing(database) as connection:
        connection.insert(
            runs,
            {
                "run_id": entry.run_id,
                "environment": entry.environment,
                "status": "running",
                "started_at": entry.started_at,
                "claimed_at": utc_now(),
                "command": entry.command,
                "selection": {name: list(planned) for name, planned in entry.selection.items()},
                "full_refresh": entry.full_refresh,
                "host": process.host,
                "pid": process.pid,
                "process_start": process.start,
                "published": False,
            },
        )
        if entry.slot is not None:
            start_slot(connection, entry.slot, entry.run_id)


def write_step(
    database: Database,
    place: tuple[str, str],
    step: StepResult,
    ended_at: datetime | None = None,
    message: str | None = None,
) -> None:
    """Write a step as it is now, with its checks and models. `place`: run id and pipeline."""
    where = dict(zip(("run_id", "pipeline"), place, strict=True))
    row = {
        **where,
        "name": step.name,
        "kind": step.kind,
        "status": step.status,
        "tries": step.tries,
        "started_at": step.started_at,
        "ended_at": ended_at,
        "message": message,
        "result": step.to_dict(),
    }
    of_step = {**where, "step": step.name}
    with changing(database) as connection:
        connection.replace(steps, row)
        for attempt in step.attempts:
            connection.replace(tries, _try_row((*place, step.name), attempt))
        connection.insert(checks, *({**of_step, **asdict(check)} for check in step.checks))
        connection.insert(models, *({**of_step, **_model(asdict(model))} for model in step.models))


def write_try(database: Database, place: tuple[str, str, str], attempt: TryResult) -> None:
    """Write a try that has ended. `place`: run id, pipeline and step."""
    with changing(database) as connection:
        connection.replace(tries, _try_row(place, attempt))


def _try_row(place: tuple[str, str, str], attempt: TryResult) -> dict[str, Any]:
    return {
        **dict(zip(("run_id", "pipeline", "step"), place, strict=True)),
        "number": attempt.number,
        "status": attempt.status,
        "started_at": attempt.started_at,
        "ended_at": attempt.started_at + timedelta(seconds=attempt.duration_s),
        "code": attempt.code,
        "message": attempt.message,
    }


def record_load(database: Database, run_id: str, environment: str, entry: LoadEntry) -> None:
    shared = {
        "run_id": run_id,
        "pipeline": entry.pipeline,
        "source": entry.source,
        "started_at": entry.started_at,
        "ended_at": entry.ended_at,
        "status": entry.status,
        "error": entry.error,
        "load_id": entry.load_ids[-1] if entry.load_ids else None,
    }
    rows = [{**shared, **_account(asdict(resource))} for resource in entry.resources]
    touched = [
        {"environment": environment, "load_id": load_id, "dataset": dataset, "table_name": table}
        for load_id in dict.fromkeys(entry.load_ids)
        # A package without rows is known too: as one that touched no table.
        for dataset, table in sorted(entry.tables) or [("", "")]
    ]
    with changing(database) as connection:
        connection.insert(loads, *(rows or [{**shared, **_account({})}]))
        for row in touched:
            connection.replace(loaded_tables, row)


def finish_run(
    database: Database, result: RunResult, ended_at: datetime, news: AlertNews | None = None
) -> None:
    error = next((entry.message for entry in result.errors), None)
    with changing(database) as connection:
        connection.change(
            "UPDATE runs SET status = :status, ended_at = :ended_at, error = :error, document = :document "
            "WHERE run_id = :run_id",
            run_id=result.run_id,
            status=result.status,
            ended_at=ended_at,
            error=error,
            document=result.to_dict(),
        )
        if news is not None:
            write_news(connection, news)


def _account(resource: dict[str, Any]) -> dict[str, Any]:
    counts = {name: resource.get(name, 0) for name in ("extracted", "loaded", "quarantined", "deduplicated")}
    names = {name: resource.get(name) for name in ("endpoint", "dataset")}
    return {**counts, **names, "resource": resource.get("name"), "table_name": resource.get("table")}


def _model(model: dict[str, Any]) -> dict[str, Any]:
    kept = {name: model[name] for name in ("name", "status", "duration_s", "message")}
    return {**kept, "row_count": model["rows"]}
