"""A project that reads one database into a DuckDB warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline_cli.destinations import open_warehouse
from pipeline_cli.destinations.base import quote
from pipeline_cli.destinations.duckdb import DuckDBDestination
from pipeline_cli.load import IngestRequest, IngestResult, ingest_source
from pipeline_cli.manifest.databases import DatabaseResource, SqlDatabaseSource
from pipeline_cli.manifest.models import Environment, Manifest
from pipeline_cli.manifest.sources import Incremental
from pipeline_cli.project import Project


@dataclass
class DatabaseWorld:
    """One source, `shop`, into `bronze_shop`."""

    root: Path
    credentials: str
    destination: Any
    run_count: int = 0

    def project(self, **options: Any) -> Project:
        source = SqlDatabaseSource("sql_database", self.credentials, **options)
        manifest = Manifest(
            version=1,
            name="world",
            default_environment="test",
            environments={"test": Environment("warehouse")},
            destinations={"warehouse": self.destination},
            sources={"shop": source},
            pipelines={},
        )
        return Project(self.root, manifest, "test")

    def ingest(self, schema: str | None = None, **resources: DatabaseResource) -> IngestResult:
        """One run; its account is checked here."""
        self.run_count += 1
        project = self.project(resources=resources, schema=schema)
        warehouse = open_warehouse(project)
        with warehouse.exclusive():
            result = ingest_source(IngestRequest(project, warehouse, "shop", f"run{self.run_count}"))
        for each in result.resources:
            assert each.balances, each
        return result

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        warehouse = open_warehouse(self.project(resources={}))
        with warehouse.exclusive():
            connection = warehouse.connect()
            try:
                return connection.query(sql)
            finally:
                connection.close()

    def rows(self, columns: str, table: str = "items") -> list[tuple[Any, ...]]:
        names = ", ".join(quote(name.strip()) for name in columns.split(","))
        return sorted(self.query(f"SELECT {names} FROM {quote('bronze_shop', table)}"), key=repr)

    def types(self, table: str = "items") -> dict[str, str]:
        found = self.query(
            "SELECT column_name, data_type FROM information_schema.columns"
            f" WHERE table_schema = 'bronze_shop' AND table_name = '{table}'"
        )
        return {name: kind for name, kind in found if not name.startswith("_")}

    def quarantined(self) -> list[tuple[str, str]]:
        """(record, reasons)."""
        return sorted(self.query("SELECT record, reasons FROM bronze_shop._quarantine"))


def make_world(root: Path, credentials: str) -> DatabaseWorld:
    return DatabaseWorld(root, credentials, DuckDBDestination("duckdb"))


def by_cursor(path: str = "seen_at", **options: Any) -> DatabaseResource:
    """Rows of `items`, incremental by a column; append unless said."""
    keys = {key: options.pop(key) for key in ("write_disposition", "primary_key", "query") if key in options}
    return DatabaseResource(incremental=Incremental(path, **options), **keys)


def account(result: IngestResult) -> tuple[int, int, int, int]:
    """(extracted, loaded, quarantined, deduplicated) of the only resource."""
    (found,) = result.resources
    return found.extracted, found.loaded, found.quarantined, found.deduplicated
