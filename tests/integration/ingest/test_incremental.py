"""Cursors: what the next run asks for, and that no record falls between two runs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline_cli.errors import ChecksFailed, LoadError, SourceError
from pipeline_cli.manifest.models import Limit
from pipeline_cli.manifest.sources import Endpoint, Incremental, RestResource
from tests.integration.ingest.world import World
from tests.servers.json_api import Answer

START = "2024-01-01T00:00:00Z"


def orders(world: World, lag: timedelta | None = None, **options: object) -> None:
    cursor = Incremental("date", START, lag=lag, start_param="startdate")
    hints = {"primary_key": ("id",), "write_disposition": "merge", "incremental": cursor, **options}
    world.rest(items=RestResource(**hints))  # type: ignore[arg-type]


def order(number: int, day: str, **more: object) -> dict[str, object]:
    return {"id": number, "date": f"2024-01-{day}Z", **more}


def asked_from(world: World) -> str:
    return world.api.requests[-1].query["startdate"]


def test_the_second_run_asks_from_the_cursor_and_takes_ties(world: World) -> None:
    orders(world)
    world.api.data["/items"] = [order(1, "02T10:00:00"), order(2, "03T10:00:00")]
    world.ingest()
    assert asked_from(world) == START
    world.api.data["/items"].append(order(3, "03T10:00:00"))
    assert world.account(world.ingest()) == (2, 1, 0, 1)
    assert asked_from(world).startswith("2024-01-03T10:00:00")
    assert world.rows("id") == [(1,), (2,), (3,)]


def test_lag_asks_again_for_late_records_within_it(world: World) -> None:
    orders(world, lag=timedelta(days=1))
    world.api.data["/items"] = [order(1, "02T10:00:00"), order(2, "05T10:00:00")]
    world.ingest()
    world.api.data["/items"] += [order(3, "04T12:00:00"), order(4, "01T12:00:00")]
    world.ingest()
    assert asked_from(world).startswith("2024-01-04T10:00:00")
    assert world.rows("id") == [(1,), (2,), (3,)]


def test_a_changed_record_within_the_lag_replaces_the_old_one(world: World) -> None:
    orders(world, lag=timedelta(days=1))
    world.api.data["/items"] = [order(1, "04T10:00:00", n="old"), order(2, "04T20:00:00", n="other")]
    world.ingest()
    world.api.data["/items"][0]["n"] = "new"
    assert world.account(world.ingest()) == (2, 1, 0, 1)
    assert world.rows("id, n") == [(1, "new"), (2, "other")]


def test_append_takes_a_tie_of_the_last_cursor_once(world: World) -> None:
    orders(world, write_disposition="append", primary_key=())
    world.api.data["/items"] = [order(1, "02T10:00:00"), order(2, "02T10:00:00")]
    world.ingest()
    world.api.data["/items"].append(order(3, "02T10:00:00"))
    world.ingest()
    assert world.rows("id") == [(1,), (2,), (3,)]


def test_number_cursors_with_a_lag(duck: World) -> None:
    cursor = Incremental("id", 0, lag=2, start_param="after")
    duck.rest(items=RestResource(primary_key=("id",), write_disposition="merge", incremental=cursor))
    duck.api.data["/items"] = [{"id": n} for n in range(1, 11)]
    duck.ingest()
    duck.ingest()
    assert duck.api.requests[-1].query["after"] == "8"
    assert len(duck.rows("id")) == 10


def test_a_date_cursor_with_a_lag_of_a_day(duck: World) -> None:
    cursor = Incremental("day", "2024-01-01", lag=timedelta(days=1))
    endpoint = Endpoint("items", params={"from": "{incremental.start_value}"})
    duck.rest(
        items=RestResource(
            primary_key=("id",), write_disposition="merge", incremental=cursor, endpoint=endpoint
        )
    )
    duck.api.data["/items"] = [{"id": 1, "day": "2024-01-05"}]
    duck.ingest()
    duck.ingest()
    assert duck.api.requests[-1].query["from"] == "2024-01-04"


def test_a_record_without_a_cursor_is_quarantined_unless_included(duck: World) -> None:
    orders(duck)
    rows = [order(1, "02T10:00:00"), {"id": 2}, {"id": 3, "date": None}]
    duck.api.fault = lambda request: Answer(rows)
    assert duck.account(duck.ingest()) == (3, 1, 2, 0)
    assert {reason["rule"] for _, reasons in duck.quarantine() for reason in reasons} == {"cursor"}
    cursor = Incremental("date", START, start_param="startdate", on_cursor_value_missing="include")
    duck.change(incremental=cursor)
    duck.ingest()
    assert duck.rows("id") == [(1,), (2,), (3,)]


@pytest.mark.parametrize("odd", [17, "tomorrow", True])
def test_a_cursor_of_another_type_is_quarantined_and_moves_nothing(duck: World, odd: object) -> None:
    orders(duck)
    duck.api.data["/items"] = [order(1, "02T10:00:00"), {"id": 2, "date": odd}]
    duck.api.fault = lambda request: Answer(duck.api.data["/items"])
    assert duck.account(duck.ingest()) == (2, 1, 1, 0)
    duck.ingest()
    assert asked_from(duck).startswith("2024-01-02T10:00:00")


def test_a_failed_limit_does_not_move_the_cursor(world: World) -> None:
    schema = {"properties": {"price": {"type": "number"}}}
    contract = world.contract("items", schema)
    orders(world, contract=contract, max_rejected=Limit(count=0))
    world.api.data["/items"] = [
        order(1, "02T10:00:00", price=1.5),
        order(2, "09T10:00:00", price="free"),
        order(3, "08T10:00:00", price=2.5),
    ]
    with pytest.raises(ChecksFailed, match="1 of 3 records are rejected"):
        world.ingest()
    assert world.tables() == set()
    world.change(max_rejected=Limit(share=0.5))
    assert world.account(world.ingest()) == (3, 2, 1, 0)
    assert asked_from(world) == START
    assert world.rows("id") == [(1,), (3,)]


def test_a_source_that_is_down_moves_no_cursor(world: World) -> None:
    orders(world)
    world.api.data["/items"] = [order(1, "02T10:00:00")]
    world.ingest()
    world.api.data["/items"].append(order(2, "03T10:00:00"))
    world.api.fault = lambda request: Answer({"message": "down for repair"}, status=503)
    with pytest.raises(SourceError, match=r"GET http://127.0.0.1:\d+/items answered 503"):
        world.ingest()
    world.api.fault = None
    assert world.account(world.ingest())[1] == 1
    assert world.rows("id") == [(1,), (2,)]


def test_full_refresh_reads_and_writes_everything_again(world: World) -> None:
    orders(world)
    world.api.data["/items"] = [order(1, "02T10:00:00", old=1), order(2, "03T10:00:00")]
    world.ingest()
    world.api.data["/items"] = [order(2, "03T10:00:00"), order(3, "04T10:00:00")]
    assert world.account(world.ingest(full_refresh=True)) == (2, 2, 0, 0)
    assert asked_from(world) == START
    assert world.rows("id") == [(2,), (3,)]


def test_full_refresh_of_a_source_that_is_down_keeps_the_tables(world: World) -> None:
    orders(world)
    world.api.data["/items"] = [order(1, "02T10:00:00")]
    world.ingest()
    world.api.fault = lambda request: Answer(status=500)
    with pytest.raises(SourceError):
        world.ingest(full_refresh=True)
    assert world.rows("id") == [(1,)]
    world.api.fault = None
    world.api.data["/items"].append(order(2, "03T10:00:00"))
    world.ingest()
    assert world.rows("id") == [(1,), (2,)]


def test_deleting_the_working_folder_loses_and_doubles_nothing(world: World) -> None:
    orders(world, write_disposition="append", primary_key=())
    world.api.data["/items"] = [order(1, "02T10:00:00"), order(2, "03T10:00:00")]
    world.ingest()
    world.drop_working_folder()
    world.api.data["/items"].append(order(3, "04T10:00:00"))
    world.ingest()
    assert asked_from(world).startswith("2024-01-03T10:00:00")
    world.drop_working_folder()
    world.ingest()
    assert world.rows("id") == [(1,), (2,), (3,)]


def test_deleting_the_duckdb_file_reads_everything_again(duck: World) -> None:
    orders(duck)
    duck.api.data["/items"] = [order(1, "02T10:00:00", tags=["a"]), order(2, "03T10:00:00", tags=[])]
    duck.ingest()
    (duck.root / ".pipeline" / "test" / "warehouse.duckdb").unlink()
    assert duck.account(duck.ingest()) == (2, 2, 0, 0)
    assert duck.rows("id") == [(1,), (2,)]
    assert duck.rows("value", "items__tags") == [("a",)]


def test_a_table_that_was_dropped_by_hand_comes_back_with_a_full_refresh(world: World) -> None:
    world.rest(items=RestResource(primary_key=("id",), write_disposition="merge"))
    world.api.data["/items"] = [{"id": 1, "tags": ["a"]}]
    world.ingest()
    world.execute("DROP TABLE bronze_shop.items")
    with pytest.raises(LoadError, match="does not exist") as failed:
        world.ingest()
    assert "--full-refresh" in str(failed.value.hint)
    world.ingest(full_refresh=True)
    assert world.rows("id") == [(1,)]
    assert world.rows("value", "items__tags") == [("a",)]


def test_a_record_that_changed_without_moving_its_cursor_is_taken(world: World) -> None:
    orders(world)
    world.api.data["/items"] = [order(1, "02T10:00:00", n="old")]
    world.ingest()
    world.api.data["/items"][0]["n"] = "new"
    world.ingest()
    assert world.rows("id, n") == [(1, "new")]


@pytest.mark.parametrize("far", ["9999-12-31T00:00:00Z", "2099-01-01"])
def test_a_cursor_far_in_the_future_hides_no_later_record(duck: World, far: str) -> None:
    orders(duck)
    duck.api.data["/items"] = [order(1, "02T10:00:00"), {"id": 2, "date": far}]
    duck.api.fault = lambda request: Answer(duck.api.data["/items"])
    assert duck.account(duck.ingest()) == (2, 1, 1, 0)
    duck.api.data["/items"].append(order(3, "03T10:00:00"))
    duck.ingest()
    assert duck.rows("id") == [(1,), (3,)]


def test_numbers_written_as_texts_of_different_lengths_are_not_compared(duck: World) -> None:
    duck.rest(items=RestResource(incremental=Incremental("no", "10")))
    duck.api.data["/items"] = [{"no": "11"}, {"no": "9"}, {"no": "100"}]
    assert duck.account(duck.ingest()) == (3, 1, 2, 0)
