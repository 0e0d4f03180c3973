"""What a REST resource brings beside its records: metadata, the raw record, its parent's fields."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from pipeline_cli.load import bronze_tables
from pipeline_cli.loading.pipeline import pipelines_dir
from pipeline_cli.manifest.sources import Endpoint, RestResource
from pipeline_cli.progress import Progress
from tests.integration.ingest.world import World
from tests.servers.json_api import Answer


def keyed(**options: object) -> RestResource:
    return RestResource(primary_key=("id",), write_disposition="merge", **options)  # type: ignore[arg-type]


def test_every_row_says_where_it_came_from(world: World) -> None:
    record = {"id": 1, "Name": "Ünï", "inner": {"b": [1, {"c": None}]}, "zero": 0.5}
    world.rest(items=keyed(keep_raw=True, endpoint="products/all"))
    world.api.data["/products/all"] = [record]
    before = datetime.now(UTC)
    world.ingest()
    [row] = world.query(
        "SELECT _run_id, _source, _endpoint, _size_bytes, CAST(_raw AS text), _extracted_at, _record_hash, "
        "_dlt_load_id FROM bronze_shop.items"
    )
    assert row[:3] == ("run1", "shop", "products/all")
    assert json.loads(row[4]) == record
    assert row[3] == len(json.dumps(record, ensure_ascii=False).encode())
    moment = row[5] if row[5].tzinfo else row[5].replace(tzinfo=UTC)
    assert before <= moment <= datetime.now(UTC) + timedelta(seconds=1)
    assert len(row[6]) == 32
    assert world.query("SELECT load_id FROM bronze_shop._dlt_loads") == [(row[7],)]


def test_bronze_tables_are_told_with_their_columns(world: World) -> None:
    world.rest(items=keyed())
    with world.warehouse.exclusive():
        assert bronze_tables(world.project, world.warehouse, "shop") == []
    world.api.data["/items"] = [{"id": 1, "tags": ["a"]}]
    world.ingest()

    def cut_schema() -> None:
        [file] = pipelines_dir(world.project).glob("shop/schemas/*.schema.json")
        file.write_bytes(file.read_bytes()[:100])

    for damage in (cut_schema, world.drop_working_folder, None):
        with world.warehouse.exclusive():
            tables = {each.name: each for each in bronze_tables(world.project, world.warehouse, "shop")}
        assert set(tables) == {"items", "items__tags"}
        assert dict(tables["items"].columns)["id"] == "bigint"
        if damage is not None:
            damage()


def family(world: World) -> None:
    world.rest(
        items=keyed(contract=world.contract("items", {"required": ["name"]})),
        orders=keyed(endpoint=Endpoint("items/{resources.items.id}/orders"), include_from_parent=("name",)),
    )
    world.api.data["/items"] = [{"id": 1, "name": "ann"}, {"id": 2, "name": "bob"}, {"id": 3}]
    world.api.data["/items/1/orders"] = [{"id": 10}, {"id": 11}]
    world.api.data["/items/2/orders"] = [{"id": 20}]


def test_children_are_read_for_each_good_parent(world: World) -> None:
    family(world)
    result = world.ingest()
    assert world.account(result) == (3, 2, 1, 0)
    assert world.account(result, "orders") == (3, 3, 0, 0)
    assert world.rows("id, _items_name", "orders") == [(10, "ann"), (11, "ann"), (20, "bob")]
    assert world.api.count("/items/3/orders") == 0


def test_children_of_parents_that_have_not_changed_are_read_again(world: World) -> None:
    family(world)
    world.ingest()
    world.api.data["/items/1/orders"] = [{"id": 10}, {"id": 11, "new": True}, {"id": 12}]
    result = world.ingest()
    assert world.account(result) == (3, 0, 1, 2)
    assert world.account(result, "orders") == (4, 2, 0, 2)


def test_a_child_that_is_down_loads_nothing_of_its_parent(duck: World) -> None:
    import pytest

    from pipeline_cli.errors import SourceError

    family(duck)
    duck.api.fault = lambda request: Answer(status=500) if request.path == "/items/2/orders" else None
    with pytest.raises(SourceError, match="/items/2/orders answered 500"):
        duck.ingest()
    assert duck.tables() == set()


def test_resources_side_by_side_load_the_same(duck: World) -> None:
    from dataclasses import replace

    names = [f"items{number}" for number in range(5)]
    for name in names:
        duck.api.data[f"/{name}"] = [{"id": number, "of": name} for number in range(20)]
    duck.source = replace(duck.rest(**{name: keyed() for name in names}), parallel=True)
    duck.ingest()
    assert all(duck.query(f"SELECT count(*) FROM bronze_shop.{name}") == [(20,)] for name in names)


def test_progress_is_told_page_by_page(duck: World) -> None:
    told: list[Progress] = []
    duck.rest(items=keyed())
    duck.api.data["/items"] = [{"id": 1}, {"id": 2}]
    duck.ingest(progress=told.append)
    assert told == [Progress("items", 2)]


def test_a_cancelled_run_loads_nothing(duck: World) -> None:
    import threading

    import pytest

    from pipeline_cli.errors import StepError

    cancelled = threading.Event()
    cancelled.set()
    duck.rest(items=keyed())
    duck.api.data["/items"] = [{"id": 1}]
    with pytest.raises(StepError, match="interrupted between two pages"):
        duck.ingest(cancelled=cancelled)
    assert duck.tables() == set()
    assert duck.account(duck.ingest()) == (1, 1, 0, 0)
