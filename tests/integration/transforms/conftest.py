"""A small shop: two bronze tables, in DuckDB or Postgres, and the requests that build on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from dbt_common.tests import enable_test_caching

from pipeline_cli.destinations import open_warehouse
from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.manifest.reader import read_manifest
from pipeline_cli.project import Project
from pipeline_cli.testing import make_project
from pipeline_cli.transforms import get_engine
from pipeline_cli.transforms.base import BronzeTable, TransformRequest, TransformResult

# dbt keeps what it has read of its own 500 macros: a second of every test.
enable_test_caching()

MANIFEST = """\
version: 1
name: shop
default_environment: dev
environments:
  dev: {{destination: warehouse}}
destinations:
  warehouse: {destination}
transforms:
  shop: {{engine: {engine}, path: transforms/shop, variables: {{smallest: 0}}}}
  other: {{engine: {engine}, path: transforms/other}}
pipelines:
  shop: {{transforms: [shop, other]}}
"""

BRONZE = [
    BronzeTable(
        "bronze_shop", "orders", {"id": "bigint", "user_id": "bigint", "amount": "decimal", "_raw": "json"}
    ),
    BronzeTable("bronze_shop", "users", {"id": "bigint", "name": "text", "seen_at": "timestamp"}),
]
CREATE = """
CREATE SCHEMA bronze_shop;
CREATE TABLE bronze_shop.orders (id BIGINT, user_id BIGINT, amount DECIMAL(38, 9), _raw JSON);
CREATE TABLE bronze_shop.users (id BIGINT, name TEXT, seen_at TIMESTAMP WITH TIME ZONE);
INSERT INTO bronze_shop.orders VALUES (1, 1, 10, '{}'), (2, 1, 20, '{}'), (3, 2, 5, '{}');
INSERT INTO bronze_shop.users VALUES (1, 'Ann', now()), (2, 'Bob', now());
"""
ORDERS, USERS = ("bronze_shop", "orders"), ("bronze_shop", "users")


@dataclass
class Shop:
    """A project with loaded bronze tables."""

    root: Path
    engine: str
    warehouse: Warehouse
    project: Project

    def write(self, files: dict[str, str], transform: str = "shop") -> None:
        make_project(self.root / "transforms" / transform, (self.root / "pipelines.yaml").read_text(), files)
        (self.root / "transforms" / transform / "pipelines.yaml").unlink()

    def request(self, *fresh: tuple[str, str], name: str = "shop", **changes: Any) -> TransformRequest:
        """A request; no `fresh` means that no table is. Say fresh=None for "not known"."""
        transform = self.project.manifest.transforms[name]
        made = TransformRequest(
            name, "shop", transform, self.project, self.warehouse, BRONZE, frozenset(fresh)
        )
        return replace(made, **changes)

    def build(self, *fresh: tuple[str, str], **changes: Any) -> TransformResult:
        return get_engine(self.engine).build(self.request(*fresh, **changes))

    def test(self, *fresh: tuple[str, str], **changes: Any) -> TransformResult:
        return get_engine(self.engine).test(self.request(*fresh, **changes))

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(self.warehouse.connect()) as connection:
            return connection.query(sql)

    def execute(self, sql: str) -> None:
        with closing(self.warehouse.connect()) as connection:
            connection.execute(sql)


@pytest.fixture(params=["duckdb", "postgres"])
def make_shop(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Shop]]:
    """A factory of the shop for one engine. lock_timeout: of a Postgres."""
    opened: list[Warehouse] = []

    def make(engine: str, lock_timeout: str = "5m") -> Shop:
        destination = "{type: duckdb}"
        if request.param == "postgres":
            url = request.getfixturevalue("postgres_database")(over_socket=True)
            monkeypatch.setenv("SHOP_URL", url)
            destination = (
                f'{{type: postgres, credentials: "${{env:SHOP_URL}}", lock_timeout: {lock_timeout}}}'
            )
        manifest = MANIFEST.format(engine=engine, destination=destination)
        root = make_project(
            tmp_path / "shop", manifest, {f"transforms/{name}/.keep": "" for name in ("shop", "other")}
        )
        reading = read_manifest(root, __import__("os").environ)
        project = Project(root, reading.manifest, reading.environment, reading.secrets)
        opened.append(open_warehouse(project))
        shop = Shop(root, engine, opened[-1], project)
        for statement in filter(str.strip, CREATE.split(";")):
            shop.execute(statement)
        return shop

    yield make
    for warehouse in opened:
        warehouse.release()


def by_name(result: TransformResult) -> dict[str, str]:
    """The models of a result: name to status."""
    return {model.name: model.status for model in result.models}
