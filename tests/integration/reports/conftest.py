"""A project with reports and a real warehouse of either kind, whose tables a test fills itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.destinations.base import quote
from pipeline_cli.manifest.reader import read_manifest
from pipeline_cli.project import Project
from pipeline_cli.reports.editions import Edition
from pipeline_cli.reports.writing import Print, ReportRequest, write_report
from pipeline_cli.testing import make_project

MANIFEST = """
version: 1
name: shop
default_environment: dev
environments: {dev: {destination: warehouse}}
destinations: {warehouse: %s}
pipelines: {}
"""
DUCKDB = "{type: duckdb}"
POSTGRES = '{type: postgres, credentials: "${env:POSTGRES_URL}"}'
MADE_AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
_TYPES: Sequence[tuple[type, str]] = (
    (bool, "boolean"),
    (int, "bigint"),
    (float, "double precision"),
    (Decimal, "decimal(18, 2)"),
    (datetime, "timestamp with time zone"),
    (date, "date"),
    (str, "text"),
)


@dataclass
class Shelf:
    """Where reports are written. `variables`: the environment's, with the warehouse's address."""

    root: Path
    destination: str
    variables: dict[str, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()

    def add(self, name: str, text: str) -> None:
        make_project(self.root, MANIFEST % self.destination, {f"reports/{name}.yaml": text})

    @property
    def project(self) -> Project:
        reading = read_manifest(self.root, self.variables)
        return Project(self.root, reading.manifest, "dev", frozenset(reading.secrets) | self.secrets)

    def fill(self, schema: str, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Make a table of these rows; a column's type is that of its first value."""
        columns = {name: _sql_type(row[name] for row in rows) for name in rows[0]}
        created = ", ".join(f"{quote(name)} {kind}" for name, kind in columns.items())
        marks = ", ".join("?" for _ in columns)
        warehouse = self._open()
        with closing(warehouse.connect()) as connection, connection.transaction():
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
            connection.execute(f"CREATE TABLE {quote(schema, table)} ({created})")
            for begin in range(0, len(rows), 200):
                part = rows[begin : begin + 200]
                values = ", ".join(f"({marks})" for _ in part)
                flat = [value for row in part for value in row.values()]
                connection.execute(f"INSERT INTO {quote(schema, table)} VALUES {values}", flat)
        warehouse.release()

    def execute(self, sql: str) -> None:
        warehouse = self._open()
        with closing(warehouse.connect()) as connection:
            connection.execute(sql)
        warehouse.release()

    def write(
        self,
        name: str,
        edition_id: str = "20261121T090000-000000",
        *,
        anew: bool = True,
        prints: Sequence[Print] = (),
        **facts: Any,
    ) -> Edition:
        project, warehouse = self.project, self._open()
        facts = {"run_id": "20261121T090000-3f9c2a", "made_at": MADE_AT, "loaded_at": None, **facts}
        try:
            request = ReportRequest(project, warehouse, name, edition_id, **facts)
            return write_report(request, anew=anew, prints=prints)
        finally:
            warehouse.release()

    def read(self, edition: Edition, ending: str = ".html") -> str:
        (name,) = [file for file in edition.files if file.endswith(ending)]
        return (edition.home / edition.id / name).read_text(encoding="utf-8")

    def _open(self) -> Any:
        from pipeline_cli.destinations import open_warehouse

        return open_warehouse(self.project)


def _sql_type(values: Iterable[Any]) -> str:
    first = next((value for value in values if value is not None), "")
    return next(sql for kind, sql in _TYPES if isinstance(first, kind))


@pytest.fixture
def duck(tmp_path: Path) -> Shelf:
    """A shelf on DuckDB, for what does not hang on the warehouse."""
    make_project(tmp_path, MANIFEST % DUCKDB)
    return Shelf(tmp_path, DUCKDB)


@pytest.fixture(params=["duckdb", "postgres"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path, postgres_database: Callable[..., str]) -> Shelf:
    """A shelf on each of the warehouses."""
    if request.param == "duckdb":
        make_project(tmp_path, MANIFEST % DUCKDB)
        return Shelf(tmp_path, DUCKDB)
    url = postgres_database()
    make_project(tmp_path, MANIFEST % POSTGRES)
    return Shelf(tmp_path, POSTGRES, {"POSTGRES_URL": url})
