"""The ledger's rows of some runs, ready to be copied into any SQL database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pipeline_cli.document import format_time
from pipeline_cli.ledger.database import reading
from pipeline_cli.ledger.tables import UtcTime, checks, loads, models, runs, steps, tries

# What stays at home: how a run's process is found again, and what the other tables say already.
_PRIVATE = frozenset(
    {"id", "published", "host", "pid", "process_start", "claimed_at", "document", "result", "selection"}
)
_SQL_TYPES: Sequence[tuple[type[Any], str]] = (
    (UtcTime, "timestamp with time zone"),
    (sa.Boolean, "boolean"),
    (sa.Integer, "bigint"),
    (sa.Float, "double precision"),
    (sa.Text, "text"),
)


@dataclass(frozen=True, slots=True)
class ExportedTable:
    """A table's name, its columns with their SQL types (DuckDB and Postgres alike), and its rows.

    Times are ISO 8601 texts in UTC, to be cast.
    """

    name: str
    columns: Mapping[str, str]
    rows: Sequence[Sequence[Any]]


def export_runs(engine: sa.Engine, run_ids: Sequence[str]) -> list[ExportedTable]:
    """runs, steps, tries, loads, checks and models of these runs; each has a `run_id`."""
    with reading(engine) as connection:
        return [_export(connection, table, run_ids) for table in (runs, steps, tries, loads, checks, models)]


def _export(connection: sa.Connection, table: sa.Table, run_ids: Sequence[str]) -> ExportedTable:
    shown = [column for column in table.columns if column.name not in _PRIVATE]
    found = connection.execute(sa.select(*shown).where(table.c.run_id.in_(list(run_ids))))
    return ExportedTable(
        table.name,
        {column.name: _sql_type(column) for column in shown},
        [[_plain(value) for value in row] for row in found],
    )


def _sql_type(column: sa.Column[Any]) -> str:
    return next(name for kind, name in _SQL_TYPES if isinstance(column.type, kind))


def _plain(value: Any) -> Any:
    return format_time(value) if isinstance(value, datetime) else value
