"""What is in the warehouse: tables, columns and numbers of rows, kept for when a run holds its file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline_cli.destinations.base import Connection, Warehouse, literal, quote
from pipeline_cli.document import format_time, utc_now
from pipeline_cli.errors import LoadError
from pipeline_cli.lineage.tracing import TableName

FORMAT = 1
# Postgres counts by reading; above this its own estimate has to do.
MOST_COUNTED = 1_000_000

_COLUMNS = {
    "duckdb": (
        "SELECT c.table_schema, c.table_name, c.column_name, c.data_type, t.table_type"
        " FROM information_schema.columns AS c JOIN information_schema.tables AS t"
        " USING (table_catalog, table_schema, table_name)"
        " WHERE c.table_catalog = current_database() AND c.table_schema IN ({schemas})"
        " ORDER BY c.table_schema, c.table_name, c.ordinal_position"
    ),
    "postgres": (
        "SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod),"
        " CASE WHEN c.relkind IN ('r', 'p') THEN 'BASE TABLE' ELSE 'VIEW' END"
        " FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid"
        " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped"
        " AND n.nspname IN ({schemas}) ORDER BY n.nspname, c.relname, a.attnum"
    ),
}


@dataclass(frozen=True, slots=True)
class CatalogTable:
    """rows: None where nobody counted (a view); is_estimate: the database's own guess."""

    columns: Mapping[str, str]
    is_view: bool = False
    rows: int | None = None
    is_estimate: bool = False


@dataclass(frozen=True, slots=True)
class Catalog:
    """read_at: when it was read (UTC)."""

    read_at: datetime
    tables: Mapping[TableName, CatalogTable] = field(default_factory=dict)

    def columns(self) -> dict[TableName, Mapping[str, str]]:
        return {name: table.columns for name, table in self.tables.items()}


def read_catalog(
    warehouse: Warehouse, schemas: Sequence[str], *, counted: bool = True, place: Callable[[str], str] = str
) -> Catalog:
    """Every table of these schemas. Raises LoadError, or Busy where another process holds the file.

    A DuckDB file that is not there is not made. place: where a schema stands (Project.model_schema).
    counted: with numbers of rows, which Postgres reads for.
    """
    moment = utc_now()
    if warehouse.type not in _COLUMNS:
        raise LoadError(f"tables and rows of a {warehouse.type} destination are not read yet", code="E327")
    if warehouse.type == "duckdb" and not Path(warehouse.location).exists():
        return Catalog(moment)
    with closing(warehouse.connect()) as connection:
        named = {place(schema): schema for schema in schemas}
        wanted = ", ".join(map(literal, named)) or "NULL"
        found: dict[TableName, dict[str, str]] = {}
        views: set[TableName] = set()
        for schema, table, column, kind, what in connection.query(
            _COLUMNS[warehouse.type].format(schemas=wanted)
        ):
            found.setdefault((schema, table), {})[column] = str(kind)
            if what != "BASE TABLE":
                views.add((schema, table))
        tables = [table for table in found if table not in views] if counted else []
        rows = _count(connection, warehouse.type, tables)
    return Catalog(
        moment,
        {
            (named[table[0]], table[1]): CatalogTable(
                columns, table in views, *rows.get(table, (None, False))
            )
            for table, columns in found.items()
        },
    )


def _count(
    connection: Connection, warehouse_type: str, tables: Sequence[TableName]
) -> dict[TableName, tuple[int, bool]]:
    """(rows, whether they are estimated) of each table."""
    found: dict[TableName, tuple[int, bool]] = {}
    if warehouse_type == "postgres" and tables:
        schemas = ", ".join(literal(schema) for schema in sorted({schema for schema, _ in tables}))
        for schema, table, about in connection.query(
            "SELECT n.nspname, c.relname, c.reltuples FROM pg_class AS c"
            f" JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname IN ({schemas})"
        ):
            if about > MOST_COUNTED:
                found[(schema, table)] = int(about), True
    left = [table for table in tables if table not in found]
    if left:
        statement = " UNION ALL ".join(
            f"SELECT {number}, count(*) FROM {quote(*table)}" for number, table in enumerate(left)
        )
        for number, rows in connection.query(statement):
            found[left[number]] = int(rows), False
    return found


def keep_catalog(path: Path, catalog: Catalog) -> None:
    """Write it down for when the warehouse is out of reach. What cannot be written is not missed."""
    tables = [
        [*name, dict(table.columns), table.is_view, table.rows, table.is_estimate]
        for name, table in catalog.tables.items()
    ]
    document = {"format": FORMAT, "read_at": format_time(catalog.read_at), "tables": tables}
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.new")
        aside.write_text(json.dumps(document), encoding="utf-8")
        aside.replace(path)


def kept_catalog(path: Path) -> Catalog | None:
    """The catalog as it was last written down; None where there is none that can be read."""
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            return None
        tables = {
            (schema, name): CatalogTable(columns, *facts)
            for schema, name, columns, *facts in document["tables"]
        }
        return Catalog(datetime.fromisoformat(document["read_at"]), tables)
    except (OSError, ValueError, KeyError, TypeError):
        return None
