"""What the ledger says of a pipeline, for a look from outside: its runs, steps, loads and models. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline_cli.ledger.connection import Database, Row
from pipeline_cli.ledger.database import reading

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

    def __init__(self, database: Database, environment: str) -> None:
        self._database = database
        self._environment = environment

    def runs(self, pipeline: str, limit: int) -> list[SeenRun]:
        """The pipeline's newest runs, those that have not come to its steps too."""
        query = (
            "SELECT * FROM runs WHERE environment = :environment AND ({}) "
            "ORDER BY started_at DESC, run_id DESC LIMIT :limit"
        )
        with_steps = "run_id IN (SELECT run_id FROM steps WHERE pipeline = :pipeline)"
        here = {"environment": self._environment, "pipeline": pipeline, "limit": limit}
        with reading(self._database) as connection:
            found = {row.run_id: row for row in connection.rows(query.format("1 = 1"), **here)}
            of_steps = query.format(f"{with_steps} OR status = 'running'")
            found |= {row.run_id: row for row in connection.rows(of_steps, **here)}
            of_pipeline = [row for row in found.values() if pipeline in row.selection]
            of_pipeline.sort(key=lambda row: (row.started_at, row.run_id), reverse=True)
            wanted = "SELECT * FROM steps WHERE pipeline = :pipeline AND run_id IN :ids"
            ids = tuple(row.run_id for row in of_pipeline[:limit])
            by_run: dict[str, list[Row]] = {}
            for row in connection.rows(wanted, pipeline=pipeline, ids=ids):
                by_run.setdefault(row.run_id, []).append(row)
        return [_seen_run(row, pipeline, by_run.get(row.run_id, ())) for row in of_pipeline[:limit]]

    def loads(self, sources: Sequence[str], limit: int) -> dict[tuple[str, str], list[SeenLoad]]:
        """(source, resource) -> its newest loads that came to a good end, also those with nothing new."""
        numbered = (
            "SELECT loads.run_id, source, resource, loads.ended_at, extracted, loaded, quarantined, full_refresh, "
            "row_number() OVER (PARTITION BY source, resource ORDER BY loads.ended_at DESC, loads.id DESC) AS number "
            "FROM loads JOIN runs ON runs.run_id = loads.run_id "
            "WHERE environment = :environment AND source IN :sources "
            "AND resource IS NOT NULL AND loads.status IN :done"
        )
        found: dict[tuple[str, str], list[SeenLoad]] = {}
        for row in self._newest(numbered, limit, sources=tuple(sources), done=DONE):
            load = SeenLoad(**{name: value for name, value in row.items() if name != "number"})
            found.setdefault((load.source, load.resource), []).append(load)
        return found

    def last_new_rows(self, sources: Sequence[str]) -> dict[str, datetime]:
        """Source -> when it last brought a row that was new or had changed."""
        query = (
            'SELECT loads.source, max(loads.ended_at) AS "at [datetime]" '
            "FROM loads JOIN runs ON runs.run_id = loads.run_id "
            "WHERE runs.environment = :environment AND loads.source IN :sources "
            "AND loads.status IN :done AND loads.loaded > 0 GROUP BY loads.source"
        )
        values = {"environment": self._environment, "sources": tuple(sources), "done": DONE}
        with reading(self._database) as connection:
            return {row.source: row.at for row in connection.rows(query, **values)}

    def builds(self, pipeline: str, limit: int) -> dict[str, list[SeenBuild]]:
        """Model -> its newest builds whose rows were counted."""
        numbered = (
            "SELECT models.run_id, models.name, runs.started_at, models.row_count, "
            "row_number() OVER (PARTITION BY models.name ORDER BY models.id DESC) AS number "
            "FROM models JOIN runs ON runs.run_id = models.run_id "
            "WHERE runs.environment = :environment AND models.pipeline = :pipeline "
            "AND models.status = 'succeeded' AND models.row_count IS NOT NULL"
        )
        found: dict[str, list[SeenBuild]] = {}
        for row in self._newest(numbered, limit, pipeline=pipeline):
            build = SeenBuild(row.run_id, row.name, row.started_at, row.row_count)
            found.setdefault(build.name, []).append(build)
        return found

    def _newest(self, numbered: str, limit: int, **values: Any) -> list[Row]:
        query = f"SELECT * FROM ({numbered}) AS numbered WHERE number <= :limit ORDER BY number"
        with reading(self._database) as connection:
            return connection.rows(query, environment=self._environment, limit=limit, **values)


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
