"""Copies of what a plan may lose, made in the warehouse before it is applied: whole bronze datasets, and models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from pipeline_cli.destinations.base import Connection, Warehouse, literal, quote
from pipeline_cli.document import format_time, utc_now
from pipeline_cli.lineage.tracing import TableName
from pipeline_cli.project import Project

SCHEMA, TABLE = "pipeline_runs", "restore_points"
_COLUMNS = {
    "environment": "text",
    "point": "text",
    "made_at": "text",
    "source": "text",
    "original_schema": "text",
    "original_table": "text",
    "copy_schema": "text",
    "copy_table": "text",
    "rows": "bigint",
}
_LONGEST = 63


@dataclass(frozen=True, slots=True)
class Copy:
    """A table's copy. source: whose dataset it is of; "" for a model's, which is kept to be read."""

    original: TableName
    copy: TableName
    rows: int
    source: str = ""


@dataclass(frozen=True, slots=True)
class RestorePoint:
    """id: of the plan that it was made for. made_at: ISO 8601, UTC."""

    id: str
    made_at: str
    copies: Sequence[Copy]

    @property
    def sources(self) -> list[str]:
        return list(dict.fromkeys(copy.source for copy in self.copies if copy.source))

    @property
    def rows(self) -> int:
        """Of all tables that are not dlt's own."""
        return sum(copy.rows for copy in self.copies if not copy.original[1].startswith("_dlt_"))


def make_restore_point(
    project: Project, warehouse: Warehouse, point: str, changes: Sequence[Mapping[str, Any]]
) -> RestorePoint | None:
    """Copy what the destructive changes are about, in one transaction; None where none of it is there.

    changes: of a plan's document. A source is copied whole, with its cursors and files that are done.
    """
    sources = {each["owner"] for each in changes if each["section"] == "sources"}
    models = {
        tuple(each["item"].split(".", 1)) for each in changes if each["section"] == "models" and each["item"]
    }
    schemas = {f"bronze_{source}": source for source in sources}
    there = list(warehouse.relations(sorted({*schemas, *(schema for schema, _ in models)})))
    wanted = [table for table in there if table[0] in schemas or table in models]
    if not wanted:
        return None
    made_at = str(format_time(utc_now()))
    with closing(warehouse.connect()) as connection, warehouse.writing(), connection.transaction():
        copies = [
            _copy(
                connection,
                table,
                _place(point, table, schemas.get(table[0], ""), number),
                schemas.get(table[0], ""),
            )
            for number, table in enumerate(wanted)
        ]
        _note(connection, project.environment_name, RestorePoint(point, made_at, copies))
    return RestorePoint(point, made_at, copies)


def list_restore_points(warehouse: Warehouse, environment: str) -> list[RestorePoint]:
    """The environment's, the newest first. Raises LoadError, Busy."""
    if (SCHEMA, TABLE) not in set(warehouse.relations([SCHEMA])):
        return []
    with closing(warehouse.connect()) as connection:
        rows = connection.query(
            f"SELECT point, made_at, source, original_schema, original_table, copy_schema, copy_table, {quote('rows')}"
            f" FROM {quote(SCHEMA, TABLE)} WHERE environment = {literal(environment)}"
            " ORDER BY made_at DESC, point, original_schema, original_table"
        )
    found: dict[str, RestorePoint] = {}
    for point, made_at, source, schema, table, copy_schema, copy_table, count in rows:
        kept = found.setdefault(point, RestorePoint(point, made_at, []))
        copy = Copy((schema, table), (copy_schema, copy_table), int(count), source)
        found[point] = RestorePoint(point, made_at, [*kept.copies, copy])
    return list(found.values())


def discard_restore_point(warehouse: Warehouse, environment: str, point: RestorePoint) -> None:
    """Drop the copies, all or none."""
    with closing(warehouse.connect()) as connection, warehouse.writing(), connection.transaction():
        for schema in sorted({copy.copy[0] for copy in point.copies}):
            connection.execute(f"DROP SCHEMA IF EXISTS {quote(schema)} CASCADE")
        connection.execute(
            f"DELETE FROM {quote(SCHEMA, TABLE)} WHERE environment = {literal(environment)}"
            f" AND point = {literal(point.id)}"
        )


def _place(point: str, table: TableName, source: str, number: int) -> TableName:
    """A source's tables keep their names, in a schema of their own; models stand together in one."""
    if source:
        return f"restore_{point}_{source}", table[1]
    return f"restore_{point}", f"{table[0]}__{table[1]}" if len(
        "__".join(table)
    ) <= _LONGEST else f"model_{number}"


def _copy(connection: Connection, table: TableName, place: TableName, source: str) -> Copy:
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(place[0])}")
    connection.execute(f"DROP TABLE IF EXISTS {quote(*place)}")
    connection.execute(f"CREATE TABLE {quote(*place)} AS SELECT * FROM {quote(*table)}")
    [(rows,)] = connection.query(f"SELECT count(*) FROM {quote(*place)}")
    return Copy(table, place, int(rows), source)


def _note(connection: Connection, environment: str, point: RestorePoint) -> None:
    columns = ", ".join(f"{quote(name)} {kind}" for name, kind in _COLUMNS.items())
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(SCHEMA)}")
    connection.execute(f"CREATE TABLE IF NOT EXISTS {quote(SCHEMA, TABLE)} ({columns})")
    connection.execute(
        f"DELETE FROM {quote(SCHEMA, TABLE)} WHERE environment = {literal(environment)} AND point = {literal(point.id)}"
    )
    names = ", ".join(map(quote, _COLUMNS))
    for copy in point.copies:
        texts = (environment, point.id, point.made_at, copy.source, *copy.original, *copy.copy)
        values = ", ".join(map(literal, texts))
        connection.execute(f"INSERT INTO {quote(SCHEMA, TABLE)} ({names}) VALUES ({values}, {copy.rows})")
