"""What an API changes, and what `schema_contract` makes of it: on the rows path and by column."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline_cli.errors import ChecksFailed
from pipeline_cli.manifest.sources import RestResource, SchemaContract
from tests.integration.ingest.world import Row, World

# Pages of fewer records are rows, those of more are loaded by column.
COUNTS = pytest.mark.parametrize("count", [3, 60], ids=["rows", "columns"])


def items(count: int, first: int = 1, **more: Any) -> list[Row]:
    return [{"id": number, "price": 1.5, "size": {"w": 1}, **more} for number in range(first, first + count)]


def declare(world: World, drift: SchemaContract | str | None = None, **options: Any) -> None:
    options = {"primary_key": ("id",), "write_disposition": "merge", "columns": {}, **options}
    world.rest(items=RestResource(schema_contract=drift, **options))  # type: ignore[arg-type]


def load(world: World, rows: list[Row]) -> list[str]:
    """Load these; what has changed."""
    world.api.data["/items"] = rows
    return [str(each) for each in world.ingest().schema_changes if not each.table.startswith("_")]


def rejected(world: World) -> list[tuple[int, list[str]]]:
    return [(record["id"], [reason["rule"] for reason in reasons]) for record, reasons in world.quarantine()]


@COUNTS
def test_new_fields_are_taken_in_unless_the_resource_says_otherwise(world: World, count: int) -> None:
    declare(world)
    load(world, items(count))
    assert load(world, items(count, colour="red")) == ["items.colour text"]
    assert set(world.rows("colour")) == {("red",)}


@COUNTS
def test_records_with_new_fields_go_to_quarantine(world: World, count: int) -> None:
    declare(world, SchemaContract(tables="quarantine", columns="quarantine"))
    load(world, items(count))
    news: list[Row] = [
        {"id": 101, "price": 1.5, "colour": "red"},
        {"id": 102, "price": 1.5, "size": {"w": 1, "h": 2}},
        {"id": 103, "price": 1.5, "tags": [{"name": "new"}]},
        {"id": 104, "price": 1.5, "colour": None, "tags": []},
    ]
    assert load(world, items(count) + news) == []
    assert rejected(world) == [(101, ["new_column"]), (102, ["new_column"]), (103, ["new_table"])]
    assert (104,) in world.rows("id") and len(world.rows("id")) == count + 1
    assert world.tables() == {"items", "_quarantine"}


def test_the_first_load_and_what_is_declared_are_no_drift(duck: World) -> None:
    declare(duck, "freeze")
    load(duck, [*items(2), {"id": 9, "price": 2.5, "name": "later in the first load", "tags": [{"a": 1}]}])
    contract = duck.contract("items", {"properties": {"colour": {"type": "string"}}})
    declare(duck, "freeze", contract=contract)
    assert load(duck, items(1, first=20, colour="red")) == ["items.colour text"]


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"id": 5, "colour": "red"}, "freezes columns: $.colour the table items has no column colour"),
        ({"id": 5, "tags": [1]}, "freezes tables: $.tags its items have no table items__tags to go to"),
        (
            {"id": 5, "price": "dear"},
            "freezes data_type: $.price 'dear' does not fit the column, which is double",
        ),
    ],
)
@COUNTS
def test_a_frozen_table_fails_the_load_which_leaves_nothing(
    duck: World, count: int, record: Row, told: str
) -> None:
    declare(duck, "freeze")
    load(duck, items(count))
    duck.api.data["/items"] = [*items(count, price=9.5), record]
    with pytest.raises(ChecksFailed) as caught:
        duck.ingest()
    assert caught.value.code == "E413" and told in caught.value.message
    assert set(duck.rows("price")) == {(1.5,)}
    assert load(duck, items(count, price=9.5)) == []
    assert set(duck.rows("price")) == {(9.5,)}


@COUNTS
def test_values_of_another_type_go_to_quarantine_and_are_told(world: World, count: int) -> None:
    declare(world)
    load(world, items(count))
    assert load(world, [*items(count), {"id": 101, "price": "dear"}, {"id": 102, "price": "?"}]) == [
        "items.price double: 2 records of another type"
    ]
    assert rejected(world) == [(101, ["column_type"]), (102, ["column_type"])]


@COUNTS
def test_values_of_another_type_are_kept_as_texts_beside_their_column(world: World, count: int) -> None:
    declare(world, SchemaContract(data_type="evolve"), keep_raw=True)
    load(world, items(count))
    news: list[Row] = [
        {"id": 101, "price": "dear", "size": {"w": "2024-01-01T00:00:00Z"}},
        {"id": 102, "price": True, "size": {"w": 2}},
    ]
    changes = load(world, items(count, price=2.5) + news)
    assert "items.price__v_text text" in changes and "items.size__w__v_text text" in changes
    found = world.rows("id, price, price__v_text, size__w, size__w__v_text", where="WHERE id > 100")
    assert found == [
        (101, None, "dear", None, "2024-01-01T00:00:00Z"),
        (102, None, "true", 2, None),
    ]
    [(raw,)] = world.rows("_raw", where="WHERE id = 101")
    assert "v_text" not in str(raw) and "dear" in str(raw)
    assert "_quarantine" not in world.tables()
    # The same again is known: nothing is loaded twice, nothing has changed.
    again = load(world, items(count, price=2.5) + news)
    assert again == [each for each in changes if "another type" in each] and len(again) == 2
    assert len(world.rows("id")) == count + 2


def test_a_key_of_another_type_is_no_text(duck: World) -> None:
    declare(duck, SchemaContract(data_type="evolve"))
    load(duck, items(2))
    load(duck, [{"id": "three", "price": 1.5}])
    assert [reasons for _, reasons in rejected(duck)] == [["column_type"]]


@COUNTS
def test_the_fields_of_a_load_are_counted_by_table(duck: World, count: int) -> None:
    rows = [
        {"id": n, "tags": [{"name": "a"}, {"name": None}], "note": "x" if n % 3 == 0 else None}
        for n in range(count)
    ]
    declare(duck)
    duck.api.data["/items"] = rows[:1]
    duck.ingest()
    duck.api.data["/items"] = rows
    fields = duck.ingest().fields
    assert {name: (each.data_type, each.filled) for name, each in fields["items"].fields.items()} == {
        "id": ("bigint", count),
        "note": ("text", len([row for row in rows if row["note"]])),
    }
    assert fields["items"].rows == count
    assert (fields["items__tags"].rows, fields["items__tags"].fields["name"].filled) == (2 * count, count)
