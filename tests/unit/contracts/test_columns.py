"""Contracts on columns: what a text becomes, what is refused and in which words, and what needs Python."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from pipeline_cli.contracts.contract import Contract
from pipeline_cli.contracts.judge import judge
from pipeline_cli.contracts.patterns import to_re2
from pipeline_cli.contracts.predicates import compile_predicates
from pipeline_cli.contracts.texts import sql_type
from pipeline_cli.sources.scan import ColumnSpec
from tests.unit.contracts.columns_world import connect, see


def column(kind: str, **more: Any) -> ColumnSpec:
    return ColumnSpec("a", "a", kind, **more)


@pytest.mark.parametrize(
    ("spec", "text", "value"),
    [
        (column("bigint"), " +5 ", 5),
        (column("bigint"), "5.0", 5),
        (column("double"), "1e3", 1000.0),
        (column("double"), "12.50", 12.5),
        (column("decimal"), "0.123456789", Decimal("0.123456789")),
        (column("bool"), "TRUE", True),
        (column("bool", is_declared=True), "no", False),
        (column("date"), "2024-02-29", date(2024, 2, 29)),
        (column("date", date_format="%d.%m.%Y"), "29.02.2024", date(2024, 2, 29)),
        (column("timestamp"), "2024-01-01", datetime(2024, 1, 1, tzinfo=UTC)),
        (column("timestamp"), "2024-01-01T01:30:00.5+01:30", datetime(2024, 1, 1, microsecond=500_000, tzinfo=UTC)),
        (column("timestamp"), "2024-01-01 00:00:00-05", datetime(2024, 1, 1, 5, tzinfo=UTC)),
        (column("timestamp", timestamp_format="%d/%m/%Y %H:%M"), "01/02/2024 10:30",
            datetime(2024, 2, 1, 10, 30, tzinfo=UTC)),
        (column("time"), "10:30", time(10, 30)),
        (column("text"), " 007 ", " 007 "),
    ],
)  # fmt: skip
def test_a_text_becomes_what_its_column_is(spec: ColumnSpec, text: str, value: Any) -> None:
    judgement = judge(None, [spec], {"a": text})
    assert (judgement.reasons, judgement.row["a"]) == ((), value)


@pytest.mark.parametrize(
    ("spec", "text", "rule", "message"),
    [
        (column("bigint"), "007", "column_type", "'007' does not fit the column, which is bigint"),
        (column("bigint"), "5.5", "column_type", "'5.5' does not fit the column, which is bigint"),
        (column("bigint"), "1e3", "column_type", "'1e3' does not fit the column, which is bigint"),
        (column("bigint"), "9223372036854775808", "precision",
            "9223372036854775808 is not exact in the column, a 64-bit integer; declare its type under columns:"),
        (column("double"), "nan", "column_type", "'nan' does not fit the column, which is double"),
        (column("double"), "0.1234567890123456789", "precision",
            "0.1234567890123456789 is not exact in the column, a double; declare its type under columns:"),
        (column("double"), "1e400", "precision", None),
        (column("decimal"), "0.1234567891", "precision",
            "0.1234567891 is not exact in the column, a decimal(38, 9); declare its type under columns:"),
        (column("bool"), "yes", "column_type", "'yes' does not fit the column, which is bool"),
        (column("date"), "10000-01-01", "column_type", None),
        (column("date"), "2024-01-01T00:00:00", "column_type", None),
        (column("timestamp"), "infinity", "column_type", None),
        (column("timestamp"), "2024-01-01T00:00:00.1234567", "precision",
            "'2024-01-01T00:00:00.1234567' is finer than the column's microseconds"),
        (column("timestamp"), "0001-01-01T00:00:00+02:00", "range", None),
        (column("timestamp"), "2024-01-01T00:00:00+16:00", "column_type", None),
        (column("timestamp", encoding="json"), '"2024-01-01T00:00:00-20:00"', "column_type", None),
        (column("text"), "a\x00", "nul", "holds the character U+0000, which databases do not store"),
        (column("binary"), "00ff", "column_type", None),
        (column("bigint", encoding="json"), '"5"', "column_type", "'5' does not fit the column, which is bigint"),
        (column("text", encoding="json"), '"\\ud800"', "surrogate", None),
        (column("json", encoding="json"), '{"b": {"c": 1, "c": 2}}', "duplicate_key", None),
    ],
)  # fmt: skip
def test_a_text_that_its_column_cannot_hold_has_a_reason(
    spec: ColumnSpec, text: str, rule: str, message: str | None
) -> None:
    (reason,) = judge(None, [spec], {"a": text}).reasons
    assert (reason.path, reason.rule) == ("$.a", rule)
    assert message in (None, reason.message)


def test_a_contract_sees_what_a_text_says_and_absence_as_a_missing_key() -> None:
    specs = [
        ColumnSpec(name, name.lower(), kind)
        for name, kind in (("A", "bigint"), ("B", "timestamp"), ("C", "text"))
    ]
    contract = Contract(
        {"required": ["C"], "properties": {"A": {"minimum": 7}, "B": {"format": "date-time"}}}, "x"
    )
    judgement = judge(contract, specs, {"A": "5", "B": "2024-01-01 10:00", "C": None})
    assert judgement.record == {"A": 5, "B": "2024-01-01T10:00:00Z"}
    assert [(reason.path, reason.rule) for reason in judgement.reasons] == [
        ("$", "required"),
        ("$.A", "minimum"),
    ]
    assert judgement.row == {"a": 5, "b": datetime(2024, 1, 1, 10, tzinfo=UTC), "c": None}


def test_a_value_that_breaks_both_has_the_contracts_reasons_first_and_the_others_beside() -> None:
    judgement = judge(
        Contract({"properties": {"a": {"type": "integer"}}}, "x"), [column("bigint")], {"a": "x"}
    )
    assert [reason.rule for reason in judgement.reasons] == ["type"]
    assert [reason.rule for reason in judgement.inexact] == ["column_type"]


def test_only_what_sql_does_not_say_needs_python() -> None:
    specs = [ColumnSpec(name, name, "text") for name in "ab"]
    said = Contract({"properties": {"a": {"pattern": "^x"}, "b": {"format": "email"}}}, "x")
    assert not compile_predicates(said, specs).functions
    half = Contract({"properties": {"a": {"pattern": "(?=x)"}, "b": {"format": "email"}}}, "x")
    assert len(compile_predicates(half, specs).functions) == 1
    whole = Contract({"dependentRequired": {"a": ["b"]}}, "x")
    ((name, function),) = compile_predicates(whole, specs).functions.items()
    assert name == function.name


def test_several_columns_together_are_checked_row_by_row() -> None:
    specs = [ColumnSpec(name, name, "bigint") for name in "ab"]
    contract = Contract({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, "x")
    rows = [{"a": "1", "b": "2"}, {"a": "1"}, {"b": "2"}, {}]
    assert [seen.certain for seen in see(connect(), contract, specs, rows)] == [True, False, True, True]


def test_a_column_that_the_contract_requires_and_nobody_has_makes_no_row_certain() -> None:
    contract = Contract({"required": ["b"]}, "x")
    (seen,) = see(connect(), contract, [column("text")], [{"a": "x"}])
    assert (seen.certain, [reason.rule for reason in seen.judgement.reasons]) == (False, ["required"])


def test_an_additional_column_is_allowed_only_where_it_is_empty() -> None:
    contract = Contract({"properties": {"b": True}, "additionalProperties": False}, "x")
    found = see(connect(), contract, [column("text")], [{"a": "x"}, {"a": None}])
    assert [seen.certain for seen in found] == [False, True]


def test_a_property_named_with_a_slash_is_found_by_its_function() -> None:
    spec = ColumnSpec("a/b ~%ü", "a_b", "text")
    contract = Contract({"properties": {"a/b ~%ü": {"not": {"const": "x"}}}}, "x")
    found = see(connect(), contract, [spec], [{"a/b ~%ü": "x"}, {"a/b ~%ü": "y"}])
    assert [seen.certain for seen in found] == [False, True]


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=a)",
        r"\bA",
        r"\p{L}",
        "(?i)a",
        "a{,3}",
        "[a&&b]",
        "[[a]]",
        r"(a)\1",
        "a{2000}",
        "(a{50}){50}",
        r"\u0041",
        "a**",
    ],
)
def test_a_pattern_that_may_mean_something_else_is_left_to_python(pattern: str) -> None:
    assert to_re2(pattern) is None


def test_the_dot_matches_no_end_of_a_line_of_either_dialect() -> None:
    assert to_re2("^.{2}é+?$") == r"^[^\n\r\x{2028}\x{2029}]{2}é+$"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (column("decimal"), "DECIMAL(38, 9)"),
        (column("decimal", precision=10, scale=0), "DECIMAL(10, 0)"),
        (column("wei"), "DECIMAL(38, 0)"),
        (column("timestamp"), "TIMESTAMP WITH TIME ZONE"),
    ],
)
def test_a_column_has_the_type_that_dlt_gives_it(spec: ColumnSpec, expected: str) -> None:
    assert sql_type(spec) == expected


def test_a_nested_decimal_of_a_table_is_the_number_that_json_has() -> None:
    judgement = judge(None, [column("json", encoding="typed")], {"a": {"b": [Decimal("12.50")]}})
    assert (judgement.record, judgement.row, judgement.reasons) == (
        {"a": {"b": [12.5]}},
        {"a": '{"b": [12.5]}'},
        (),
    )


@pytest.mark.parametrize(
    ("offset", "is_certain"),
    [("+15:59", True), ("-1559", True), ("+15", True), ("+16:00", False), ("-20", False)],
)
def test_an_offset_that_postgres_does_not_read_is_never_certain(offset: str, is_certain: bool) -> None:
    (seen,) = see(connect(), None, [column("timestamp")], [{"a": f"2024-01-01T00:00:00{offset}"}])
    assert (seen.certain, not seen.judgement.reasons) == (is_certain, is_certain)


@pytest.mark.parametrize("kind", ["text", "json"])
def test_a_schema_that_refers_to_itself_for_one_value_is_checked_with_the_whole_row(kind: str) -> None:
    schema = {"oneOf": [{"minLength": 2}, {"$ref": "#/properties/a"}]}
    contract = Contract({"properties": {"a": schema}}, "c.json")
    (seen,) = see(connect(), contract, [column(kind)], [{"a": '"abc"'}])
    assert bool(seen.certain) == (not seen.judgement.reasons)


def test_a_schema_that_refers_to_itself_for_what_is_inside_is_checked_by_column() -> None:
    tree = {"properties": {"below": {"$ref": "#/$defs/tree"}}}
    contract = Contract({"properties": {"a": {"$ref": "#/$defs/tree"}}, "$defs": {"tree": tree}}, "c.json")
    names = list(compile_predicates(contract, [column("json")]).functions)
    assert [name.startswith("pipeline_check_column_") for name in names] == [True]
