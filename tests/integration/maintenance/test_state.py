"""Cursors seen, moved, saved and put back: the destination's state is the truth."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.destinations import open_warehouse
from pipeline_cli.errors import UsageError
from pipeline_cli.maintenance.moving import read_states, set_cursor
from pipeline_cli.maintenance.state_files import backup_state, restore_state
from pipeline_cli.manifest.models import Environment
from pipeline_cli.manifest.sources import Incremental, RestResource
from pipeline_cli.project import Project
from pipeline_cli.run import open_ledger
from tests.integration.bulk.conftest import FileWorld
from tests.integration.databases.world import DatabaseWorld, by_cursor, make_world
from tests.integration.ingest.world import World

DAYS = [{"id": n, "at": f"2026-01-{n:02}T00:00:00Z"} for n in range(1, 10)]


def by_time(world: World, disposition: Any = "merge") -> None:
    incremental = Incremental("at", initial_value="2026-01-01T00:00:00Z")
    world.rest(
        items=RestResource(incremental=incremental, primary_key=("id",), write_disposition=disposition)
    )


def cursors(project: Project) -> dict[str, Any]:
    warehouse = open_warehouse(project)
    with warehouse.exclusive():
        [state] = read_states(project, warehouse, ["shop"])
    return {each.resource: each.value for each in state.cursors}


def test_a_cursor_moves_back_and_its_records_are_read_again(world: World) -> None:
    by_time(world)
    world.api.data["/items"] = DAYS
    world.ingest()
    assert cursors(world.project) == {"items": "2026-01-09T00:00:00Z"}
    _, move = set_cursor(world.project, "shop", "items", "2026-01-05T00:00:00Z", yes=False)
    assert (
        "reads the records of shop.items from 2026-01-05T00:00:00Z on again; merge keeps one" in move.meaning
    )
    assert cursors(world.project) == {"items": "2026-01-05T00:00:00Z"}
    world.api.data["/items"] = [*DAYS, {"id": 10, "at": "2026-01-10T00:00:00Z"}]
    assert world.account(world.ingest()) == (6, 1, 0, 5)
    assert cursors(world.project) == {"items": "2026-01-10T00:00:00Z"}


def test_a_cursor_that_was_moved_holds_on_another_machine_too(world: World) -> None:
    by_time(world, "append")
    world.api.data["/items"] = DAYS[:5]
    world.ingest()
    set_cursor(world.project, "shop", "items", "2026-01-07T00:00:00Z", yes=False)
    world.drop_working_folder()
    world.api.data["/items"] = DAYS
    world.ingest()
    assert [row[0] for row in world.rows("id")] == [1, 2, 3, 4, 5, 7, 8, 9]


def test_what_would_double_rows_wants_consent_and_a_value_of_another_kind_is_refused(duck: World) -> None:
    by_time(duck, "append")
    duck.api.data["/items"] = DAYS
    duck.ingest()
    with pytest.raises(UsageError, match=r"rows would be doubled: .* will be there twice"):
        set_cursor(duck.project, "shop", "items", "2026-01-05T00:00:00Z", yes=False)
    for wrong in ("12", "yesterday", ""):
        with pytest.raises(UsageError, match=r"cannot be the cursor of shop\.items: it stands at 2026-01-09"):
            set_cursor(duck.project, "shop", "items", wrong, yes=True)
    assert cursors(duck.project) == {"items": "2026-01-09T00:00:00Z"}
    project = duck.project
    environments = {"test": Environment("warehouse", protected=True)}
    protected = replace(project, manifest=replace(project.manifest, environments=environments))
    with pytest.raises(UsageError, match=r"is protected: records of shop.items between .* are skipped"):
        set_cursor(protected, "shop", "items", "2026-02-01T00:00:00Z", yes=False)


def test_resources_without_a_cursor_are_told_as_such(duck: World, files: FileWorld) -> None:
    duck.rest(items=RestResource())
    duck.api.data["/items"] = DAYS
    duck.ingest()
    with pytest.raises(UsageError, match=r"shop\.items has no cursor: every run reads all of it"):
        set_cursor(duck.project, "shop", "items", "3", yes=False)
    by_time(duck)
    with pytest.raises(UsageError, match=r"shop\.items has not been read yet"):
        set_cursor(duck.project, "shop", "items", "3", yes=False)


def test_files_that_are_done_are_listed(files: FileWorld) -> None:
    files.write("a.csv", "id", "1")
    files.ingest()
    warehouse = files.warehouse
    with warehouse.exclusive():
        [state] = read_states(files.project, warehouse, ["shop"])
    assert [(each.resource, each.count, each.newest) for each in state.files] == [("items", 1, "a.csv")]
    with pytest.raises(UsageError, match="it remembers the files that are done"):
        set_cursor(files.project, "shop", "items", "3", yes=False)


def database(tmp_path: Path) -> tuple[DatabaseWorld, sqlite3.Connection]:
    file = tmp_path / "shop.db"
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, n INTEGER)")
    connection.executemany("INSERT INTO items VALUES (?, ?)", [(n, n) for n in range(1, 6)])
    return make_world(tmp_path, f"sqlite:///{file}"), connection


def test_the_cursor_of_a_database_moves_in_its_own_table(tmp_path: Path) -> None:
    world, _ = database(tmp_path)
    items = by_cursor("id", write_disposition="append")
    world.ingest(items=items)
    project = world.project(resources={"items": items})
    assert cursors(project) == {"items": "5"}
    with pytest.raises(
        UsageError, match=r"'soon' cannot be the cursor of shop.items: it stands at 5, and is a number"
    ):
        set_cursor(project, "shop", "items", "soon", yes=True)
    with pytest.raises(UsageError, match="doubled"):
        set_cursor(project, "shop", "items", "4", yes=False)
    set_cursor(project, "shop", "items", "4", yes=True)
    world.ingest(items=items)
    assert [row[0] for row in world.rows("id")] == [1, 2, 3, 4, 4, 5, 5]


def test_a_backup_puts_cursors_and_runs_back(world: World, tmp_path: Path) -> None:
    by_time(world)
    world.api.data["/items"] = DAYS[:5]
    world.ingest()
    file = tmp_path / "state.json"
    project = world.project
    set_cursor(project, "shop", "items", "2026-01-04T00:00:00Z", yes=False)
    warehouse = world.warehouse
    with open_ledger(project) as ledger, warehouse.exclusive():
        counts = backup_state(project, warehouse, ledger, file)
    assert (counts["sources"], counts["runs"]) == (1, 1)
    world.api.data["/items"] = DAYS
    world.ingest()
    (project.pipeline_dir / "runs.db").unlink()
    with pytest.raises(UsageError, match="loads have come since, and their records are read again"):
        restore_state(project, file, yes=False)
    assert cursors(project) == {"items": "2026-01-09T00:00:00Z"}
    _, restored = restore_state(project, file, yes=True)
    assert restored == {"sources": ["shop"], "runs": 1}
    assert cursors(project) == {"items": "2026-01-04T00:00:00Z"}
    assert world.account(world.ingest()) == (6, 0, 0, 6)
    with open_ledger(project) as ledger:
        assert sorted(run.command for run in ledger.recent()) == [
            "state restore",
            "state restore",
            "state set",
        ]


def test_a_state_without_its_rows_is_not_restored(duck: World, tmp_path: Path) -> None:
    by_time(duck)
    duck.api.data["/items"] = DAYS
    duck.ingest()
    file = tmp_path / "state.json"
    warehouse = duck.warehouse
    with open_ledger(duck.project) as ledger, warehouse.exclusive():
        backup_state(duck.project, warehouse, ledger, file)
    (duck.project.state_dir / "warehouse.duckdb").unlink()
    with pytest.raises(
        UsageError, match=r"does not hold the load .* records that it takes for read would never come"
    ):
        restore_state(duck.project, file, yes=True)
    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "environment": "live"}))
    with pytest.raises(UsageError, match="is the state of 'live', and this is 'test'"):
        restore_state(duck.project, file, yes=True)
    file.write_text("{}")
    with pytest.raises(UsageError, match="is no backup that this version can read"):
        restore_state(duck.project, file, yes=True)
