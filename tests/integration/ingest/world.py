"""A real small world for ingest: a project folder, an API on this machine, and a warehouse."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline_cli.destinations import open_warehouse
from pipeline_cli.destinations.base import Warehouse, quote
from pipeline_cli.destinations.duckdb import DuckDBDestination
from pipeline_cli.destinations.postgres import PostgresDestination
from pipeline_cli.load import IngestRequest, IngestResult, ingest_source
from pipeline_cli.manifest.models import Environment, Manifest
from pipeline_cli.manifest.sources import Client, PythonSource, RestApiSource, RestResource
from pipeline_cli.project import Project
from tests.servers.json_api import Answer, JsonApi, Request

Row = dict[str, Any]


@dataclass
class World:
    """One source, `shop`, into `bronze_shop`; its entry may change between two runs."""

    root: Path
    api: JsonApi
    destination: DuckDBDestination | PostgresDestination
    source: RestApiSource | PythonSource | None = None
    replay: bool = False
    secrets: frozenset[str] = frozenset()
    run_count: int = 0
    results: list[IngestResult] = field(default_factory=list)

    def rest(self, **resources: RestResource) -> RestApiSource:
        """The source, read over HTTP with quick retries; also the source of the next runs."""
        self.source = RestApiSource("rest_api", Client(self.api.url, max_retries=0), resources)
        return self.source

    def python(self, code: str, **options: Any) -> PythonSource:
        """The source, from `sources/shop_source.py` with this code; also the source of the next runs."""
        path = self.root / "sources" / "shop_source.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(code, encoding="utf-8")
        self.source = PythonSource("python", "sources/shop_source.py", **options)
        return self.source

    def contract(self, name: str, schema: Mapping[str, Any]) -> str:
        path = self.root / "sources" / f"{name}.schema.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(schema), encoding="utf-8")
        return f"sources/{path.name}"

    @property
    def project(self) -> Project:
        manifest = Manifest(
            version=1,
            name="world",
            default_environment="test",
            environments={
                "test": Environment("warehouse", replay=self.replay),
                "live": Environment("warehouse"),
            },
            destinations={"warehouse": self.destination},
            sources={"shop": self.source},
            pipelines={},
        )
        return Project(self.root, manifest, "test", self.secrets)

    @property
    def warehouse(self) -> Warehouse:
        return open_warehouse(self.project)

    def ingest(self, **options: Any) -> IngestResult:
        """One run; its account is checked here, whatever the test is about."""
        self.run_count += 1
        project, warehouse = self.project, self.warehouse
        with warehouse.exclusive():
            request = IngestRequest(project, warehouse, "shop", f"run{self.run_count}", **options)
            result = ingest_source(request)
        for resource in result.resources:
            assert resource.balances, resource
        self.results.append(result)
        return result

    def account(self, result: IngestResult, resource: str = "items") -> tuple[int, int, int, int]:
        """(extracted, loaded, quarantined, deduplicated)."""
        found = next(each for each in result.resources if each.name == resource)
        return found.extracted, found.loaded, found.quarantined, found.deduplicated

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        warehouse = self.warehouse
        with warehouse.exclusive():
            connection = warehouse.connect()
            try:
                return connection.query(sql, list(parameters))
            finally:
                connection.close()

    def execute(self, sql: str) -> None:
        warehouse = self.warehouse
        with warehouse.exclusive():
            connection = warehouse.connect()
            connection.execute(sql)
            connection.close()

    def rows(self, columns: str, table: str = "items", where: str = "") -> list[tuple[Any, ...]]:
        """Columns ("id, price") of a bronze table, in their order."""
        names = ", ".join(quote(name.strip()) for name in columns.split(","))
        return sorted(self.query(f"SELECT {names} FROM {quote('bronze_shop', table)} {where}"), key=repr)

    def tables(self) -> set[str]:
        warehouse = self.warehouse
        with warehouse.exclusive():
            found = {name for _, name in warehouse.relations(["bronze_shop"])}
        return {name for name in found if not name.startswith("_dlt_")}

    def quarantine(self) -> list[tuple[Row, list[Row]]]:
        """(record, reasons) of each rejected record."""
        found = self.query('SELECT "record", "reasons" FROM "bronze_shop"."_quarantine" ORDER BY "record"')
        return [(json.loads(record), json.loads(reasons)) for record, reasons in found]

    def drop_working_folder(self) -> None:
        shutil.rmtree(self.root / ".pipeline" / "test" / "dlt")

    def change(self, resource: str = "items", **options: Any) -> None:
        """Change a resource's entry for the next runs."""
        assert self.source is not None
        entry = replace(self.source.resources[resource], **options)
        self.source = replace(self.source, resources={**self.source.resources, resource: entry})


def pages_of(pages: list[list[Row]]) -> Callable[[Request], Answer]:
    """Answers `?page=N` with the Nth list, and with none beyond."""

    def answer(request: Request) -> Answer:
        number = int(request.query.get("page", 0))
        return Answer(pages[number] if number < len(pages) else [])

    return answer
