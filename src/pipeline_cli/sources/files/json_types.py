"""Types of JSON fields that nobody has typed, from all of their values."""

from __future__ import annotations

from collections.abc import Mapping
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


def add_json_types(connection: Any, relation: str, names: list[str], seen: dict[str, Seen]) -> None:
    """Look at all of a relation's JSON texts and add what its columns are to `seen`."""
    if not names:
        return
    parts = []
    for name in names:
        value = f"CASE WHEN {quote(name)} <> 'null' THEN {quote(name)} END"
        parts += [f"coalesce(bit_or({_kind_sql(value)}), 0)", *inference.digits_sql(_number_sql(value))]
    row = inference.select_row(connection, parts, relation)
    for index, name in enumerate(names):
        seen.setdefault(name, Seen()).add(Seen(*map(int, row[index * 3 : index * 3 + 3])))


def json_column_types(seen: Mapping[str, Seen]) -> dict[str, ColumnType]:
    """The type of each field: json for what is nested, and for texts among numbers or truth values."""
    types = {}
    for name, found in seen.items():
        mixed = found.kinds & _STRINGS and found.kinds & ~_STRINGS
        nested = found.kinds & NESTED or mixed
        types[name] = ("json", None, None) if nested or _is_odd(found) else found.column_type()
    return types


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
