"""Source and destination compared by key and content: what is missing, extra or changed, and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.comparison.fingerprints import fingerprint, plain
from pipeline_cli.errors import UsageError
from pipeline_cli.maintenance.reconciling import Comparison, reconcile
from pipeline_cli.manifest.databases import DatabaseResource
from pipeline_cli.manifest.sources import Column, Incremental, RestResource
from tests.integration.bulk.conftest import FileWorld
from tests.integration.databases.world import make_world
from tests.integration.ingest.world import World
from tests.integration.maintenance.project import MendedProject
from tests.integration.maintenance.test_backfill import piped

ITEMS = [
    {
        "id": n,
        "price": n + 0.5,
        "at": f"2026-01-{n:02}T00:00:00Z",
        "tags": [{"t": n}],
        "extra": {"a": [1.0, n]},
    }
    for n in range(1, 8)
]


def compare(world: Any) -> Comparison:
    [found], _ = reconcile(piped(world.project), "shop")
    return found


def counts(found: Comparison) -> tuple[int, int, int, int, int]:
    return found.source_rows, found.destination_rows, found.missing, found.extra, found.changed


@pytest.mark.parametrize("disposition", ["merge", "append", "replace", "scd2"])
def test_what_an_api_gave_is_there(world: World, disposition: Any) -> None:
    columns = {"extra": Column(data_type="json")}
    world.rest(items=RestResource(primary_key=("id",), write_disposition=disposition, columns=columns))
    world.api.data["/items"] = ITEMS
    world.ingest()
    assert counts(compare(world)) == (7, 7, 0, 0, 0)
    if disposition == "scd2":
        world.api.data["/items"] = [*ITEMS[:6], {**ITEMS[6], "price": 1}]
        world.ingest()
        assert counts(compare(world)) == (7, 7, 0, 0, 0)
    assert not list(world.project.pipeline_dir.glob(".reconcile*"))


def test_differences_are_told_by_key(world: World) -> None:
    incremental = Incremental("at", initial_value="2026-01-01T00:00:00Z")
    world.rest(items=RestResource(primary_key=("id",), write_disposition="merge", incremental=incremental))
    world.api.data["/items"] = ITEMS[:6]
    world.ingest()
    world.execute("DELETE FROM bronze_shop.items WHERE id = 3")
    world.execute(
        "UPDATE bronze_shop.items SET price = 99 WHERE id = 4"
    )  # its _record_hash says nothing of it
    world.api.data["/items"] = [{**ITEMS[0], "tags": []}, *ITEMS[1:4], *ITEMS[5:]]
    found = compare(world)
    assert counts(found) == (6, 5, 2, 1, 2)
    assert found.examples == {"missing": ["3", "7"], "extra": ["5"], "changed": ["1", "4"]}
    assert sorted(row[0] for row in world.rows("id")) == [1, 2, 4, 5, 6]  # nothing was mended


def test_rows_without_a_key_are_told_by_their_content_and_number(world: World) -> None:
    world.rest(items=RestResource(write_disposition="append"))
    world.api.data["/items"] = [{"v": "a"}, {"v": "a"}, {"v": "b"}]
    world.ingest()
    world.api.data["/items"] = [{"v": "a"}, {"v": "b"}, {"v": "b"}]
    found = compare(world)
    assert (found.by_key, *counts(found)) == (False, 3, 3, 1, 1, 0)


def test_files_are_compared_and_rejects_are_in_neither_count(files: FileWorld) -> None:
    files.files(primary_key=("id",), write_disposition="merge")
    files.write("a.csv", "id,price,day,note", "1,9.50,2026-01-31,x", "2,-0.1,,", "3,1e3,2026-02-01,ü")
    files.ingest()
    assert counts(compare(files)) == (3, 3, 0, 0, 0)
    schema = {"properties": {"price": {"type": "number", "minimum": 0}}}
    files.files(primary_key=("id",), write_disposition="merge", contract=files.contract("items", schema))
    found = compare(files)
    assert (found.rejected, *counts(found)) == (1, 2, 3, 0, 1, 0)


def test_a_database_is_compared_from_its_beginning(
    tmp_path: Path, postgres_database: Callable[..., str]
) -> None:
    file = tmp_path / "shop.db"
    source = sqlite3.connect(file, isolation_level=None)
    source.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, n INTEGER)")
    source.executemany("INSERT INTO items VALUES (?, ?)", [(n, n) for n in range(1, 6)])
    world = make_world(tmp_path, f"sqlite:///{file}")
    items = DatabaseResource(incremental=Incremental("n"), write_disposition="merge", primary_key=("id",))
    world.ingest(items=items)
    source.execute("UPDATE items SET n = 6 WHERE id = 2")
    source.execute("DELETE FROM items WHERE id = 1")
    [found], _ = reconcile(piped(world.project(resources={"items": items})), "shop")
    assert (*counts(found), found.examples) == (4, 5, 0, 1, 1, {"extra": ["1"], "changed": ["2"]})


def test_the_command_ends_with_4_where_there_are_differences(tmp_path: Path) -> None:
    project = MendedProject(tmp_path, "merge")
    project.file("a.csv", "id,price", "1,1", "2,2")
    project.run("files")
    same = project.document("reconcile", "files")
    assert (same["status"], same["tables"][0]["source_rows"]) == ("succeeded", 2)
    project.file("b.csv", "id,price", "2,20", "3,3")
    told = project.call("reconcile", "files", exit_code=4)
    assert "missing in bronze_files.rows: 3" in told.stdout
    assert "changed in bronze_files.rows: 2" in told.stdout
    differs = project.document("reconcile", "files", exit_code=4)
    assert (differs["status"], differs["tables"][0]["missing"], differs["tables"][0]["changed"]) == (
        "failed",
        1,
        1,
    )
    refused = project.call("reconcile", "events", exit_code=2)
    assert "no source of 'events' can be read again: events" in " ".join(refused.stderr.split())
    assert [run["command"] for run in project.document("runs")["runs"]] == ["run"]  # it changes nothing
    project.run("files")
    project.call("reconcile", "files")


def test_a_value_has_one_text_whatever_database_gave_it() -> None:
    assert {plain(each) for each in (1, 1.0, Decimal("1.00"), Decimal("1"))} == {"1"}
    assert plain(Decimal("9.50")) == plain(9.5) == "9.5"
    assert plain(True) != plain(1)
    moment = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert (
        plain(moment)
        == plain(moment.astimezone(timezone(timedelta(hours=5))))
        == plain(moment.replace(tzinfo=None))
    )
    assert plain('{"b": 1.0, "a": [2]}', is_json=True) == plain({"a": [2.0], "b": 1})
    assert plain("1") == "1" and fingerprint({"a": "1"}, frozenset()) != fingerprint({"b": "1"}, frozenset())
    assert fingerprint({"a": 1, "b": None}, frozenset()) == fingerprint({"a": 1}, frozenset())


def test_python_sources_are_not_read_again(duck: World) -> None:
    duck.python("import dlt\n\n@dlt.resource\ndef items():\n    yield {'id': 1}\n")
    with pytest.raises(UsageError, match="no source of 'shop' can be read again: shop"):
        reconcile(piped(duck.project), "shop")
