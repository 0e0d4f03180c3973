"""Contracts: reasons with their places, column types, and contracts inferred from data."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_cli.contracts.contract import Contract
from pipeline_cli.contracts.infer import infer_contract
from pipeline_cli.contracts.json_values import json_ready, parse_json, plain_json, record_hash
from pipeline_cli.contracts.reasons import Reason
from pipeline_cli.errors import UsageError

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["2024-01-01", "2024-01-01T00:00:00Z", "a@b.example", "https://x.example/"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
RECORDS = st.dictionaries(st.sampled_from(["a", "b", "c", "Ünï", ""]), VALUES, max_size=4)


@settings(max_examples=200, deadline=None)
@given(st.lists(RECORDS, min_size=1, max_size=5))
def test_every_sampled_record_meets_the_contract_inferred_from_it(records: list[dict[str, Any]]) -> None:
    contract = Contract(json.loads(json.dumps(infer_contract(records))), "inferred")
    for record in records:
        assert contract.reasons(record) == ()


def test_an_inferred_contract_says_what_all_records_share() -> None:
    rows = [
        {"id": 1, "price": 1, "at": "2024-01-01", "mail": "a@b.example", "in": {"x": 1}, "l": [{"n": 1}]},
        {"id": 2, "price": 1.5, "at": None, "mail": "c@d.example", "in": {"x": "y"}, "l": []},
    ]
    schema = infer_contract(rows)
    fields = schema["properties"]
    assert schema["required"] == list(rows[0])
    assert fields["id"] == {"type": "integer"}
    assert fields["price"] == {"type": "number"}
    assert fields["at"] == {"type": ["null", "string"], "format": "date"} or fields["at"]["type"] == [
        "null",
        "string",
    ]
    assert fields["mail"] == {"type": "string", "format": "email"}
    assert fields["in"]["properties"]["x"] == {"type": ["integer", "string"]}
    assert fields["l"]["items"]["required"] == ["n"]


def test_no_records_give_a_contract_that_allows_all() -> None:
    assert Contract(infer_contract([]), "x").reasons({"any": 1}) == ()


def test_all_reasons_have_their_place_rule_and_a_short_message() -> None:
    schema = {
        "required": ["id"],
        "properties": {
            "a": {"properties": {"b": {"items": {"type": "integer"}}}},
            "mail": {"format": "email"},
            "long": {"enum": ["x"]},
        },
    }
    record = {"a": {"b": [1, "two", 3.5]}, "mail": "no", "long": "y" * 1_000}
    reasons = Contract(schema, "x").reasons(record)
    assert {(reason.path, reason.rule) for reason in reasons} == {
        ("$", "required"),
        ("$.a.b[1]", "type"),
        ("$.a.b[2]", "type"),
        ("$.mail", "format"),
        ("$.long", "enum"),
    }
    assert all(len(reason.message) <= 200 for reason in reasons)


@pytest.mark.parametrize("number", [Decimal("0.1"), 2**70, Decimal("123456789012345678901234567890.5")])
def test_large_numbers_are_numbers_to_a_contract(number: Any) -> None:
    contract = Contract({"properties": {"n": {"type": "number", "minimum": 0}}}, "x")
    assert contract.reasons(json_ready({"n": number})) == ()
    negative = Contract({"properties": {"n": {"type": "number", "maximum": 0}}}, "x")
    assert [reason.rule for reason in negative.reasons(json_ready({"n": number}))] == ["maximum"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"c.json:1:\d+ is not JSON"),
        ("[]", "must hold a JSON object"),
        ('{"type": 3}', "not a valid JSON Schema"),
        ('{"properties": {"a": {"minimum": "x"}}}', "not a valid JSON Schema"),
        ('{"$ref": "#/nowhere"}', "not a valid JSON Schema"),
    ],
)
def test_a_file_that_is_no_contract_is_told(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "c.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        Contract.read(tmp_path / "c.json", "c.json")


def test_a_contract_reaches_no_other_file(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text('{"type": "integer"}', encoding="utf-8")
    for reference in (other.as_uri(), "http://127.0.0.1:9/x.json"):
        with pytest.raises(UsageError):
            Contract({"$ref": reference}, "x")


@given(VALUES)
@settings(max_examples=200, deadline=None)
def test_json_comes_back_as_it_was_written(value: Any) -> None:
    assert parse_json(json.dumps(value)) == value


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_no_digit_of_a_number_is_lost(number: Decimal) -> None:
    text = f"{number:f}" if abs(number.adjusted()) < 50 else str(number)
    if "." not in text and "E" not in text:
        text += ".0"
    found = parse_json(text)
    assert (found if isinstance(found, Decimal) else Decimal(repr(found))) == Decimal(text)


def test_equal_content_has_one_hash_and_other_content_another() -> None:
    assert record_hash({"a": 1, "b": [1, {"c": 2}]}) == record_hash({"b": [1, {"c": 2}], "a": 1})
    records = [
        {"a": 1},
        {"a": "1"},
        {"a": True},
        {"a": None},
        {"a": [1]},
        {"a": 1.5},
        {"b": 1},
        {},
        {"a": 2**64},
    ]
    assert len({record_hash(record) for record in records}) == len(records)


def test_text_for_quarantine_holds_every_character() -> None:
    text = plain_json({"a": "é🙂\ud800", "n": Decimal("1.10"), "d": float("nan")})
    assert "é🙂" in text
    assert "\\ud800" in text
    assert "1.10" in text
    text.encode()


@pytest.mark.parametrize(
    ("record", "path"),
    [({"j": ["\ud800"]}, "$.j[0]"), ({"j": "a\ud800"}, "$.j"), ({"j": 1, "b": {"\udfff": 1}}, "$.b")],
)
def test_half_of_a_surrogate_pair_is_a_reason_and_no_failure(record: dict[str, Any], path: str) -> None:
    contract = Contract(
        {"properties": {"j": {"type": "object"}, "b": {"propertyNames": {"maxLength": 9}}}}, "c.json"
    )
    message = "holds half of a surrogate pair, which is not valid Unicode"
    assert contract.reasons(record) == (Reason(path, "surrogate", message),)


def test_a_number_that_is_none_breaks_its_contract_and_is_no_failure() -> None:
    contract = Contract({"properties": {"n": {"type": "number"}, "l": {"type": "array"}}}, "c.json")
    record = json_ready(parse_json('{"n": NaN, "l": [{"deep": -Infinity}], "other": Infinity}'))
    assert [(each.path, each.rule) for each in contract.reasons(record)] == [("$.n", "type")]
    assert contract.reasons(parse_json('{"l": [Infinity]}')) == ()
