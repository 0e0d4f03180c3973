"""What a table says of a contract at one look: never yes where the validator says no to a record."""

from __future__ import annotations

import json
from typing import Any

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_cli.contracts.contract import Contract
from pipeline_cli.nested.contract import sure_holds

TEXTS = st.sampled_from(
    [
        *("", "a", "ab", "ÅÅ", "😀😀", "a\nb", "7", "SKU-000001", "127.0.0.1", "24:00:00Z"),
        *("2024-02-29T10:00:00Z", "2024-02-30T10:00:00Z", "2024-01-01", "2024-13-01"),
        *("me@example.com", "me@@example.com", "x" * 64 + "@a.no"),
    ]
)
INTEGERS = st.sampled_from([-(2**63), -1, 0, 1, 2, 5, 2**53, 2**63 - 1])
FLOATS = st.sampled_from([-0.0, 0.1, 0.30000000000000004, 1.0, 2.5, 1e300])
LEAVES = st.sampled_from([TEXTS, INTEGERS, FLOATS, st.booleans()])
FIELDS = ["a", "b", "c"]

LIMITS = st.sampled_from([-1, 0, 0.1, 0.3, 1, 2, 2.5, 3])
SIMPLE = st.one_of(
    st.just(True),
    st.builds(
        lambda types: {"type": types if len(types) > 1 else types[0]},
        st.lists(
            st.sampled_from(["null", "integer", "number", "string", "boolean", "object", "array"]),
            min_size=1,
            max_size=3,
            unique=True,
        ),
    ),
    st.builds(
        lambda values: {"enum": values},
        st.lists(TEXTS | INTEGERS | FLOATS | st.none(), min_size=1, max_size=4),
    ),
    st.builds(lambda value: {"const": value}, TEXTS | INTEGERS),
    st.builds(
        lambda name, limit: {name: limit},
        st.sampled_from(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]),
        LIMITS,
    ),
    st.builds(
        lambda name, limit: {name: limit},
        st.sampled_from(["minLength", "maxLength", "minItems", "maxItems"]),
        st.integers(0, 3),
    ),
    st.builds(
        lambda pattern: {"pattern": pattern},
        st.sampled_from(["^a", "b$", ".", "^SKU-[0-9]{6}$", "\\d", "[^@]+@"]),
    ),
    st.builds(
        lambda name: {"format": name},
        st.sampled_from(
            ["date-time", "date", "time", "email", "ipv4", "uuid", "uri", "of-my-own", "duration"]
        ),
    ),
)


def objects_of(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"properties": st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3)},
        optional={
            "type": st.just("object"),
            "required": st.lists(st.sampled_from(FIELDS), max_size=2, unique=True),
            "additionalProperties": st.booleans(),
        },
    )


MERGED = st.builds(
    lambda one, two: {**one, **two} if isinstance(one, dict) and isinstance(two, dict) else one,
    SIMPLE,
    SIMPLE,
)
SCHEMAS = st.recursive(
    MERGED,
    lambda inner: objects_of(inner) | st.builds(lambda items: {"items": items}, inner),
    max_leaves=4,
)
KINDS = st.recursive(
    LEAVES,
    lambda inner: (
        st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3).map(
            lambda named: st.fixed_dictionaries({}, optional=named)
        )
        | inner.map(lambda each: st.lists(each | st.none(), max_size=3))
    ),
    max_leaves=5,
)


@st.composite
def records(draw: st.DrawFn) -> list[dict[str, Any]]:
    kinds = draw(st.dictionaries(st.sampled_from(FIELDS), KINDS, min_size=1, max_size=3))
    fields = {name: kind | st.none() if draw(st.booleans()) else kind for name, kind in kinds.items()}
    return draw(st.lists(st.fixed_dictionaries({}, optional=fields), min_size=1, max_size=4))


SURE = {True: 0, False: 0}


def table_of(rows: list[dict[str, Any]]) -> Any:
    return pyarrow.Table.from_struct_array(pyarrow.array(rows))


@settings(max_examples=400, deadline=None, derandomize=True)
@given(objects_of(SCHEMAS), records())
def test_what_is_sure_is_what_the_validator_says(schema: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    check = sure_holds(schema)
    if check is None:
        return
    table = table_of(rows)
    contract = Contract(schema, "c.json")
    is_sure = table.num_columns > 0 and check(table)
    SURE[is_sure] += 1
    assert not is_sure or all(contract.holds(row) for row in rows), json.dumps([schema, rows])


def test_much_is_sure() -> None:
    assert SURE[True] > 40 and SURE[False] > 40, SURE


ORDER = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["id", "at", "lines"],
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "at": {"type": "string", "format": "date-time"},
        "status": {"enum": ["new", "paid"]},
        "note": {"type": ["string", "null"], "maxLength": 5},
        "customer": {"$ref": "#/$defs/customer"},
        "lines": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["sku"],
                "properties": {"sku": {"pattern": "^S-[0-9]+$"}},
            },
        },
    },
    "$defs": {"customer": {"type": "object", "properties": {"zip": {"type": "string", "minLength": 5}}}},
}
GOOD = {
    "id": 1,
    "at": "2024-02-29T10:00:00Z",
    "status": "new",
    "customer": {"zip": "01234"},
    "lines": [{"sku": "S-1"}],
}


@pytest.mark.parametrize(
    "broken",
    [
        {"id": 0},
        {"id": None},
        {"id": "1"},
        {"at": "2024-02-30T10:00:00Z"},
        {"status": "gone"},
        {"note": "longer"},
        {"customer": {"zip": "1"}},
        {"customer": {"zip": 12345}},
        {"lines": []},
        {"lines": [{"sku": "X"}]},
        {"lines": [{"sku": None}]},
    ],
    ids=json.dumps,
)
def test_one_broken_record_among_good_ones_is_never_sure(broken: dict[str, Any]) -> None:
    check = sure_holds(ORDER)
    assert check is not None
    good = [{**GOOD, "note": note} for note in (None, "short")]
    assert check(table_of(good))
    columns = {**GOOD, **broken}
    alone = table_of([columns])
    assert not check(alone)
    if all(isinstance(columns[name], type(GOOD[name])) for name in GOOD) and broken != {
        "customer": {"zip": 12345}
    }:
        assert not check(table_of([*good, columns]))


@pytest.mark.parametrize(
    "schema",
    [
        {"oneOf": []},
        {"properties": {"a": {"not": {}}}},
        {"properties": {"a": {"multipleOf": 2}}},
        {"type": "array"},
        {"properties": {name: {"$ref": "#"} for name in "abcdefgh"}},
        True,
    ],
    ids=json.dumps,
)
def test_schemas_that_are_not_known_are_left_to_the_validator(schema: Any) -> None:
    assert sure_holds(schema) is None
