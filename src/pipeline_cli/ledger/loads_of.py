"""Which runs the loads of a source came from, and how many rows each brought to a table: what `rollback` goes by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from pipeline_cli.errors import UsageError
from pipeline_cli.ledger.database import reading
from pipeline_cli.ledger.tables import loaded_tables, loads, runs


@dataclass(frozen=True, slots=True)
class KnownLoad:
    """run_started_at: of its run; loaded: rows by table, as the run counted them."""

    load_id: str
    run_started_at: datetime
    loaded: dict[str, int]


@dataclass(frozen=True, slots=True)
class RunMoment:
    """When a run began and ended. Raises nothing: see `find_run`."""

    run_id: str
    environment: str
    started_at: datetime
    ended_at: datetime


def find_run(engine: sa.Engine, run_id: str) -> RunMoment:
    """The run with this id. Raises UsageError where it is not there, or has not ended."""
    with reading(engine) as connection:
        row = connection.execute(sa.select(runs).where(runs.c.run_id == run_id)).one_or_none()
    if row is None:
        raise UsageError(f"there is no run {run_id!r}", hint="See: pipeline-cli runs")
    if row.ended_at is None:
        raise UsageError(f"run {run_id} has not ended", hint="See: pipeline-cli runs")
    return RunMoment(row.run_id, row.environment, row.started_at, row.ended_at)


def known_loads(engine: sa.Engine, environment: str, source: str) -> dict[str, KnownLoad]:
    """The loads of a source that the ledger knows, by their ids."""
    query = (
        sa.select(loads.c.load_id, loads.c.table_name, loads.c.loaded, runs.c.started_at)
        .join(runs, runs.c.run_id == loads.c.run_id)
        .where(runs.c.environment == environment, loads.c.source == source, loads.c.load_id.is_not(None))
    )
    found: dict[str, KnownLoad] = {}
    with reading(engine) as connection:
        for row in connection.execute(query):
            known = found.setdefault(row.load_id, KnownLoad(row.load_id, row.started_at, {}))
            if row.table_name:
                known.loaded[row.table_name] = known.loaded.get(row.table_name, 0) + row.loaded
    return found


def touched_by(engine: sa.Engine, environment: str, load_ids: list[str]) -> set[tuple[str, str]]:
    """The (dataset, table) that these loads put rows into, or took some from."""
    query = sa.select(loaded_tables.c.dataset, loaded_tables.c.table_name).where(
        loaded_tables.c.environment == environment, loaded_tables.c.load_id.in_(load_ids)
    )
    with reading(engine) as connection:
        return {(row.dataset, row.table_name) for row in connection.execute(query) if row.table_name}
