"""The ledger's rows of an environment, out of it and into it again: what runs did, not what alerts are due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pipeline_cli.document import format_time
from pipeline_cli.ledger.database import changing, reading
from pipeline_cli.ledger.tables import (
    UtcTime,
    checks,
    loaded_tables,
    loads,
    models,
    runs,
    steps,
    transforms,
    tries,
)

_OF_RUNS = (runs, steps, tries, loads, models, checks)
_OF_ENVIRONMENT = (loaded_tables, transforms)

Dump = dict[str, list[dict[str, Any]]]


def dump_ledger(engine: sa.Engine, environment: str) -> Dump:
    """Table -> its rows, as JSON has them (times in ISO 8601); of runs that are closed."""
    closed = sa.select(runs.c.run_id).where(runs.c.environment == environment, runs.c.status != "running")
    found: Dump = {}
    with reading(engine) as connection:
        for table in _OF_RUNS:
            found[table.name] = _rows(connection, sa.select(table).where(table.c.run_id.in_(closed)))
        for table in _OF_ENVIRONMENT:
            found[table.name] = _rows(connection, sa.select(table).where(table.c.environment == environment))
    return found


def restore_ledger(engine: sa.Engine, dump: Mapping[str, Sequence[Mapping[str, Any]]]) -> int:
    """Add the runs that the ledger does not have, with all that belongs to them. Returns how many runs."""
    with changing(engine) as connection:
        there: set[str] = set(connection.scalars(sa.select(runs.c.run_id)))
        missing = {str(row["run_id"]) for row in dump.get("runs", ())} - there
        for table in _OF_RUNS:
            rows = [row for row in dump.get(table.name, ()) if row["run_id"] in missing]
            _insert(connection, table, rows)
        for table in _OF_ENVIRONMENT:
            keys = [column.name for column in table.primary_key]
            known = {tuple(row) for row in connection.execute(sa.select(*table.primary_key))}
            rows = [row for row in dump.get(table.name, ()) if tuple(row[key] for key in keys) not in known]
            _insert(connection, table, rows)
    return len(missing)


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> list[dict[str, Any]]:
    return [
        {
            name: format_time(value) if isinstance(value, datetime) else value
            for name, value in row._mapping.items()
        }
        for row in connection.execute(query)
    ]


def _insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(table.insert(), [_typed(table, row) for row in rows])


def _typed(table: sa.Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers that the database gives are given anew; columns that this version does not know are left out."""
    found: dict[str, Any] = {}
    for column in table.columns:
        if column.name == "id" or column.name not in row:
            continue
        value = row[column.name]
        is_time = isinstance(column.type, UtcTime) and isinstance(value, str)
        found[column.name] = datetime.fromisoformat(value) if is_time else value
    return found
