"""Whether one value is exact in a column of a known type; asked for rows, and for what SQL was not certain of."""

from __future__ import annotations

import math
import re
from datetime import UTC
from decimal import Decimal
from typing import Any

from pipeline_cli.dlt_import import import_dlt

INT64 = range(-(2**63), 2**63)
MAX_DEPTH = 100  # levels of nesting: dlt's writers recurse once a level
MAX_KEYS = 1_000  # of one object, and columns of a table that files make: Postgres takes 1,600 with ours
SURROGATE = ("surrogate", "holds half of a surrogate pair, which is not valid Unicode")
_DEFAULT_DECIMAL = (38, 9)  # dlt's precision and scale for a decimal that says none
_MORE_THAN_MICROSECONDS = re.compile(r"[.,]\d{6}\d*[1-9]")
# dlt marks typed values in its JSON files by a first character of this private-use range.
_PRIVATE_USE = range(0xF026, 0xF02F + 1)


def _utc_problem(text: str) -> tuple[str, str] | None:
    """A time at either end of the calendar may have no counterpart in UTC; dlt's load would fail for ever."""
    import_dlt()
    from dlt.common.time import ensure_datetime

    try:
        ensure_datetime(text).astimezone(UTC)
    except OverflowError:
        return "range", f"{show(text)} is beyond the years 1 to 9999 in UTC"
    except (ValueError, TypeError):
        return None
    return None


def fit_problem(known: str, definition: dict[str, Any], value: Any) -> tuple[str, str] | None:
    """Whether a value of a convertible type is exact in the column's own range and precision."""
    if isinstance(value, str):
        if known == "timestamp" and _MORE_THAN_MICROSECONDS.search(value):
            return "precision", f"{show(value)} is finer than the column's microseconds"
        is_at_an_end = known == "timestamp" and value.lstrip()[:4] in ("0001", "9999")
        return _utc_problem(value) if is_at_an_end else None
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    if known == "bigint":
        # 3.937334817260518e16 as an integer ends in 84: the digits that were sent count, not the float's.
        sent = Decimal(repr(value)) if isinstance(value, float) else value
        fits = sent == int(value) and int(value) in INT64
        advice = "64-bit integer"
    elif known == "double":
        fits = Decimal(repr(float(value))) == (
            Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        )
        advice = "double"
    elif known in ("decimal", "wei"):
        fits, advice = _decimal_fits(known, definition, value)
    else:
        return None
    if fits:
        return None
    return (
        "precision",
        f"{show(value)} is not exact in the column, a {advice}; declare its type under columns:",
    )


def _decimal_fits(known: str, definition: dict[str, Any], value: Any) -> tuple[bool, str]:
    precision, scale = (38, 0) if known == "wei" else _DEFAULT_DECIMAL
    precision, scale = definition.get("precision") or precision, definition.get("scale", scale)
    number = value if isinstance(value, Decimal) else Decimal(repr(value))
    _, digits, exponent = number.normalize().as_tuple() if number else (0, (0,), 0)
    places = max(0, -int(exponent))
    whole = len(digits) + int(exponent)
    return places <= scale and whole <= precision - scale, f"{known}({precision}, {scale})"


def text_problem(text: str) -> tuple[str, str] | None:
    """The (rule, message) of a text that no warehouse column holds as it is."""
    if "\x00" in text:
        return "nul", "holds the character U+0000, which databases do not store"
    if text.isascii():
        return None
    if has_surrogate(text):
        return SURROGATE
    if ord(text[0]) in _PRIVATE_USE:
        return "private_use", "begins with a private-use character that dlt gives a meaning"
    return None


def has_surrogate(text: str) -> bool:
    return not text.isascii() and any(0xD800 <= ord(char) <= 0xDFFF for char in text)


def show(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:59] + "…"


def value_problem(value: Any) -> tuple[str, str] | None:
    """The (rule, message) of a value that cannot be stored exactly in any column; looks inside lists and dicts."""
    if isinstance(value, str):
        return text_problem(value)
    if isinstance(value, float):
        return (
            None
            if math.isfinite(value)
            else ("not_finite", f"{value} is not a number that JSON or SQL keeps")
        )
    if isinstance(value, (dict, list)):
        return _json_problem(value)
    return None


def _json_problem(value: Any) -> tuple[str, str] | None:
    """For values kept whole in a JSON column: what JSON numbers of 64 bits cannot carry."""
    stack = [(value, 0)]
    while stack:
        current, depth = stack.pop()
        if depth > MAX_DEPTH:
            return "depth", f"nested deeper than {MAX_DEPTH} levels"
        if isinstance(current, dict):
            if getattr(current, "duplicate_keys", ()):
                return "duplicate_key", "a key stands twice in one JSON object"
            stack.extend((each, depth + 1) for pair in current.items() for each in pair)
        elif isinstance(current, list):
            stack.extend((each, depth + 1) for each in current)
        elif isinstance(current, Decimal) or (type(current) is int and current not in INT64):
            return "number", f"{current} has more digits than a JSON column keeps"
        elif isinstance(current, (str, float)) and (problem := value_problem(current)):
            return problem
    return None
