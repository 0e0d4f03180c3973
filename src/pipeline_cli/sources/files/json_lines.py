"""One line of JSON, read strictly in Python: for the lines that DuckDB reads otherwise, or not at all."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

_BLANK = re.compile(r"[ \t\r\n]*")


class NotAnObjectError(ValueError):
    """The line holds no JSON object; the message says why."""


def field_texts(line: str) -> dict[str, str]:
    """The fields of a JSON object, each value's text exactly as it stands in the line.

    Raises NotAnObjectError: no JSON by the standard (NaN is none), another value, a key twice, a lone surrogate.
    """
    try:
        value = json.loads(line, parse_constant=_refuse_constant, object_pairs_hook=_refuse_twice)
    except RecursionError:
        raise NotAnObjectError("it is nested too deep") from None
    except json.JSONDecodeError as error:
        raise NotAnObjectError(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    if not isinstance(value, dict):
        raise NotAnObjectError(f"a JSON {_NAMES.get(type(value), 'value')}, not an object")
    if "\\u" in line:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise NotAnObjectError("half of a surrogate pair, which is no character") from None
    return dict(_split(line))


_NAMES: dict[type, str] = {list: "list", str: "text", int: "number", float: "number", bool: "truth value"}


def _split(line: str) -> list[tuple[str, str]]:
    """The pairs of an object that is known to be well-formed."""
    decoder = json.JSONDecoder()
    fields = []
    at = _skip(line, 0) + 1
    while line[at := _skip(line, at)] != "}":
        name, at = decoder.raw_decode(line, at)
        start = _skip(line, _skip(line, at) + 1)  # after the colon
        _, at = decoder.raw_decode(line, start)
        fields.append((name, line[start:at]))
        at = _skip(line, at)
        if line[at] == ",":
            at += 1
    return fields


def _skip(line: str, at: int) -> int:
    match = _BLANK.match(line, at)
    return match.end() if match else at


def _refuse_constant(text: str) -> NoReturn:
    raise NotAnObjectError(f"not JSON: {text} is no number")


def _refuse_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotAnObjectError(f"the key {twice!r} stands twice")
    return fields
