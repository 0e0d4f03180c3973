"""The ledger's rows of some runs, ready to be copied into any SQL database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline_cli.document import format_time
from pipeline_cli.ledger.connection import Connection, Database
from pipeline_cli.ledger.database import reading
from pipeline_cli.ledger.schema import Kind, Table
from pipeline_cli.ledger.tables import checks, loads, models, runs, steps, tries

# What stays at home: how a run's process is found again, and what the other tables say already.
_PRIVATE = frozenset(
    {"id", "published", "host", "pid", "process_start", "claimed_at", "document", "result", "selection"}
)
_SQL_TYPES: Mapping[Kind, str] = {
    "time": "timestamp with time zone",
    "boolean": "boolean",
    "integer": "bigint",
    "bigint": "bigint",
    "float": "double precision",
    "text": "text",
}


@dataclass(frozen=True, slots=True)
class ExportedTable:
    """A table's name, its columns with their SQL types (DuckDB and Postgres alike), and its rows.

    Times are ISO 8601 texts in UTC, to be cast.
    """

    name: str
    columns: Mapping[str, str]
    rows: Sequence[Sequence[Any]]


def export_runs(database: Database, run_ids: Sequence[str]) -> list[ExportedTable]:
    """runs, steps, tries, loads, checks and models of these runs; each has a `run_id`."""
    with reading(database) as connection:
        return [_export(connection, table, run_ids) for table in (runs, steps, tries, loads, checks, models)]


def _export(connection: Connection, table: Table, run_ids: Sequence[str]) -> ExportedTable:
    shown = {column.name: _SQL_TYPES[column.kind] for column in table.columns if column.name not in _PRIVATE}
    query = f"SELECT {', '.join(shown)} FROM {table.name} WHERE run_id IN :run_ids"
    found = connection.rows(query, run_ids=tuple(run_ids))
    return ExportedTable(table.name, shown, [[_plain(value) for value in row.values()] for row in found])


def _plain(value: Any) -> Any:
    return format_time(value) if isinstance(value, datetime) else value
