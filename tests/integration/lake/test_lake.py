"""A source's lake: every load's rows as immutable, dated files, whatever fails in between."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from pipeline_cli.destinations import open_warehouse
from pipeline_cli.destinations.duckdb import DuckDBDestination
from pipeline_cli.destinations.filesystem import FilesystemDestination
from pipeline_cli.destinations.postgres import PostgresDestination
from pipeline_cli.errors import LoadError
from pipeline_cli.load import IngestRequest, IngestResult, ingest_source
from pipeline_cli.manifest.databases import DatabaseResource, SqlDatabaseSource
from pipeline_cli.manifest.files import FileCredentials
from pipeline_cli.manifest.models import Environment, Manifest
from pipeline_cli.manifest.sources import PythonSource, ResourceHints
from pipeline_cli.project import Project
from tests.servers.s3 import S3Server

NESTED = """
import dlt

@dlt.resource(primary_key="id", write_disposition="merge")
def items():
    yield [{"id": 1, "tags": ["a", "b"], "doc": {"x": 1}}, {"id": 2, "tags": []}]
"""
CONTRACT = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 10}}}


class World:
    """One source `shop` with a lake, into one warehouse."""

    def __init__(self, root: Path, warehouse: Any) -> None:
        self.root = root
        self.warehouse = warehouse
        self.lake = FilesystemDestination("filesystem", "lake")
        self.source: Any = None
        self.run_count = 0

    def database(self, *statements: str, **options: Any) -> None:
        connection = sqlite3.connect(self.root / "shop.db")
        connection.executescript("; ".join(statements))
        connection.close()
        hints = DatabaseResource(**{"primary_key": ("id",), "write_disposition": "merge", **options})
        self.source = SqlDatabaseSource("sql_database", "sqlite:///shop.db", {"items": hints}, lake="lake")

    @property
    def project(self) -> Project:
        destinations = {"warehouse": self.warehouse, "lake": self.lake}
        environments = {"test": Environment("warehouse")}
        manifest = Manifest(1, "world", "test", environments, destinations, {}, sources={"shop": self.source})
        return Project(self.root, manifest, "test")

    def ingest(self) -> IngestResult:
        self.run_count += 1
        warehouse = open_warehouse(self.project)
        with warehouse.exclusive():
            return ingest_source(IngestRequest(self.project, warehouse, "shop", f"run{self.run_count}"))

    def execute(self, sql: str) -> None:
        warehouse = open_warehouse(self.project)
        with warehouse.exclusive():
            connection = warehouse.connect()
            connection.execute(sql)
            connection.close()

    @property
    def folder(self) -> Path:
        return self.root / ".pipeline/test/lake/bronze_shop"

    def files(self) -> list[Path]:
        return sorted(path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file())

    def rows(self, table: str = "items") -> list[dict[str, Any]]:
        """Of all of a table's Parquet files."""
        files = sorted((self.folder / table).rglob("*.parquet"))
        return [row for file in files for row in pyarrow.parquet.ParquetFile(file).read().to_pylist()]


