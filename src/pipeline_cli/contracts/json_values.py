"""JSON without loss: numbers that a float cannot hold stay Decimal, and a key that stands twice is noticed."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

T = TypeVar("T")
_DEEP = 4_000  # frames
_EXACT_FLOAT_DIGITS = 15  # every decimal of up to 15 significant digits survives a 64-bit float
# Numbers that a float may not hold, at their end: inside a text a quote would follow.
_EXPONENT = re.compile(rb"[0-9.][eE][-+]?[0-9]+\s*(?:[,\]}]|$)")
_LONG_NUMBER = re.compile(rb"[0-9.]{16,}\s*(?:[,\]}]|$)")
_ESCAPED_COLON = re.compile(rb"\\u003[aA]")
_ESCAPED = re.compile(rb"\\u[0-9a-fA-F]{4}")
_DIGITS = bytes.maketrans(b"123456789.E", b"0000000000e")


class NotFinite(float):
    """NaN or an infinity in JSON; a class of its own, so that no writer takes it for null."""


class DuplicateKeys(dict[str, Any]):
    """A JSON object in which a key stood twice; the last value is kept, and the record will be rejected."""

    duplicate_keys: tuple[str, ...] = ()


def parse_json(text: str | bytes) -> Any:
    """Parse JSON; raises ValueError (json.JSONDecodeError) with the position when it is cut or malformed.

    A document of more than about 900 levels is malformed to us: Python's parser goes no deeper.
    """
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    found, document = _parse_plain(raw)
    if found:
        return document
    try:
        return json.loads(
            text, parse_float=_parse_float, parse_constant=NotFinite, object_pairs_hook=_build_object
        )
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _parse_plain(raw: bytes) -> tuple[bool, Any]:
    """(True, document) where orjson, in a third of the time, loses nothing; else (False, None).

    What it would lose without a word: the first of two equal keys, and digits beyond a float's.
    """
    import orjson

    try:
        document = orjson.loads(raw)
        written = orjson.dumps(document)
    except (orjson.JSONDecodeError, TypeError, RecursionError):
        # Malformed, NaN, half a surrogate pair, too deep.
        return False, None
    if written == raw:  # the shortest text of the same document: what most servers send
        return True, document
    if raw.count(b":") != written.count(b":") or _ESCAPED_COLON.search(raw):
        return False, None  # a key may stand twice: where one is lost, its colon is
    if may_lose_digits(raw):
        return False, None
    return True, document


def may_lose_digits(raw: bytes) -> bool:
    """Whether a number is written with an exponent, or with more digits than every float holds."""
    digits = raw.translate(_DIGITS)
    for mark, number in ((b"0e", _EXPONENT), (b"0" * 16, _LONG_NUMBER)):
        at = digits.find(mark)
        while at >= 0:
            if number.match(raw, at) and not _ESCAPED.search(raw, max(0, at - 5), at + 4):
                return True
            at = digits.find(mark, at + len(mark))
    return False


def _parse_float(text: str) -> float | Decimal:
    number = float(text)
    if len(text) <= _EXACT_FLOAT_DIGITS and "e" not in text and "E" not in text:
        return number
    exact = Decimal(text)
    # repr is the shortest text that reads back as this float: equal means that no digit is lost.
    return number if exact == Decimal(repr(number)) else exact


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) == len(pairs):
        return built
    seen: set[str] = set()
    twice = tuple(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    marked = DuplicateKeys(built)
    marked.duplicate_keys = twice
    return marked


def canonical_json(record: Any) -> bytes:
    """The record as JSON with sorted keys: equal content gives equal bytes, whatever the order of keys."""
    import orjson

    try:
        return orjson.dumps(record, default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except TypeError:  # integers beyond 64 bits, half a surrogate pair, 255 levels: orjson refuses them
        return _with_room(
            lambda: json.dumps(record, sort_keys=True, separators=(",", ":"), default=_plain).encode()
        )


def plain_json(record: Any) -> str:
    """The record as JSON text in its own order of keys, for the quarantine; every character is kept or escaped."""
    text = _with_room(lambda: json.dumps(record, ensure_ascii=False, default=_plain))
    return text.encode("utf-8", "backslashreplace").decode()


def _with_room(encode: Callable[[], T]) -> T:
    """Call `encode`; again with room for records as deep as the parser takes, on top of the frames there are."""
    try:
        return encode()
    except RecursionError:
        sys.setrecursionlimit(max(sys.getrecursionlimit(), _DEEP))
        return encode()


def json_ready(record: dict[str, Any]) -> dict[str, Any]:
    """The record with only JSON's own types, for the contract: times as ISO texts, sets and tuples as lists."""
    return _with_room(lambda: {key: _ready(value) for key, value in record.items()})


def _ready(value: Any) -> Any:
    if value is None or isinstance(value, (str, int, float, Decimal)):
        return value
    if isinstance(value, dict):
        return {str(key): _ready(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_ready(each) for each in value]
    return _plain(value)


def plain_floats(value: Any) -> Any:
    """A copy of a JSON document with NaN and infinities as Python's own floats."""
    if isinstance(value, NotFinite):
        return float(value)
    if isinstance(value, dict):
        return {key: plain_floats(each) for key, each in value.items()}
    return [plain_floats(each) for each in value] if isinstance(value, list) else value


def record_hash(record: Any) -> str:
    """32 hexadecimal digits that stand for the record's content."""
    return hashlib.blake2b(canonical_json(record), digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, NotFinite):
        return None
    if isinstance(value, (set, frozenset, tuple)):
        return sorted(value, key=str)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)
