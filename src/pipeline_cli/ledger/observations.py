"""What the ledger says of a pipeline, for a look from outside: its runs, steps, loads and models. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pipeline_cli.ledger.database import reading
from pipeline_cli.ledger.tables import loads, models, runs, steps

DONE = ("succeeded", "unchanged")


@dataclass(frozen=True, slots=True)
class SeenStep:
    """A step of one run, as it is now."""

    name: str
    status: str
    tries: int
    started_at: datetime | None
    ended_at: datetime | None
    message: str | None


@dataclass(frozen=True, slots=True)
class SeenRun:
    """One pipeline's part of a run. planned: the names of its steps; steps: those that have begun.

    started_at and ended_at are of the pipeline's own steps where it has any, for a run may do several pipelines.
    is_running: whether it has still steps to do.
    """

    run_id: str
    run_status: str
    is_running: bool
    planned: tuple[str, ...]
    steps: tuple[SeenStep, ...]
    started_at: datetime
    ended_at: datetime | None
    error: str | None

    @property
    def is_done(self) -> bool:
        """Whether every planned step succeeded, or had nothing to do."""
        done = {step.name for step in self.steps if step.status in DONE}
        return self.run_status != "interrupted" and done >= set(self.planned)

    @property
    def duration_s(self) -> float:
        return 0.0 if self.ended_at is None else (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class SeenLoad:
    """One load of one resource."""

    run_id: str
    source: str
    resource: str
    ended_at: datetime
    extracted: int
    loaded: int
    quarantined: int
    full_refresh: bool


@dataclass(frozen=True, slots=True)
class SeenBuild:
    """One build of one model, with the rows that it had then."""

    run_id: str
    name: str
    started_at: datetime
    rows: int


class Observations:
    """The ledger of one environment, pipeline by pipeline; everything newest first."""

    def __init__(self, engine: sa.Engine, environment: str) -> None:
        self._engine = engine
        self._environment = environment

    def runs(self, pipeline: str, limit: int) -> list[SeenRun]:
        """The pipeline's newest runs, those that have not come to its steps too."""
        here = sa.select(runs).where(runs.c.environment == self._environment)
        newest = runs.c.started_at.desc(), runs.c.run_id.desc()
        with_steps = runs.c.run_id.in_(sa.select(steps.c.run_id).where(steps.c.pipeline == pipeline))
        with reading(self._engine) as connection:
            found = {row.run_id: row for row in connection.execute(here.order_by(*newest).limit(limit))}
            query = here.where(sa.or_(with_steps, runs.c.status == "running")).order_by(*newest).limit(limit)
            found |= {row.run_id: row for row in connection.execute(query)}
            of_pipeline = [row for row in found.values() if pipeline in row.selection]
            of_pipeline.sort(key=lambda row: (row.started_at, row.run_id), reverse=True)
            ids = [row.run_id for row in of_pipeline[:limit]]
            wanted = sa.select(steps).where(steps.c.pipeline == pipeline, steps.c.run_id.in_(ids))
            by_run: dict[str, list[Any]] = {}
            for row in connection.execute(wanted):
                by_run.setdefault(row.run_id, []).append(row)
        return [_seen_run(row, pipeline, by_run.get(row.run_id, ())) for row in of_pipeline[:limit]]

    def loads(self, sources: Sequence[str], limit: int) -> dict[tuple[str, str], list[SeenLoad]]:
        """(source, resource) -> its newest loads that came to a good end, also those with nothing new."""
        number = sa.func.row_number().over(
            partition_by=(loads.c.source, loads.c.resource),
            order_by=(loads.c.ended_at.desc(), loads.c.id.desc()),
        )
        counts = "extracted", "loaded", "quarantined"
        names = ("run_id", "source", "resource", "ended_at", *counts)
        numbered = (
            sa.select(*(loads.c[name] for name in names), runs.c.full_refresh, number.label("number"))
            .join(runs, runs.c.run_id == loads.c.run_id)
            .where(runs.c.environment == self._environment, loads.c.source.in_(list(sources)))
            .where(loads.c.resource.is_not(None), loads.c.status.in_(DONE))
            .subquery()
        )
        found: dict[tuple[str, str], list[SeenLoad]] = {}
        for row in self._newest(numbered, limit):
            load = SeenLoad(**{name: row[name] for name in (*names, "full_refresh")})
            found.setdefault((load.source, load.resource), []).append(load)
        return found

    def last_new_rows(self, sources: Sequence[str]) -> dict[str, datetime]:
        """Source -> when it last brought a row that was new or had changed."""
        query = (
            sa.select(loads.c.source, sa.func.max(loads.c.ended_at, type_=loads.c.ended_at.type).label("at"))
            .join(runs, runs.c.run_id == loads.c.run_id)
            .where(runs.c.environment == self._environment, loads.c.source.in_(list(sources)))
            .where(loads.c.status.in_(DONE), loads.c.loaded > 0)
            .group_by(loads.c.source)
        )
        with reading(self._engine) as connection:
            return {row.source: row.at for row in connection.execute(query)}

    def builds(self, pipeline: str, limit: int) -> dict[str, list[SeenBuild]]:
        """Model -> its newest builds whose rows were counted."""
        number = sa.func.row_number().over(partition_by=models.c.name, order_by=models.c.id.desc())
        numbered = (
            sa.select(
                models.c.run_id,
                models.c.name,
                runs.c.started_at,
                models.c.row_count.label("rows"),
                number.label("number"),
            )
            .join(runs, runs.c.run_id == models.c.run_id)
            .where(runs.c.environment == self._environment, models.c.pipeline == pipeline)
            .where(models.c.status == "succeeded", models.c.row_count.is_not(None))
            .subquery()
        )
        found: dict[str, list[SeenBuild]] = {}
        for row in self._newest(numbered, limit):
            build = SeenBuild(row["run_id"], row["name"], row["started_at"], row["rows"])
            found.setdefault(build.name, []).append(build)
        return found

    def _newest(self, numbered: sa.Subquery, limit: int) -> list[Mapping[str, Any]]:
        query = sa.select(numbered).where(numbered.c.number <= limit).order_by(numbered.c.number)
        with reading(self._engine) as connection:
            return [dict(row._mapping) for row in connection.execute(query)]


def _seen_run(run: Any, pipeline: str, rows: Sequence[Any]) -> SeenRun:
    seen = tuple(
        SeenStep(row.name, row.status, row.tries, row.started_at, row.ended_at, row.message) for row in rows
    )
    begun = [step.started_at for step in seen if step.started_at is not None]
    ended = [step.ended_at for step in seen if step.ended_at is not None]
    planned = tuple(run.selection[pipeline])
    over = {step.name for step in seen if step.ended_at is not None}
    is_open = run.status == "running" and not over >= set(planned)
    return SeenRun(
        run_id=run.run_id,
        run_status=run.status,
        is_running=is_open,
        planned=planned,
        steps=seen,
        started_at=min(begun, default=run.started_at),
        ended_at=None if is_open else max(ended, default=run.ended_at),
        error=run.error,
    )
