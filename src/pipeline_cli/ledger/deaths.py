"""Runs whose process died, for those who were told of their beginning: each one's end is given once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline_cli.document import ErrorDocument, PipelineResult, RunResult, StepResult
from pipeline_cli.ledger.connection import Database
from pipeline_cli.ledger.database import changing, reading
from pipeline_cli.ledger.tables import ended_runs

DIED = "E731"  # the code of a run that its process did not close


def untold_deaths(database: Database, environment: str) -> list[RunResult]:
    """The runs that another process closed, with the steps that they were in, oldest first; until `mark_told`.

    A step that several pipelines share stands in the first of them alone, as the events of its beginning do.
    """
    with reading(database) as connection:
        rows = connection.rows(
            "SELECT * FROM runs WHERE environment = :environment AND status = 'interrupted' AND document IS NULL "
            "AND run_id NOT IN (SELECT run_id FROM ended_runs) ORDER BY started_at",
            environment=environment,
        )
        cut = connection.rows(
            "SELECT * FROM steps WHERE run_id IN :ids AND status = 'interrupted'",
            ids=tuple(row.run_id for row in rows),
        )
    return [_result(row, [step for step in cut if step.run_id == row.run_id]) for row in rows]


def mark_told(database: Database, run_ids: Sequence[str]) -> None:
    with changing(database) as connection:
        for run_id in run_ids:
            connection.replace(ended_runs, {"run_id": run_id})


def _result(run: Any, cut: Sequence[Any]) -> RunResult:
    error = ErrorDocument(DIED, None, run.error or "the run was interrupted")
    duration_s = ((run.ended_at or run.started_at) - run.started_at).total_seconds()
    result = RunResult(run.run_id, run.environment, "interrupted", run.started_at, duration_s, errors=[error])
    told: set[str] = set()
    for name, planned in run.selection.items():
        own = {step.name: step for step in cut if step.pipeline == name and step.name not in told}
        told.update(own)
        result.pipelines.append(
            PipelineResult(
                name,
                "interrupted",
                [
                    StepResult(step, own[step].kind, "interrupted", own[step].tries, own[step].started_at)
                    for step in planned
                    if step in own
                ],
            )
        )
    return result
