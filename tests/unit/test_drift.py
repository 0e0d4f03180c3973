"""What has changed between two loads of a source."""

from __future__ import annotations

import json

from pipeline_cli.drift import (
    Field,
    SchemaChange,
    SourceFields,
    TableFields,
    add_fields,
    compare_fields,
    from_json,
    to_json,
)


def load(rows: int, **filled: int) -> SourceFields:
    table = TableFields(rows)
    for name, count in filled.items():
        table.add(name, "text" if name.startswith("t_") else "double", count)
    return {"items": table}


def told(before: SourceFields, now: SourceFields, *added: SchemaChange) -> list[str]:
    return [str(each) for each in compare_fields(before, now, added)]


def test_a_field_that_all_records_had_and_none_has_is_missing_once() -> None:
    before = add_fields({}, load(5, id=5, price=5, note=3))
    now = load(4, id=4)
    assert told(before, now) == ["items.price is missing"], "a note is not always there"
    after = add_fields(before, now)
    assert told(after, load(4, id=4)) == []
    assert after["items"].fields["note"] == Field("double", 9, 3)


def test_a_load_without_records_says_nothing() -> None:
    before = add_fields({}, load(5, price=5))
    assert told(before, load(0)) == []
    assert add_fields(before, load(0)) == before


def test_a_field_that_came_later_is_missing_when_all_since_had_it() -> None:
    known = add_fields(add_fields({}, load(5, id=5)), load(2, id=2, colour=2))
    assert told(known, load(1, id=1)) == ["items.colour is missing"]


def test_a_new_field_of_the_same_type_in_the_place_of_a_missing_one_may_be_it() -> None:
    before = add_fields({}, load(5, id=5, price=5, t_name=5))
    new = SchemaChange("new", "items", "unit_price", "double")
    now = load(3, id=3, unit_price=3, t_name=3)
    assert told(before, now, new) == ["items.price is missing, items.unit_price is new: renamed?"]
    assert compare_fields(before, now, [new]) == [
        SchemaChange("renamed", "items", "unit_price", "double", before="price")
    ]


def test_a_new_field_of_another_type_or_in_some_records_is_new() -> None:
    before = add_fields({}, load(5, id=5, price=5))
    text = SchemaChange("new", "items", "t_price", "text")
    assert told(before, load(3, id=3, t_price=3), text) == ["items.t_price text", "items.price is missing"]
    some = SchemaChange("new", "items", "cost", "double")
    assert told(before, load(3, id=3, cost=2), some) == ["items.cost double", "items.price is missing"]


def test_of_two_missing_fields_the_one_that_is_called_alike_is_taken() -> None:
    before = add_fields({}, load(5, id=5, unit_price=5, weight=5))
    new = SchemaChange("new", "items", "price", "double")
    assert told(before, load(2, id=2, price=2), new) == [
        "items.unit_price is missing, items.price is new: renamed?",
        "items.weight is missing",
    ]
    zip_code = SchemaChange("new", "items", "zzz", "double")
    assert told(before, load(2, id=2, zzz=2), zip_code)[0] == "items.zzz double"


def test_values_of_another_type_are_told_when_they_begin() -> None:
    odd = SchemaChange("retyped", "items", "price", "double", records=2)
    before = add_fields({}, load(5, price=5))
    assert told(before, load(3, price=3), odd) == ["items.price double: 2 records of another type"]
    still = add_fields(before, load(3, price=3), [odd])
    assert told(still, load(3, price=3), odd) == []
    over = add_fields(still, load(3, price=3))
    assert told(over, load(3, price=3), odd) != []


def test_values_of_another_type_are_told_once_where_no_record_was_accepted() -> None:
    odd = SchemaChange("retyped", "items", "price", "double", records=5)
    before = add_fields({}, load(5, price=5))
    after = add_fields(before, {}, [odd])
    assert told(after, {}, odd) == [] and told(after, load(0), odd) == []
    assert after["items"].fields == before["items"].fields


def test_what_is_known_is_kept_as_json() -> None:
    known = add_fields({}, load(5, id=5, note=0))
    assert from_json(json.loads(json.dumps(to_json(known)))) == known
    assert "note" not in known["items"].fields, "a field that never had a value is not known"
