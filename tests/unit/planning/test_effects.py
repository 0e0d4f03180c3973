"""What a change does to the rows that are there, in words and as a mark."""

from __future__ import annotations

import pytest

from pipeline_cli.planning.contracts import compare_contracts
from pipeline_cli.planning.effects import (
    cursor_effect,
    disposition_effect,
    is_narrower,
    key_effect,
)

LOSING = {("append", "replace"), ("merge", "replace"), ("scd2", "replace"), ("scd2", "merge")}


@pytest.mark.parametrize("before", ["append", "merge", "replace", "scd2"])
@pytest.mark.parametrize("after", ["append", "merge", "replace", "scd2"])
def test_dispositions_that_lose_rows_are_marked(before: str, after: str) -> None:
    if before != after:
        assert disposition_effect(before, after, 7)[1] is ((before, after) in LOSING)
        assert "7 rows" in disposition_effect(before, after, 7)[0]
        assert disposition_effect(before, after, 0) == ("no rows are there yet", False)


@pytest.mark.parametrize(
    ("shared", "destructive", "words"),
    [
        (0, False, "each with a email of its own"),
        (3, True, "3 of 7 rows share"),
        (None, True, "have no email"),
    ],
)
def test_a_key_that_tells_rows_not_apart_is_marked(shared: int | None, destructive: bool, words: str) -> None:
    effect, marked = key_effect("merge", ["email"], shared, 7)
    assert marked is destructive
    assert words in effect


def test_a_cursor_on_another_field_reads_again_and_a_lower_beginning_reads_nothing() -> None:
    was = {"cursor_path": "date", "initial_value": "2019-01-01"}
    effect, marked = cursor_effect(was, {**was, "cursor_path": "updated_at"}, "2025-02-03", "append", 7)
    assert marked
    assert effect == (
        "the cursor at 2025-02-03 counts no more: read again from 2019-01-01; records that are there come twice"
    )
    effect, marked = cursor_effect(was, {**was, "initial_value": "2018-01-01"}, "2025-02-03", "merge", 7)
    assert not marked
    assert effect.startswith("nothing: the cursor stands at 2025-02-03")


@pytest.mark.parametrize(
    ("before", "after", "narrower"),
    [
        ({"data_type": "bigint"}, {"data_type": "double"}, False),
        ({"data_type": "double"}, {"data_type": "bigint"}, True),
        ({"data_type": "text"}, {"data_type": "date"}, True),
        ({"data_type": "date"}, {"data_type": "timestamp"}, False),
        ({"data_type": "decimal", "precision": 18}, {"data_type": "decimal", "precision": 10}, True),
        ({"data_type": "decimal", "precision": 10}, {"data_type": "decimal", "precision": 18}, False),
        ({}, {"nullable": False}, True),
        ({"nullable": False}, {}, False),
    ],
)
def test_narrower_types(before: dict[str, object], after: dict[str, object], narrower: bool) -> None:
    assert is_narrower(before, after) is narrower


def test_a_contract_is_compared_field_by_field() -> None:
    items = {
        "type": "array",
        "items": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0}}},
    }
    was = {"properties": {"id": {"type": "integer"}, "old": {}, "items": items}, "required": ["id"]}
    stricter = {
        "type": "array",
        "items": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}},
    }
    now = {
        "properties": {"id": {"type": ["integer", "string"]}, "at": {"type": "string"}, "items": stricter},
        "required": ["id", "at"],
        "additionalProperties": False,
    }
    stops = "a record that breaks it stops the load; rows that are there stay"
    found = dict(
        compare_contracts({"contract_schema": was}, {"contract_schema": now, "on_violation": "fail"})
    )
    assert found == {
        "contract: at is new (string, required)": stops,
        "contract: old is gone": stops,
        "contract: id: integer -> integer or string": stops,
        "contract: items[].n: minimum 0 -> 1": stops,
        "contract: other fields are refused now": stops,
    }
