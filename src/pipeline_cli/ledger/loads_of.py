"""Which runs the loads of a source came from, and how many rows each brought to a table: what `rollback` goes by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline_cli.errors import UsageError
from pipeline_cli.ledger.connection import Database
from pipeline_cli.ledger.database import reading


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


def find_run(database: Database, run_id: str) -> RunMoment:
    """The run with this id. Raises UsageError where it is not there, or has not ended."""
    with reading(database) as connection:
        row = connection.row("SELECT * FROM runs WHERE run_id = :run_id", run_id=run_id)
    if row is None:
        raise UsageError(f"there is no run {run_id!r}", hint="See: pipeline-cli runs")
    if row.ended_at is None:
        raise UsageError(f"run {run_id} has not ended", hint="See: pipeline-cli runs")
    return RunMoment(row.run_id, row.environment, row.started_at, row.ended_at)


def known_loads(database: Database, environment: str, source: str) -> dict[str, KnownLoad]:
    """The loads of a source that the ledger knows, by their ids."""
    query = (
        "SELECT loads.load_id, loads.table_name, loads.loaded, runs.started_at "
        "FROM loads JOIN runs ON runs.run_id = loads.run_id "
        "WHERE runs.environment = :environment AND loads.source = :source AND loads.load_id IS NOT NULL"
    )
    found: dict[str, KnownLoad] = {}
    with reading(database) as connection:
        for row in connection.rows(query, environment=environment, source=source):
            known = found.setdefault(row.load_id, KnownLoad(row.load_id, row.started_at, {}))
            if row.table_name:
                known.loaded[row.table_name] = known.loaded.get(row.table_name, 0) + row.loaded
    return found


def touched_by(database: Database, environment: str, load_ids: list[str]) -> set[tuple[str, str]]:
    """The (dataset, table) that these loads put rows into, or took some from."""
    query = (
        "SELECT dataset, table_name FROM loaded_tables "
        "WHERE environment = :environment AND load_id IN :load_ids AND table_name <> ''"
    )
    with reading(database) as connection:
        found = connection.rows(query, environment=environment, load_ids=tuple(load_ids))
    return {(row.dataset, row.table_name) for row in found}
