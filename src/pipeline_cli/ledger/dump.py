"""The ledger's rows of an environment, out of it and into it again: what runs did, not what alerts are due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pipeline_cli.document import format_time
from pipeline_cli.ledger.connection import Connection, Database, Row
from pipeline_cli.ledger.database import changing, reading
from pipeline_cli.ledger.schema import Table
from pipeline_cli.ledger.tables import (
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


def dump_ledger(database: Database, environment: str) -> Dump:
    """Table -> its rows, as JSON has them (times in ISO 8601); of runs that are closed."""
    closed = "SELECT run_id FROM runs WHERE environment = :environment AND status <> 'running'"
    conditions = {table.name: f"run_id IN ({closed})" for table in _OF_RUNS}
    conditions |= {table.name: "environment = :environment" for table in _OF_ENVIRONMENT}
    with reading(database) as connection:
        return {
            name: [
                _plain(row)
                for row in connection.rows(f"SELECT * FROM {name} WHERE {condition}", environment=environment)
            ]
            for name, condition in conditions.items()
        }


def restore_ledger(database: Database, dump: Mapping[str, Sequence[Mapping[str, Any]]]) -> int:
    """Add the runs that the ledger does not have, with all that belongs to them. Returns how many runs."""
    with changing(database) as connection:
        there: set[str] = set(connection.values("SELECT run_id FROM runs"))
        missing = {str(row["run_id"]) for row in dump.get("runs", ())} - there
        for table in _OF_RUNS:
            rows = [row for row in dump.get(table.name, ()) if row["run_id"] in missing]
            _insert(connection, table, rows)
        for table in _OF_ENVIRONMENT:
            found = connection.rows(f"SELECT {', '.join(table.key)} FROM {table.name}")
            known = {tuple(row.values()) for row in found}
            rows = [
                row for row in dump.get(table.name, ()) if tuple(row[name] for name in table.key) not in known
            ]
            _insert(connection, table, rows)
    return len(missing)


def _plain(row: Row) -> dict[str, Any]:
    return {name: format_time(value) if isinstance(value, datetime) else value for name, value in row.items()}


def _insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    connection.insert(table, *(_typed(table, row) for row in rows))


def _typed(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers that the database gives are given anew; columns that this version does not know are left out."""
    found: dict[str, Any] = {}
    for column in table.columns:
        if column.name == "id" or column.name not in row:
            continue
        value = row[column.name]
        is_time = column.kind == "time" and isinstance(value, str)
        found[column.name] = datetime.fromisoformat(value) if is_time else value
    return found
