"""What dlt sees of a load that it did not make: its tables, its schema, its working folder."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from pipeline_cli.load import bronze_tables
from pipeline_cli.loading.pipeline import dlt_settings, open_pipeline, pipelines_dir
from tests.integration.bulk.conftest import FileWorld

ROWS = """\
import dlt


@dlt.resource(name="items", write_disposition="append")
def items():
    yield [{"id": 1, "name": "one", "price": 1.5, "day": "2026-01-31T10:00:00Z", "good": True}]
"""


def shape(world: FileWorld, tables: str) -> list[tuple[Any, ...]]:
    """Table, column, type and whether it may be NULL, of the tables LIKE `tables`."""
    return world.query(
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
        f" WHERE table_schema = 'bronze_shop' AND table_name LIKE '{tables}' ORDER BY 1, ordinal_position"
    )


def test_its_tables_are_as_dlt_makes_them(world: FileWorld) -> None:
    world.write("a.csv", "id,name,price,day,good", "1,one,1.5,2026-01-31T10:00:00Z,true")
    world.ingest()
    ours, our_items = shape(world, "\\_dlt\\_%".replace("\\", "")), shape(world, "items")
    world.execute("DROP SCHEMA bronze_shop CASCADE")
    world.drop_working_folder()
    world.python(ROWS)
    world.ingest()
    dlts = [row for row in shape(world, "_dlt_%") if row[0].startswith("_dlt_")]
    assert [row for row in ours if row[0].startswith("_dlt_")] == dlts
    # Of the tables themselves: dlt's have a _dlt_id, and what it needs is NOT NULL there.
    kinds = {name: kind for _, name, kind, _ in shape(world, "items") if name != "_dlt_id"}
    assert {name: kind for _, name, kind, _ in our_items} == kinds


def test_dlt_restores_its_schema_from_the_warehouse(world: FileWorld) -> None:
    world.write("a.csv", "id,name", "1,one")
    world.ingest()
    world.drop_working_folder()
    warehouse = world.warehouse
    with warehouse.exclusive():
        pipeline = open_pipeline(world.project, warehouse, "shop")
        pipeline.sync_destination()
        columns = pipeline.default_schema.tables["items"]["columns"]
        tables = {table.name: table.columns for table in bronze_tables(world.project, warehouse, "shop")}
    assert {name: columns[name]["data_type"] for name in ("id", "name")} == {"id": "bigint", "name": "text"}
    assert tables["items"]["id"] == "bigint"


def test_the_plain_dlt_command_knows_the_pipeline(duck: FileWorld) -> None:
    duck.write("a.csv", "id,name", "1,one")
    duck.ingest()
    environment = {**os.environ, **dlt_settings(duck.project), **duck.warehouse.dlt_environment()}
    arguments = ["pipeline", "--pipelines-dir", str(pipelines_dir(duck.project)), "shop"]
    for verb in ("info", "schema"):
        done = subprocess.run(
            [sys.executable, "-m", "dlt._workspace.cli._dlt", *arguments, verb],
            env=environment,
            cwd=duck.root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "items" in done.stdout
