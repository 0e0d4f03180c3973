"""One raw value of a column source, read in Python: what the contract sees, what the table stores, what is wrong.

The SQL of texts.py takes the plain cases; this is the whole of the rule, and the two are held against each other by
tests/unit/contracts/test_predicate_properties.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from pipeline_cli.contracts import text_parsing as parsing
from pipeline_cli.contracts.fitting import fit_problem, show, text_problem, value_problem
from pipeline_cli.contracts.json_values import json_ready, parse_json, plain_json
from pipeline_cli.contracts.text_values import decimal_shape
from pipeline_cli.sources.scan import ColumnSpec

ABSENT: Final = object()
_NUMBERS = ("bigint", "double", "decimal", "wei")
Problem = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Decoded:
    """seen: as the contract sees it, or ABSENT; stored: for the table; problem: (rule, message), if it does not fit."""

    seen: Any
    stored: Any = None
    problem: Problem | None = None


_NOTHING = Decoded(ABSENT)


def decode(spec: ColumnSpec, raw: Any) -> Decoded:
    """raw: a text (text, json) or any Python value (typed) that the relation gives; None is absent."""
    if raw is None:
        return _NOTHING
    if spec.encoding == "json":
        try:
            value = parse_json(raw)
        except ValueError:
            return _refuse(spec, raw)
        return _decode_json(spec, value, str(raw))
    if isinstance(raw, str):
        return _decode_text(spec, raw)
    return _decode_json(spec, raw, None) if spec.encoding == "typed" else _decode_text(spec, str(raw))


def _refuse(spec: ColumnSpec, value: Any) -> Decoded:
    message = f"{show(value)} does not fit the column, which is {spec.data_type}"
    return Decoded(value, problem=("column_type", message))


def _decode_text(spec: ColumnSpec, raw: str) -> Decoded:
    """A text becomes what its column is; one that cannot stays a text."""
    if spec.data_type == "text":
        return Decoded(raw, raw, _text_problem(raw))
    if spec.data_type in _NUMBERS:
        number = parsing.parse_number(raw, whole=spec.data_type == "bigint")
        return _refuse(spec, raw) if number is None else _fit(spec, number)
    if spec.data_type == "bool":
        truth = parsing.parse_bool(raw, declared=spec.is_declared)
        return _refuse(spec, raw) if truth is None else Decoded(truth, truth)
    if spec.data_type == "json":
        try:
            return _decode_json(spec, parse_json(raw), raw)
        except ValueError:
            return _refuse(spec, raw)
    return _decode_time(spec, raw.strip(parsing.BLANKS), raw)


def _decode_time(spec: ColumnSpec, text: str, raw: str, *, as_written: bool = False) -> Decoded:
    """as_written: the contract sees the text as it stands, not the ISO form of it."""
    if spec.data_type == "date":
        moment = parsing.parse_date(text, spec.date_format)
    elif spec.data_type == "timestamp":
        moment = parsing.parse_timestamp(text, spec.timestamp_format)
    else:
        moment = parsing.parse_time(text) if spec.data_type == "time" else None
    if moment is None:
        return _refuse(spec, raw)
    seen = raw if as_written else moment.iso
    if moment.is_finer:
        message = f"{show(raw)} is finer than the column's microseconds"
        return Decoded(seen, problem=("precision", message))
    if moment.value is None:
        return Decoded(seen, problem=("range", f"{show(raw)} is beyond the years 1 to 9999 in UTC"))
    return Decoded(seen, moment.value)


def _decode_json(spec: ColumnSpec, value: Any, raw: str | None) -> Decoded:
    """A value that has a type already. raw: its JSON text, where there is one."""
    if value is None:
        return Decoded(None)
    if spec.data_type == "json":
        seen = _ready(value) if raw is None else value
        return Decoded(seen, plain_json(seen) if raw is None else raw, value_problem(seen))
    if isinstance(value, str):
        if spec.data_type == "text":
            return Decoded(value, value, _text_problem(value))
        is_time = spec.data_type in ("date", "timestamp", "time")
        return _decode_time(spec, value, value, as_written=True) if is_time else _refuse(spec, value)
    if isinstance(value, bool):
        return Decoded(value, value) if spec.data_type == "bool" else _refuse(spec, value)
    if isinstance(value, (int, float, Decimal)):
        return _decode_number(spec, value)
    return _decode_object(spec, value)


def _decode_number(spec: ColumnSpec, value: int | float | Decimal) -> Decoded:
    if isinstance(value, float) and (problem := value_problem(value)):
        return Decoded(value, problem=problem)
    if isinstance(value, Decimal) and not value.is_finite():
        return Decoded(value, problem=("not_finite", f"{value} is not a number that JSON or SQL keeps"))
    if spec.data_type == "text":
        return Decoded(value, f"{value:f}" if isinstance(value, Decimal) else str(value))
    return _fit(spec, value) if spec.data_type in _NUMBERS else _refuse(spec, value)


def _decode_object(spec: ColumnSpec, value: Any) -> Decoded:
    """What only typed columns have: times, bytes, identifiers; lists and objects need a column of JSON."""
    kind = spec.data_type
    if isinstance(value, datetime) and kind == "timestamp":
        stored = parsing.to_utc(value)
        seen = parsing.iso_timestamp(value)
        if stored is None:
            return Decoded(seen, problem=("range", f"{seen} is beyond the years 1 to 9999 in UTC"))
        if getattr(value, "nanosecond", 0):
            return Decoded(seen, problem=("precision", f"{seen} is finer than the column's microseconds"))
        return Decoded(seen, stored)
    if isinstance(value, datetime) and kind == "date":
        is_day = value.time() == time() and value.tzinfo is None
        return Decoded(value.date().isoformat(), value.date()) if is_day else _refuse(spec, value.isoformat())
    if isinstance(value, date) and not isinstance(value, datetime) and kind in ("date", "timestamp"):
        at = datetime.combine(value, time(), UTC)
        if kind == "date":
            return Decoded(value.isoformat(), value)
        return Decoded(parsing.iso_timestamp(at), at)
    if isinstance(value, time) and kind == "time":
        return Decoded(value.isoformat(), value)
    if isinstance(value, (bytes, bytearray, memoryview)) and kind == "binary":
        return Decoded(bytes(value).hex(), bytes(value))
    if isinstance(value, UUID) and kind == "text":
        return Decoded(str(value), str(value))
    return _refuse(spec, _ready(value))


def _fit(spec: ColumnSpec, number: int | float | Decimal) -> Decoded:
    precision, scale = decimal_shape(spec)
    is_decimal = spec.data_type in ("decimal", "wei")
    definition: Mapping[str, Any] = {"precision": precision, "scale": scale} if is_decimal else {}
    try:
        problem = fit_problem(spec.data_type, dict(definition), number)
    except OverflowError:
        problem = ("precision", f"{show(number)} is not exact in the column, a {spec.data_type}")
    if problem is not None:
        return Decoded(number, problem=problem)
    if spec.data_type == "bigint":
        return Decoded(number, int(number))
    if spec.data_type == "double":
        return Decoded(number, float(number))
    return Decoded(number, Decimal(repr(number)) if isinstance(number, float) else Decimal(number))


def _ready(value: Any) -> Any:
    """With JSON's own types: decimals as the numbers that JSON would give."""
    return _plain_numbers(json_ready({"value": value})["value"])


def _plain_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain_numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain_numbers(each) for each in value]
    is_number = isinstance(value, Decimal) and value.is_finite()
    return parse_json(f"{value:f}") if is_number else value


def _text_problem(text: str) -> Problem | None:
    problem = text_problem(text) if text else None
    # dlt's own files give private-use characters a meaning; these values do not pass through them.
    return None if problem and problem[0] == "private_use" else problem
