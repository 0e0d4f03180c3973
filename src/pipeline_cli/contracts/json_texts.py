"""JSON values as their text, `"a"` with its quotes: what they become in a column, and when nothing is lost.

A value keeps the type that JSON gives it, as on the row path: the text "5" is no number, and 5 no time.
"""

from __future__ import annotations

from dataclasses import replace

from pipeline_cli.contracts.text_values import is_exact, text_value
from pipeline_cli.sources.scan import ColumnSpec

_TEMPORAL = ("date", "timestamp", "time")
_BACKSLASH = "chr(92)"
# Half of a surrogate pair, and U+0000, which databases do not store.
_ODD_ESCAPES = ("'\\u0000'", "'\\ud'", "'\\uD'")
_INTEGER = "'0|-?[1-9][0-9]*'"


def json_value(spec: ColumnSpec, raw: str) -> str:
    """The typed value of the JSON text `raw`; NULL for JSON's null and for what the column does not take."""
    text = as_text(raw)
    if spec.data_type == "text":
        is_number = f"regexp_full_match({text}, {_INTEGER})"
        return f"CASE WHEN {is_string(text)} THEN {unquoted(text)} WHEN {is_number} THEN {text} END"
    if spec.data_type in _TEMPORAL:
        return f"CASE WHEN {is_string(text)} THEN {text_value(spec, inner(text))} END"
    if spec.data_type == "bool":
        return f"CASE {text} WHEN 'true' THEN true WHEN 'false' THEN false END"
    if spec.data_type == "json":
        return f"CASE WHEN {text} <> 'null' THEN try_cast({text} AS JSON) END"
    return text_value(spec, text)


def is_exact_json(spec: ColumnSpec, raw: str, value: str) -> str:
    """Whether `value` is exactly the JSON value, for a `raw` that is neither NULL nor JSON's null."""
    text = as_text(raw)
    if spec.data_type == "text":
        return f"{value} IS NOT NULL AND NOT contains({value}, chr(0))"
    if spec.data_type in _TEMPORAL:
        return f"{is_string(text)} AND ({is_exact(spec, inner(text), value)})"
    if spec.data_type == "json":
        return _is_simple(text)
    return f"({is_exact(replace(spec, is_declared=False), text, value)}) AND NOT {is_string(text)}"


def is_null(raw: str) -> str:
    """Whether it is JSON's null: a value that is there and says nothing."""
    return f"{as_text(raw)} = 'null'"


def as_text(raw: str) -> str:
    """The JSON text, whether the relation has it as JSON or as VARCHAR."""
    return f"CAST({raw} AS VARCHAR)"


def is_string(text: str) -> str:
    return f"starts_with({text}, '\"')"


def inner(text: str) -> str:
    """What stands between a JSON string's quotes, escapes and all."""
    return f"substr({text}, 2, length({text}) - 2)"


def unquoted(text: str) -> str:
    """A JSON string's content, NULL where its escapes need a closer look."""
    odd = " OR ".join(f"contains({text}, {each})" for each in _ODD_ESCAPES)
    # Without escapes the text itself is the content: 39 ms a million, where DuckDB's JSON functions take 56.
    return (
        f"CASE WHEN NOT contains({text}, {_BACKSLASH}) THEN {inner(text)} "
        f"WHEN {odd} THEN NULL ELSE json_extract_string({text}, '$') END"
    )


def _is_simple(text: str) -> str:
    """A value that every JSON column keeps: no escapes, no long numbers, no object that may repeat a key."""
    plain = (
        f"NOT contains({text}, {_BACKSLASH}) AND NOT contains({text}, chr(0)) "
        f"AND NOT regexp_matches({text}, '[0-9.eE+-]{{16}}')"
    )
    # One object whose keys are as many as they are different, or none at all; and no depth to speak of.
    keys = f"json_keys(CASE WHEN starts_with({text}, '{{') THEN {text} END)"
    one_object = (
        f"strpos(substr({text}, 2), '{{') = 0 AND starts_with({text}, '{{') "
        f"AND len({keys}) = len(list_distinct({keys}))"
    )
    return (
        f"{plain} AND strlen({text}) < 10000 AND json_valid({text}) AND NOT contains({text}, '[[') "
        f"AND (NOT contains({text}, '{{') OR {one_object})"
    )