@pytest.fixture(params=["duckdb", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "duckdb":
        return World(tmp_path, DuckDBDestination("duckdb"))
    return World(tmp_path, PostgresDestination("postgres", request.getfixturevalue("postgres_url")))


def test_each_loads_rows_are_one_dated_file_that_never_changes(world: World) -> None:
    world.database(
        "CREATE TABLE items (id INTEGER, n INTEGER, price DECIMAL(8,2), raw BLOB)",
        "INSERT INTO items VALUES (1, 5, 1.25, x'00ff'), (2, 6, NULL, NULL)",
    )
    first = world.ingest()
    assert first.notes == ["1 file written to lake (.pipeline/test/lake)."]
    (file,) = world.files()
    today = datetime.now(UTC).date().isoformat()
    assert file == Path("items", today, f"{first.load_ids[0]}.parquet")
    before = (world.folder / file).read_bytes()
    world.database("UPDATE items SET n = 7 WHERE id = 1")
    second = world.ingest()
    assert [path.stem for path in world.files()] == [first.load_ids[0], second.load_ids[0]]
    assert (world.folder / file).read_bytes() == before
    assert Counter((row["id"], row["n"], row["_dlt_load_id"]) for row in world.rows()) == {
        (1, 5, first.load_ids[0]): 1,
        (2, 6, first.load_ids[0]): 1,
        (1, 7, second.load_ids[0]): 1,
    }
    assert (str(world.rows()[0]["price"]), world.rows()[0]["raw"]) == ("1.25", b"\x00\xff")
    assert not list((world.root / ".pipeline/test/tmp").iterdir())


def test_rejected_rows_are_in_the_lake_too(world: World) -> None:
    (world.root / "items.schema.json").write_text(json.dumps(CONTRACT))
    world.database(
        "CREATE TABLE items (id INTEGER, n INTEGER)",
        "INSERT INTO items VALUES (1, 5), (2, 50)",
        contract="items.schema.json",
    )
    world.ingest()
    assert [row["id"] for row in world.rows()] == [1]
    assert [json.loads(row["record"])["id"] for row in world.rows("_quarantine")] == [2]


def test_child_tables_go_with_their_rows(world: World) -> None:
    (world.root / "sources").mkdir()
    (world.root / "sources/shop.py").write_text(NESTED)
    world.source = PythonSource(
        "python", "sources/shop.py", resources={"items": ResourceHints()}, lake="lake"
    )
    world.ingest()
    assert sorted(row["id"] for row in world.rows()) == [1, 2]
    assert sorted(row["value"] for row in world.rows("items__tags")) == ["a", "b"]
    world.ingest()
    assert len(world.rows("items__tags")) == 2, "an unchanged record is not written again"


def test_json_lines_hold_json_as_json(world: World) -> None:
    world.lake = FilesystemDestination("filesystem", "lake", format="jsonl")
    world.database(
        "CREATE TABLE items (id INTEGER, doc JSON)", "INSERT INTO items VALUES (1, '{\"a\": [1, null]}')"
    )
    world.ingest()
    (file,) = world.files()
    assert json.loads((world.folder / file).read_text())["doc"] == {"a": [1, None]}


def test_a_lake_that_could_not_be_written_is_caught_up_before_rows_are_replaced(world: World) -> None:
    world.database("CREATE TABLE items (id INTEGER, n INTEGER)", "INSERT INTO items VALUES (1, 1)")
    (world.root / "blocked").write_text("a file where the folder should be")
    world.lake = FilesystemDestination("filesystem", str(world.root / "blocked"))
    with pytest.raises(LoadError, match=r"cannot be written|no permission"):
        world.ingest()
    world.database("UPDATE items SET n = 2")
    with pytest.raises(LoadError):
        world.ingest()  # nothing is read while the lake lacks what would be replaced
    world.lake = FilesystemDestination("filesystem", "lake")
    result = world.ingest()
    assert result.notes[0].startswith("What an earlier run left: 1 file written")
    assert sorted(row["n"] for row in world.rows()) == [1, 2]


def test_a_run_that_died_before_it_remembered_doubles_nothing(world: World) -> None:
    world.database("CREATE TABLE items (id INTEGER, n INTEGER)", "INSERT INTO items VALUES (1, 1)")
    world.ingest()
    (file,) = world.files()
    before = (world.folder / file).stat().st_mtime_ns
    # What a run leaves that is killed between the file and the row that remembers it; the working folder is lost.
    world.execute("DELETE FROM bronze_shop._lake")
    shutil.rmtree(world.root / ".pipeline/test/dlt", ignore_errors=True)
    world.ingest()
    assert world.files() == [file]
    assert (world.folder / file).stat().st_mtime_ns == before
    assert len(world.rows()) == 1


def test_nothing_new_writes_no_file(world: World) -> None:
    world.database("CREATE TABLE items (id INTEGER)", "INSERT INTO items VALUES (1)")
    world.ingest()
    second = world.ingest()
    assert len(world.files()) == 1
    assert second.resources[0].deduplicated == 1


def test_the_lake_can_be_a_bucket(world: World, s3_server: S3Server) -> None:
    bucket = s3_server.create_bucket("lake")
    keys = FileCredentials(
        aws_access_key_id=s3_server.access_key,
        aws_secret_access_key=s3_server.secret_key,
        endpoint_url=s3_server.endpoint_url,
        region_name=s3_server.region,
    )
    world.lake = FilesystemDestination("filesystem", f"s3://{bucket}/raw", keys)
    world.database("CREATE TABLE items (id INTEGER)", "INSERT INTO items VALUES (1), (2)")
    (load_id,) = world.ingest().load_ids
    today = datetime.now(UTC).date().isoformat()
    assert s3_server.keys(bucket) == [f"raw/bronze_shop/items/{today}/{load_id}.parquet"]
