"""A span read anew, chunk by chunk: nothing is doubled, no cursor moves, and a killed one goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.errors import UsageError
from pipeline_cli.maintenance.backfill import BackfillOptions, ChunkResult, backfill
from pipeline_cli.maintenance.windows import parse_span
from pipeline_cli.manifest.databases import DatabaseResource
from pipeline_cli.manifest.models import Pipeline
from pipeline_cli.manifest.sources import Endpoint, Incremental, RestResource
from pipeline_cli.project import Project
from pipeline_cli.run import open_ledger
from tests.integration.databases.world import make_world
from tests.integration.ingest.world import World
from tests.integration.maintenance.project import MendedProject
from tests.integration.maintenance.test_state import cursors

DAYS = [{"id": n, "at": f"2026-01-{n:02}T00:00:00Z", "v": 1} for n in range(1, 21)]


def piped(project: Project) -> Project:
    return replace(
        project, manifest=replace(project.manifest, pipelines={"shop": Pipeline(sources=("shop",))})
    )


def fill(
    project: Project, start: str, end: str, chunk: str | None = None, **options: Any
) -> list[ChunkResult]:
    span = parse_span(start, end, chunk)
    wanted = options.pop("wanted", ())
    results, _ = backfill(
        piped(project), BackfillOptions("shop", wanted, span, **options), lambda result: None
    )
    return results


def by_time(world: World, disposition: Any = "merge", **more: RestResource) -> None:
    incremental = Incremental("at", initial_value="2026-01-10T00:00:00Z")
    items = RestResource(
        endpoint=Endpoint(
            "items", params={"since": "{incremental.start_value}", "until": "{incremental.end_value}"}
        ),
        incremental=incremental,
        primary_key=("id",),
        write_disposition=disposition,
    )
    world.rest(items=items, **more)


def live_by_time(world: World, disposition: Any = "merge", **more: RestResource) -> None:
    """As it runs every day: without an end."""
    by_time(world, disposition, **more)
    world.change(endpoint=Endpoint("items", params={"since": "{incremental.start_value}"}))


@pytest.mark.parametrize("disposition", ["merge", "append"])
def test_a_gap_is_filled_in_chunks_and_the_cursor_stays(world: World, disposition: str) -> None:
    live_by_time(world, disposition)
    world.api.data["/items"] = DAYS
    world.ingest()
    assert sorted(row[0] for row in world.rows("id")) == list(range(10, 21))
    before = cursors(world.project)
    results = fill(world.project, "2026-01-03", "2026-01-10", "3d")
    assert [(each.key.start[:10], each.key.end[:10], each.status) for each in results] == [
        ("2026-01-03", "2026-01-06", "done"),
        ("2026-01-06", "2026-01-09", "done"),
        ("2026-01-09", "2026-01-10", "done"),
    ]
    assert [each.resources[0].extracted for each in results] == [3, 3, 1]
    assert sorted(row[0] for row in world.rows("id")) == list(range(3, 21))
    assert cursors(world.project) == before == {"items": "2026-01-20T00:00:00Z"}
    again = fill(world.project, "2026-01-03", "2026-01-10", "3d")
    assert [each.status for each in again] == ["skipped"] * 3
    with open_ledger(world.project) as ledger:
        assert [run.command for run in ledger.recent()] == ["backfill"] * 3
        assert ledger.last_load("test", ["shop"]) is None
    world.api.data["/items"] = [*DAYS, {"id": 21, "at": "2026-01-21T00:00:00Z", "v": 1}]
    world.ingest()
    assert sorted(row[0] for row in world.rows("id")) == list(range(3, 22))


def test_rows_that_are_there_are_merged_and_what_changed_at_the_source_arrives(duck: World) -> None:
    live_by_time(duck)
    duck.api.data["/items"] = DAYS
    duck.ingest()
    duck.api.data["/items"] = [{**each, "v": 2} if each["id"] == 12 else each for each in DAYS]
    [result] = fill(duck.project, "2026-01-11", "2026-01-14")
    [items] = result.resources
    assert (items.extracted, items.loaded, items.deduplicated) == (3, 1, 2)
    assert (12, 2) in duck.rows("id, v")


def test_append_does_not_double_what_is_there(duck: World) -> None:
    live_by_time(duck, "append")
    duck.api.data["/items"] = DAYS
    duck.ingest()
    with pytest.raises(
        UsageError, match="has 2 rows from 2026-01-08T00:00:00Z up to 2026-01-12T00:00:00Z already"
    ):
        fill(duck.project, "2026-01-08", "2026-01-12")
    assert len(duck.rows("id")) == 11


def test_bounds_are_sent_to_the_api(duck: World) -> None:
    by_time(duck)
    duck.api.data["/items"] = DAYS
    fill(duck.project, "2026-01-03", "2026-01-05")
    [request] = duck.api.requests
    assert (request.query["since"], request.query["until"]) == (
        "2026-01-03T00:00:00Z",
        "2026-01-05T00:00:00Z",
    )
    assert sorted(row[0] for row in duck.rows("id")) == [3, 4]


def test_bad_records_of_the_window_alone_are_quarantined_once(duck: World) -> None:
    live_by_time(duck, "append")
    schema = {"properties": {"v": {"type": "integer"}}}
    duck.change(contract=duck.contract("items", schema), primary_key=())
    duck.api.data["/items"] = [{**each, "v": "x"} if each["id"] in (4, 5, 7, 15) else each for each in DAYS]
    fill(duck.project, "2026-01-03", "2026-01-07", "2d")
    assert sorted(record["id"] for record, _ in duck.quarantine()) == [4, 5]


def test_resources_without_a_cursor_are_named(duck: World) -> None:
    live_by_time(duck, others=RestResource(), parts=RestResource(write_disposition="replace"))
    duck.api.data["/others"] = duck.api.data["/parts"] = [{"id": 1}]
    duck.api.data["/items"] = DAYS
    span = parse_span("2026-01-03", "2026-01-05", None)
    _, plans = backfill(piped(duck.project), BackfillOptions("shop", (), span), lambda result: None)
    assert plans[0].refused == {
        "others": "it has no cursor (incremental)",
        "parts": "it has no cursor (incremental)",
    }
    assert duck.api.count("/others") == 0
    with pytest.raises(UsageError, match=r"shop\.others cannot be backfilled: it has no cursor"):
        fill(duck.project, "2026-01-03", "2026-01-05", wanted=[("shop", "others")])
    with pytest.raises(UsageError, match="cannot be read from 3 to 5: the cursor has no numbers"):
        fill(duck.project, "3", "5")
    duck.change(write_disposition="scd2")
    with pytest.raises(UsageError, match="it keeps versions in the order in which they came"):
        fill(duck.project, "2026-01-03", "2026-01-05", wanted=[("shop", "items")])


@pytest.mark.parametrize(
    ("start", "end", "chunk", "told"),
    [
        ("soon", "2026-01-05", None, "--start 'soon' is neither a time nor a number"),
        ("2026-01-05", "2026-01-05", None, "is not after --start"),
        ("2026-01-05", "9", None, "are not of one kind"),
        ("2026-01-05", "2026-02-05", "0d", "--chunk '0d' is not a duration"),
        ("2026-01-05", "2026-02-05", "7", "--chunk '7' is not a duration"),
        ("1", "9", "7d", "--chunk '7d' is not a number"),
        ("1", "900000", "1", "makes more than 10,000 chunks"),
    ],
)
def test_a_span_that_is_none_is_told_as_such(start: str, end: str, chunk: str | None, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_span(start, end, chunk)


@pytest.mark.parametrize("disposition", ["merge", "append"])
def test_a_database_is_read_by_windows_of_its_cursor(tmp_path: Path, disposition: Any) -> None:
    file = tmp_path / "shop.db"
    source = sqlite3.connect(file, isolation_level=None)
    source.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, n INTEGER)")
    source.executemany("INSERT INTO items VALUES (?, ?)", [(n, n if n != 4 else None) for n in range(1, 21)])
    world = make_world(tmp_path, f"sqlite:///{file}")
    items = DatabaseResource(
        incremental=Incremental("n", initial_value=10), write_disposition=disposition, primary_key=("id",)
    )
    world.ingest(items=items)
    project = world.project(resources={"items": items})
    before = cursors(project)
    results = fill(project, "2", "10", "3")
    assert [each.resources[0].extracted for each in results] == [2, 3, 2]
    assert sorted(row[0] for row in world.rows("id")) == [2, 3, *range(5, 21)]
    assert cursors(project) == before == {"items": "20"}
    assert len(world.quarantined()) == 1  # the row without a cursor value, by the run before
    source.execute("INSERT INTO items VALUES (21, 21)")
    world.ingest(items=items)
    assert sorted(row[0] for row in world.rows("id")) == [2, 3, *range(5, 22)]


def killed_backfill(project: MendedProject, failpoint: str) -> None:
    project.records(*({"id": n, "price": n} for n in range(100, 104)))
    project.call("run", "events")
    project.records(*({"id": n, "price": n} for n in range(1, 104)))
    command = ("backfill", "events", "--start", "1", "--end", "31", "--chunk", "10")
    project.kill(failpoint, *command)
    document = project.document(*command)
    statuses = [chunk["status"] for chunk in document["chunks"]]
    assert statuses == ["skipped", "found" if "loaded" in failpoint else "done", "done"]
    ids = [row[0] for row in project.query("SELECT id FROM bronze_events.events ORDER BY id")]
    assert ids == [*range(1, 31), *range(100, 104)]
    cursor = project.document("state", "list")["cursors"][0]
    assert (cursor["resource"], cursor["value"]) == ("events", 103)
    assert "next" not in project.call("retry", exit_code=2).stderr


def test_a_killed_backfill_goes_on_where_it_was(tmp_path: Path) -> None:
    killed_backfill(MendedProject(tmp_path), "backfill.loaded:2")


@pytest.mark.faults
@pytest.mark.parametrize("warehouse", ["duckdb", "postgres"])
@pytest.mark.parametrize("disposition", ["append", "merge"])
@pytest.mark.parametrize("failpoint", ["backfill.loaded:2", "backfill.begun:2"])
def test_a_killed_backfill_goes_on_everywhere(
    tmp_path: Path, postgres_database: Callable[..., str], warehouse: str, disposition: str, failpoint: str
) -> None:
    url = postgres_database() if warehouse == "postgres" else None
    killed_backfill(MendedProject(tmp_path, disposition, url), failpoint)
