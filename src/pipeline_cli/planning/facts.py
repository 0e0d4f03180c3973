"""What a plan asks the warehouse: tables, rows, dlt's schemas, cursors. All of it is read, nothing written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline_cli.deployed.store import Deployed, read_deployed
from pipeline_cli.destinations.base import Connection, Warehouse, literal, quote
from pipeline_cli.lineage.catalog import Catalog, CatalogTable, read_catalog
from pipeline_cli.lineage.tracing import TableName
from pipeline_cli.project import Project

VERSIONS = "_dlt_version"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is in the warehouse. schemas: dlt's stored schema of each source."""

    catalog: Catalog
    deployed: Deployed
    schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def table(self, schema: str, name: str) -> CatalogTable | None:
        return self.catalog.tables.get((schema, name))

    def describe(self) -> str:
        """What is known of the environment, for people."""
        if self.deployed.parts:
            newest = max(self.deployed.parts.values(), key=lambda part: part.changed_at)
            return f"what run {newest.by} and those before it left"
        return "its warehouse" if self.schemas else "nothing: it was never run"

    def rows(self, schema: str, name: str) -> int | None:
        table = self.table(schema, name)
        return table.rows if table else None


def read_facts(project: Project, warehouse: Warehouse, schemas: Sequence[str]) -> Facts:
    """Ask the warehouse. schemas: those of models; bronze's are known. Raises LoadError, Busy."""
    sources = list(project.manifest.sources)
    deployed = read_deployed(warehouse, project.environment_name)
    if not deployed.is_known:  # a copy that was not built yet is as its original
        deployed = read_deployed(warehouse, project.loads_environment)
    sources += [key.name for key in deployed.parts if key.kind == "source" and key.name not in sources]
    schemas = [*schemas, *(f"bronze_{name}" for name in sources)]
    catalog = read_catalog(warehouse, schemas, place=project.model_schema)
    found: dict[str, Mapping[str, Any]] = {}
    if catalog.tables:
        with closing(warehouse.connect()) as connection:
            for name in sources:
                tables = {table for schema, table in catalog.tables if schema == f"bronze_{name}"}
                stored = _stored_schema(connection, name) if VERSIONS in tables else None
                if stored is not None:
                    found[name] = stored
    return Facts(catalog, deployed, found)


def _stored_schema(connection: Connection, source: str) -> Mapping[str, Any] | None:
    rows = connection.query(
        f"SELECT {quote('schema')} FROM {quote(f'bronze_{source}', VERSIONS)}"
        f" WHERE schema_name = {literal(source)} ORDER BY inserted_at DESC LIMIT 1"
    )
    return dict(json.loads(rows[0][0])) if rows else None


class Asking:
    """Single questions to the warehouse while a plan is made; each opens a connection of its own."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def count_rows(self, tables: Sequence[TableName]) -> dict[TableName, int]:
        """Rows of tables and views that are there."""
        if not tables or not self._is_there:
            return {}
        there = set(self._warehouse.relations(sorted({schema for schema, _ in tables})))
        listed = [table for table in tables if table in there]
        if not listed:
            return {}
        counts = " UNION ALL ".join(
            f"SELECT {number}, count(*) FROM {quote(*table)}" for number, table in enumerate(listed)
        )
        return {listed[number]: int(rows) for number, rows in self._query(counts)}

    def count_shared_keys(self, table: TableName, columns: Sequence[str]) -> int:
        """Rows whose values of these columns another row has, too, or that have no value in one of them."""
        names = ", ".join(map(quote, columns))
        empty = " OR ".join(f"{quote(name)} IS NULL" for name in columns)
        shared = (
            f"SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM {quote(*table)} WHERE NOT ({empty})"
            f" GROUP BY {names} HAVING count(*) > 1) AS shared"
        )
        [(among,)] = self._query(shared)
        [(without,)] = self._query(f"SELECT count(*) FROM {quote(*table)} WHERE {empty}")
        return int(among) + int(without)

    def filled_shares(self, table: TableName, columns: Sequence[str]) -> dict[str, float]:
        """Of each column, the share of rows that have a value; nothing for an empty table."""
        counts = ", ".join(f"count({quote(name)})" for name in columns)
        [(rows, *filled)] = self._query(f"SELECT count(*), {counts} FROM {quote(*table)}")
        return {name: count / rows for name, count in zip(columns, filled, strict=True)} if rows else {}

    def some_values(self, table: TableName, column: str, limit: int = 10_000) -> set[str]:
        """Different values of a column, as texts that can be compared."""
        rows = self._query(f"SELECT DISTINCT {quote(column)} FROM {quote(*table)} LIMIT {limit}")
        return {show_value(value) for (value,) in rows if value is not None}

    def cursor(self, source: str, resource: str) -> str | None:
        """Where the resource's cursor stands; None where it has none yet. Imports dlt."""
        from pipeline_cli.maintenance.cursors import read_source

        tables = {name for _, name in self._warehouse.relations([f"bronze_{source}"])}
        with closing(self._warehouse.connect()) as connection:
            cursors = read_source(connection, tables, source).cursors
        return next((str(each.value) for each in cursors if each.resource == resource), None)

    @property
    def _is_there(self) -> bool:
        return self._warehouse.type != "duckdb" or Path(self._warehouse.location).exists()

    def _query(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(self._warehouse.connect()) as connection:
            return connection.query(sql)


def show_value(value: Any) -> str:
    """A value so that 695, 695.0 and Decimal("695.00") are the same."""
    if isinstance(value, bool):
        return str(value).lower()
    try:
        return f"{float(value):.12g}"
    except (TypeError, ValueError):
        return value.isoformat() if hasattr(value, "isoformat") else str(value)
