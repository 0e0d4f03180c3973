"""append, merge, replace and scd2, on both warehouses."""

from __future__ import annotations

import pytest

from pipeline_cli.manifest.paginators import PageNumber
from pipeline_cli.manifest.sources import Column, Endpoint, Incremental, RestResource
from tests.integration.ingest.world import World, pages_of

PAGED = Endpoint("items", paginator=PageNumber("page_number"))


def keyed(disposition: str, **options: object) -> RestResource:
    return RestResource(primary_key=("id",), write_disposition=disposition, **options)  # type: ignore[arg-type]


def test_append_adds_every_record_again(world: World) -> None:
    world.rest(items=RestResource())
    world.api.data["/items"] = [{"id": 1, "name": "tea"}, {"id": 2, "name": "cup"}]
    assert world.account(world.ingest()) == (2, 2, 0, 0)
    assert world.account(world.ingest()) == (2, 2, 0, 0)
    assert world.rows("id, name, _run_id") == [
        (1, "tea", "run1"),
        (1, "tea", "run2"),
        (2, "cup", "run1"),
        (2, "cup", "run2"),
    ]


def test_merge_replaces_a_changed_record_with_its_child_rows(world: World) -> None:
    world.rest(items=keyed("merge"))
    first = {"id": 1, "name": "tea", "tags": ["a", "b", "c"], "sizes": [{"cm": 1}, {"cm": 2}]}
    other = {"id": 2, "name": "cup", "tags": ["x"], "sizes": []}
    world.api.data["/items"] = [first, other]
    assert world.account(world.ingest()) == (2, 2, 0, 0)
    world.api.data["/items"] = [{**first, "tags": ["b"], "sizes": [{"cm": 3}]}, other]
    result = world.ingest()
    assert world.account(result) == (2, 1, 0, 1)
    assert result.loaded_tables == {
        ("bronze_shop", "items"),
        ("bronze_shop", "items__tags"),
        ("bronze_shop", "items__sizes"),
    }
    assert world.rows("id, name, _run_id") == [(1, "tea", "run2"), (2, "cup", "run1")]
    assert world.rows("value", "items__tags") == [("b",), ("x",)]
    assert world.rows("cm", "items__sizes") == [(3,)]


def test_a_record_that_loses_all_its_children_keeps_no_child_row(world: World) -> None:
    world.rest(items=keyed("merge"))
    world.api.data["/items"] = [{"id": 1, "tags": ["a", "b"]}]
    world.ingest()
    world.api.data["/items"] = [{"id": 1, "tags": []}]
    result = world.ingest()
    assert world.rows("value", "items__tags") == []
    assert ("bronze_shop", "items__tags") in result.loaded_tables


def test_a_second_run_without_change_loads_nothing(world: World) -> None:
    world.rest(items=keyed("merge"))
    world.api.data["/items"] = [{"id": 1, "tags": ["a"]}, {"id": 2, "tags": ["b"]}]
    world.ingest()
    loads = world.query("SELECT count(*) FROM bronze_shop._dlt_loads")
    world.api.data["/items"] = [{"tags": ["b"], "id": 2}, {"id": 1, "tags": ["a"]}]
    result = world.ingest()
    assert (result.status, world.account(result)) == ("unchanged", (2, 0, 0, 2))
    assert (result.loaded_tables, result.load_ids) == (frozenset(), [])
    assert world.query("SELECT count(*) FROM bronze_shop._dlt_loads") == loads


def test_of_one_key_in_a_page_the_last_wins(world: World) -> None:
    world.rest(items=keyed("merge"))
    world.api.data["/items"] = [{"id": 1, "n": "first"}, {"id": 1, "n": "last"}, {"id": 2, "n": "other"}]
    first = world.ingest()
    assert world.account(first) == (3, 2, 0, 1)
    assert first.resources[0].repeated == 1
    assert world.rows("id, n") == [(1, "last"), (2, "other")]
    world.api.data["/items"] = [{"id": 1, "n": "last"}]
    again = world.ingest()
    assert (again.resources[0].deduplicated, again.resources[0].repeated) == (1, 0)


def test_of_one_key_across_pages_the_last_wins(world: World) -> None:
    world.rest(items=keyed("merge", endpoint=PAGED))
    world.api.data["/items"] = pages_of(
        [[{"id": 1, "n": "a", "t": ["x"]}], [{"id": 1, "n": "b", "t": ["y", "z"]}], [{"id": 2, "n": "c"}]]
    )
    result = world.ingest()
    assert world.account(result) == (3, 2, 0, 1)
    assert result.resources[0].repeated == 1
    assert world.rows("id, n") == [(1, "b"), (2, "c")]
    assert world.rows("value", "items__t") == [("y",), ("z",)]


def test_the_last_wins_also_when_it_is_what_the_table_held_before(world: World) -> None:
    world.rest(items=keyed("merge", endpoint=PAGED))
    world.api.data["/items"] = pages_of([[{"id": 1, "n": "old"}]])
    world.ingest()
    world.api.data["/items"] = pages_of([[{"id": 1, "n": "new"}], [{"id": 1, "n": "old"}]])
    result = world.ingest()
    assert world.rows("id, n") == [(1, "old")]
    assert world.account(result)[0] == 2


def test_keys_of_two_fields_and_of_nested_fields(world: World) -> None:
    world.rest(items=RestResource(primary_key=("shop", "no"), write_disposition="merge"))
    world.api.data["/items"] = [{"shop": 1, "no": 1, "v": 1}, {"shop": 2, "no": 1, "v": 2}]
    world.ingest()
    world.api.data["/items"] = [{"shop": 1, "no": 1, "v": 3}, {"shop": 2, "no": 1, "v": 2}]
    assert world.account(world.ingest()) == (2, 1, 0, 1)
    assert world.rows("shop, no, v") == [(1, 1, 3), (2, 1, 2)]


