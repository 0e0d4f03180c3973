"""How a contract sees the values of a column: as which kind, and where SQL has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline_cli.contracts.json_texts import as_text, inner, is_string
from pipeline_cli.contracts.terms import TRUE, Kind, Subject
from pipeline_cli.contracts.text_values import decimal_shape
from pipeline_cli.sources.scan import ColumnSpec

Reference = Callable[[ColumnSpec], str]
_NUMBERS: dict[str, Kind] = {
    "bigint": "integer",
    "double": "double",
    "decimal": "decimal",
    "wei": "decimal",
}


@dataclass(frozen=True, slots=True)
class About:
    """guard: without it the value is not of the subject's kind."""

    subject: Subject
    guard: str = TRUE


def needs_row_check(spec: ColumnSpec) -> bool:
    """Whether SQL cannot tell at all that a value is exact: nested values may repeat a key at any depth."""
    return spec.data_type == "json"


def find_subject(spec: ColumnSpec) -> Callable[[str, str], About] | None:
    """From the SQL of raw and typed value to what a condition is about; None where only Python sees it."""
    kind = spec.data_type
    if kind in _NUMBERS:
        precision, scale = decimal_shape(spec) if kind in ("decimal", "wei") else (38, 0)
        return lambda raw, value: About(Subject(_NUMBERS[kind], value, precision=precision, scale=scale))
    if kind == "text":
        return lambda raw, value: About(Subject("string", value, value), _guard(spec, raw))
    if spec.encoding == "json" and kind in ("date", "timestamp", "time"):
        # Seen as written. Where it is exact, it is a string.
        return lambda raw, value: About(Subject("string", value, inner(as_text(raw))))
    if kind == "date":
        return lambda raw, value: About(Subject("date", value, f"CAST({value} AS VARCHAR)"))
    if kind == "timestamp":
        return lambda raw, value: About(Subject("timestamp", value))
    if kind == "time" and spec.encoding == "text":
        return lambda raw, value: About(Subject("string", value, raw))
    return None


def _guard(spec: ColumnSpec, raw: str) -> str:
    """A text column also takes numbers, which the contract sees as numbers."""
    if spec.encoding == "json":
        return is_string(as_text(raw))
    return f"typeof({raw}) IN ('VARCHAR', 'UUID')" if spec.encoding == "typed" else TRUE
