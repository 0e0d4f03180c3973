"""Fields that a source gives differently, told by what is there and what is given."""

from __future__ import annotations

from pipeline_cli.planning.fields import FieldChange, TableView, compare_fields

THERE = {"id": "bigint", "price": "double", "note": "text", "_run_id": "text", "_dlt_id": "text"}


def compare(given: dict[str, str], **view: object) -> list[FieldChange]:
    made = TableView("things", THERE, given, records=50, **view)  # type: ignore[arg-type]
    return list(compare_fields(made))


def test_what_is_given_as_before_is_no_difference() -> None:
    # A whole number in a column of doubles is one, too.
    assert compare({"id": "bigint", "price": "bigint", "note": "text"}) == []


def test_a_new_field() -> None:
    found = compare({"id": "bigint", "price": "double", "note": "text", "color": "text"})
    assert found == [FieldChange("new", "things", "color", after="text")]


def test_a_column_that_most_rows_fill_is_missing_and_one_seldom_filled_is_not() -> None:
    given = {"id": "bigint"}
    found = compare(given, filled={"price": 0.98, "note": 0.02})
    assert [(change.kind, change.column) for change in found] == [("missing", "price")]


def test_a_field_of_another_name_with_the_same_values_was_renamed() -> None:
    given = {"id": "bigint", "note": "text", "amount": "double"}
    found = compare(given, filled={"price": 1.0}, shared={("price", "amount"): 0.9})
    assert found == [
        FieldChange("renamed", "things", "amount", "price", "amount", "90% of its values are those of price")
    ]


def test_a_field_of_another_name_and_other_values_was_not_renamed() -> None:
    given = {"id": "bigint", "note": "text", "weight": "double"}
    kinds = {
        change.kind for change in compare(given, filled={"price": 1.0}, shared={("price", "weight"): 0.1})
    }
    assert kinds == {"new", "missing"}


def test_another_kind_of_value_is_retyped() -> None:
    found = compare({"id": "bigint", "price": "text", "note": "text"})
    assert found == [FieldChange("retyped", "things", "price", "double", "text")]


def test_of_no_records_nothing_is_said() -> None:
    assert list(compare_fields(TableView("things", THERE, {}, records=0))) == []