def test_a_whole_number_and_its_float_are_one_key(world: World) -> None:
    world.rest(items=keyed("merge", columns={"id": Column(data_type="double")}))
    world.api.data["/items"] = [{"id": 1, "n": "first"}, {"id": 1.0, "n": "last"}]
    world.ingest()
    assert world.rows("id, n") == [(1.0, "last")]


def test_replace_swaps_the_whole_table_and_shrinks_to_nothing(world: World) -> None:
    world.rest(items=RestResource(write_disposition="replace"))
    world.api.data["/items"] = [{"id": 1, "tags": ["a"]}, {"id": 2, "tags": ["b", "c"]}]
    world.ingest()
    world.api.data["/items"] = [{"id": 3, "tags": ["d"]}]
    assert world.account(world.ingest()) == (1, 1, 0, 0)
    assert (world.rows("id"), world.rows("value", "items__tags")) == ([(3,)], [("d",)])
    world.api.data["/items"] = []
    result = world.ingest()
    assert world.account(result) == (0, 0, 0, 0)
    assert (world.rows("id"), world.rows("value", "items__tags")) == ([], [])
    assert ("bronze_shop", "items") in result.loaded_tables


def test_a_failed_replace_leaves_the_table_as_it_was(world: World) -> None:
    from pipeline_cli.errors import SourceError
    from tests.servers.json_api import Answer

    world.rest(items=RestResource(write_disposition="replace", endpoint=PAGED))
    world.api.data["/items"] = pages_of([[{"id": 1}], [{"id": 2}]])
    world.ingest()
    world.api.fault = lambda request: Answer(status=500) if request.query.get("page") == "1" else None
    with pytest.raises(SourceError):
        world.ingest()
    assert world.rows("id") == [(1,), (2,)]


def versions(world: World) -> list[tuple[object, ...]]:
    """(id, price, is it the current version), in order."""
    found = world.query('SELECT "id", "price", "_dlt_valid_to" IS NULL FROM "bronze_shop"."items"')
    return sorted(found, key=repr)


def test_scd2_keeps_each_version_and_writes_nothing_unchanged(world: World) -> None:
    world.rest(items=keyed("scd2"))
    world.api.data["/items"] = [{"id": 1, "price": 10, "t": ["a"]}, {"id": 2, "price": 20, "t": ["b"]}]
    assert world.account(world.ingest()) == (2, 2, 0, 0)
    world.api.data["/items"] = [{"id": 1, "price": 11, "t": ["c"]}, {"id": 2, "price": 20, "t": ["b"]}]
    assert world.account(world.ingest()) == (2, 1, 0, 1)
    assert versions(world) == [(1, 10, False), (1, 11, True), (2, 20, True)]
    assert world.rows("value", "items__t") == [("a",), ("b",), ("c",)]
    result = world.ingest()
    assert world.account(result) == (2, 0, 0, 2)
    assert versions(world) == [(1, 10, False), (1, 11, True), (2, 20, True)]


def test_scd2_closes_what_the_source_no_longer_has(world: World) -> None:
    world.rest(items=keyed("scd2"))
    world.api.data["/items"] = [{"id": 1, "price": 10}, {"id": 2, "price": 20}]
    world.ingest()
    world.api.data["/items"] = [{"id": 2, "price": 20}]
    result = world.ingest()
    assert versions(world) == [(1, 10, False), (2, 20, True)]
    assert ("bronze_shop", "items") in result.loaded_tables
    world.api.data["/items"] = []
    world.ingest()
    assert versions(world) == [(1, 10, False), (2, 20, False)]


def test_scd2_opens_a_version_again_when_a_record_comes_back(world: World) -> None:
    world.rest(items=keyed("scd2"))
    for price in (10, 11, 10):
        world.api.data["/items"] = [{"id": 1, "price": price}]
        world.ingest()
    assert versions(world) == [(1, 10, False), (1, 10, True), (1, 11, False)]


def test_scd2_with_incremental_keeps_what_a_load_does_not_hold(world: World) -> None:
    cursor = Incremental("at", "2024-01-01T00:00:00Z", start_param="startdate")
    world.rest(items=keyed("scd2", incremental=cursor))
    world.api.data["/items"] = [
        {"id": 1, "price": 10, "at": "2024-01-02T00:00:00Z"},
        {"id": 2, "price": 20, "at": "2024-01-02T00:00:00Z"},
    ]
    world.ingest()
    world.api.data["/items"] = [{"id": 1, "price": 11, "at": "2024-01-03T00:00:00Z"}]
    world.ingest()
    assert versions(world) == [(1, 10, False), (1, 11, True), (2, 20, True)]


def test_scd2_has_one_current_version_of_a_key_that_came_twice(world: World) -> None:
    world.rest(items=keyed("scd2", endpoint=PAGED))
    world.api.data["/items"] = pages_of(
        [[{"id": 1, "price": 10}, {"id": 1, "price": 11}], [{"id": 1, "price": 12}, {"id": 2, "price": 20}]]
    )
    world.ingest()
    current = [row for row in versions(world) if row[2]]
    assert [row[0] for row in current] == [1, 2]


def test_scd2_that_repeats_a_record_on_two_pages_keeps_it_once(world: World) -> None:
    world.rest(items=keyed("scd2", endpoint=PAGED))
    world.api.data["/items"] = pages_of([[{"id": 1, "price": 10}], [{"id": 1, "price": 10}]])
    assert world.account(world.ingest()) == (2, 1, 0, 1)
    assert versions(world) == [(1, 10, True)]
