"""A first contract from data: a JSON Schema that every sampled record meets, to be read and narrowed by a person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_URI = re.compile(r"https?://\S+")
_FORMATS = {"date": _DATE, "date-time": _DATE_TIME, "email": _EMAIL, "uri": _URI}


def infer_contract(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) for the sampled records.

    A field is required when every record has it; null is allowed where it was seen; a text has a format where
    every value has it. Unknown fields stay allowed: an API that adds one breaks nobody.
    """
    schema = _object(list(rows))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _object(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: _field([row[name] for row in rows if name in row]) for name in names},
    }
    required = [name for name in names if all(name in row for row in rows)]
    return {**schema, "required": required} if required else schema


def _field(values: Sequence[Any]) -> dict[str, Any]:
    types = sorted({_type(value) for value in values})
    if "integer" in types and "number" in types:
        types.remove("integer")
    named = [name for name in types if name != "null"]
    schema: dict[str, Any] = {"type": types[0] if len(types) == 1 else types}
    present = [value for value in values if value is not None]
    if named == ["object"]:
        return {**_object(present), **schema}
    if named == ["array"]:
        items = [item for value in present for item in value]
        return {**schema, "items": _field(items)} if items else schema
    if named == ["string"] and (shared := _format(present)):
        schema["format"] = shared
    return schema


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, (float, Decimal)):
        return "number"
    if isinstance(value, Mapping):
        return "object"
    return "array" if isinstance(value, (list, tuple)) else "string"


def _format(values: Sequence[Any]) -> str | None:
    texts = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
    return next(
        (name for name, shape in _FORMATS.items() if texts and all(map(shape.fullmatch, texts))), None
    )
