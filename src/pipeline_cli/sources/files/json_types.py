"""Types of JSON fields that nobody has typed, from all of their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline_cli.destinations.base import quote
from pipeline_cli.manifest.files import Csv
from pipeline_cli.sources.files import inference, kinds
from pipeline_cli.sources.files.inference import Seen

if TYPE_CHECKING:
    from pipeline_cli.sources.column_types import ColumnType

NESTED = 1 << 12
_STRINGS = kinds.TEXT | kinds.DATE | kinds.TIME | kinds.ZONED_TIME
_NO_CSV = Csv()


def add_json_types(connection: Any, relation: str, names: Sequence[str], seen: dict[str, Seen]) -> None:
    """Look at all of a relation's JSON texts and add what its columns are to `seen`."""
    if not names:
        return
    values = {name: f"CASE WHEN {quote(name)} <> 'null' THEN {quote(name)} END" for name in names}
    beginning = _count(connection, f"(SELECT * FROM {relation} LIMIT {inference.SAMPLE_ROWS})", values)
    found = {name: each for name, each in beginning.items() if _is_mixed(each)}  # json, whatever comes
    likely = {name: each for name, each in beginning.items() if name not in found}
    checks = {name: _like_sql(values[name], each) for name, each in likely.items()}
    found.update(inference.confirm(connection, relation, values, likely, checks))
    rest = {name: value for name, value in values.items() if name not in found}
    found.update(_count(connection, relation, rest))
    for name, each in found.items():
        seen.setdefault(name, Seen()).add(each)


def _count(connection: Any, relation: str, values: Mapping[str, str]) -> dict[str, Seen]:
    """Every value by its kind."""
    if not values:
        return {}
    parts = []
    for value in values.values():
        parts += [f"coalesce(bit_or({_kind_sql(value)}), 0)", *inference.digits_sql(_number_sql(value))]
    row = inference.select_row(connection, parts, relation)
    return {name: Seen(*map(int, row[index * 3 : index * 3 + 3])) for index, name in enumerate(values)}


def _like_sql(value: str, seen: Seen) -> str | None:
    """A cheap condition under which a value changes nothing about a column of the kinds seen."""
    if seen.kinds & kinds.TEXT:
        return f"starts_with({value}, '\"')"
    if seen.kinds in (kinds.DATE, kinds.TIME):
        inner = f"substr({value}, 2, length({value}) - 2)"
        return f"starts_with({value}, '\"') AND {inference.like_sql(inner, seen, _NO_CSV)}"
    if seen.kinds & ~(kinds.BIGINT | kinds.SHORT_NUMBER | kinds.BOOL):
        return None
    return inference.like_sql(value, seen, _NO_CSV)


def json_column_types(seen: Mapping[str, Seen]) -> dict[str, ColumnType]:
    """The type of each field: json for what is nested, and for texts among numbers or truth values."""
    types = {}
    for name, found in seen.items():
        is_json = _is_mixed(found) or _is_odd(found)
        types[name] = ("json", None, None) if is_json else found.column_type()
    return types


def _is_mixed(found: Seen) -> bool:
    """Something nested, or texts among other values."""
    return bool(found.kinds & NESTED or (found.kinds & _STRINGS and found.kinds & ~_STRINGS))


def _is_odd(found: Seen) -> bool:
    """Numbers among truth values, or numbers that no column takes exactly."""
    return bool(found.kinds) and not found.kinds & _STRINGS and found.column_type()[0] == "text"


def _kind_sql(value: str) -> str:
    text = f"substr({value}, 2, length({value}) - 2)"
    string = kinds.kind_sql(text, _NO_CSV, temporal=True)
    return f"""CASE substr({value}, 1, 1) WHEN '"' THEN {string}
        WHEN '{{' THEN {NESTED} WHEN '[' THEN {NESTED} WHEN 't' THEN {kinds.BOOL} WHEN 'f' THEN {kinds.BOOL}
        ELSE {kinds.kind_sql(value, _NO_CSV)} END"""


def _number_sql(value: str) -> str:
    return f"CASE WHEN regexp_full_match({value}, '[0-9.-]+') THEN {value} END"
