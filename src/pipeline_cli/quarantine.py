"""The records that were rejected: read from the `_quarantine` table beside each source's bronze tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline_cli.destinations.base import Connection, Warehouse, quote
from pipeline_cli.errors import UsageError
from pipeline_cli.project import Project

_TABLE = "_quarantine"
_COLUMNS = ("id", "_source", "resource", "_run_id", "_extracted_at", "reasons", "record", "record_hash")
_PLACE = ("file", "line", "raw")  # in the quarantine of sources that are read as columns


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record in quarantine. reasons: {path, rule, message} each; record: as received, JSON text.

    file, line, raw: where it stands in a file, counted from 1, and its text there; None for other records.
    """

    id: str
    source: str
    resource: str
    run_id: str
    rejected_at: datetime
    reasons: list[dict[str, Any]]
    record: str
    record_hash: str
    file: str | None = None
    line: int | None = None
    raw: str | None = None


def list_rejected(
    project: Project,
    warehouse: Warehouse,
    *,
    source: str | None = None,
    resource: str | None = None,
    run_id: str | None = None,
    limit: int = 50,
) -> list[Rejected]:
    """The newest rejected records first, of all sources or as narrowed down."""
    conditions = {"resource": resource, "_run_id": run_id}
    given = {column: value for column, value in conditions.items() if value is not None}
    where = " AND ".join(f"{quote(column)} = ?" for column in given)
    rows = _read(project, warehouse, source, where, list(given.values()), limit)
    return sorted(rows, key=lambda each: each.rejected_at, reverse=True)[:limit]


def find_rejected(project: Project, warehouse: Warehouse, rejected_id: str) -> Rejected:
    """The record with this id, or with the only id that begins so. Raises UsageError."""
    begins = rejected_id.replace("\\", "").replace("%", "").replace("_", "")
    found = list(_read(project, warehouse, None, '"id" LIKE ?', [f"{begins}%"], 2)) if begins else []
    exact = [each for each in found if each.id == rejected_id] or found
    if len(exact) == 1:
        return exact[0]
    problem = "No record in quarantine has" if not exact else "More than one record in quarantine has"
    raise UsageError(
        f"{problem} an id that begins with {rejected_id!r}.",
        code="E012",
        hint="See: pipeline-cli quarantine list",
    )


def _read(
    project: Project, warehouse: Warehouse, source: str | None, where: str, values: Sequence[Any], limit: int
) -> Iterator[Rejected]:
    sources = [source] if source else list(project.manifest.sources)
    datasets = [f"bronze_{name}" for name in sources]
    there = [dataset for dataset, table in warehouse.relations(datasets) if table == _TABLE]
    if not there:
        return
    connection = warehouse.connect()
    try:
        for dataset in there:
            place = _place_columns(connection, dataset)
            columns = ", ".join(quote(column) for column in (*_COLUMNS, *place))
            statement = f"SELECT {columns} FROM {quote(dataset, _TABLE)}"
            statement += f" WHERE {where}" if where else ""
            order = ['"_extracted_at" DESC', *(quote(column) for column in place[:2]), '"id"']
            statement += f" ORDER BY {', '.join(order)} LIMIT ?"
            for row in connection.query(statement, [*values, limit]):
                yield _rejected(row)
    finally:
        connection.close()


def _place_columns(connection: Connection, dataset: str) -> tuple[str, ...]:
    found = connection.query(
        "SELECT 1 FROM information_schema.columns"
        " WHERE table_schema = ? AND table_name = ? AND column_name = 'line'",
        [dataset, _TABLE],
    )
    return _PLACE if found else ()


def _rejected(row: tuple[Any, ...]) -> Rejected:
    identity, source, resource, run_id, rejected_at, reasons, record, record_hash, *place = row
    return Rejected(
        identity, source, resource, run_id, rejected_at, json.loads(reasons), record, record_hash, *place
    )
