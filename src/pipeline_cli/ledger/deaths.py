"""Runs whose process died, for those who were told of their beginning: each one's end is given once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from pipeline_cli.document import ErrorDocument, PipelineResult, RunResult, StepResult
from pipeline_cli.ledger.database import changing, reading
from pipeline_cli.ledger.tables import metadata, runs, steps

DIED = "E731"  # the code of a run that its process did not close

# Runs that died without closing, whose end the receivers of events were told of.
ended_runs = sa.Table("ended_runs", metadata, sa.Column("run_id", sa.Text, primary_key=True))


def untold_deaths(engine: sa.Engine, environment: str) -> list[RunResult]:
    """The runs that another process closed, with the steps that they were in, oldest first; until `mark_told`.

    A step that several pipelines share stands in the first of them alone, as the events of its beginning do.
    """
    died = sa.select(runs).where(
        runs.c.environment == environment,
        runs.c.status == "interrupted",
        runs.c.document.is_(None),
        runs.c.run_id.not_in(sa.select(ended_runs.c.run_id)),
    )
    with reading(engine) as connection:
        rows = connection.execute(died.order_by(runs.c.started_at)).all()
        if not rows:
            return []
        within = sa.select(steps).where(
            steps.c.run_id.in_([row.run_id for row in rows]), steps.c.status == "interrupted"
        )
        cut = connection.execute(within).all()
    return [_result(row, [step for step in cut if step.run_id == row.run_id]) for row in rows]


def mark_told(engine: sa.Engine, run_ids: Sequence[str]) -> None:
    with changing(engine) as connection:
        connection.execute(sa.delete(ended_runs).where(ended_runs.c.run_id.in_(run_ids)))
        connection.execute(ended_runs.insert(), [{"run_id": run_id} for run_id in run_ids])


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
