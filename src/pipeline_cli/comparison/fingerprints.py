"""A row's content as a hash that does not depend on which database gave it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from pipeline_cli.contracts.json_values import canonical_json, parse_json
from pipeline_cli.destinations.base import Connection, quote

_BATCH = 10_000


def fingerprint(values: Mapping[str, Any], json_columns: frozenset[str]) -> str:
    """32 hexadecimal digits for a row. A column without a value is as one that is not there."""
    parts = [
        f"{name}={plain(value, is_json=name in json_columns)}"
        for name, value in sorted(values.items())
        if value is not None
    ]
    return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def plain(value: Any, *, is_json: bool = False) -> str:
    """A value as text: 1, 1.0 and Decimal("1.00") are one number, a moment is in UTC, JSON has sorted keys."""
    if is_json or isinstance(value, (dict, list)):
        found = _parsed(value) if isinstance(value, str) else value
        return canonical_json(_numbers(found)).decode("utf-8", "surrogatepass")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        return _number(value)
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    return str(value)


def _parsed(text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError:  # a text, where the column is JSON in the other table alone
        return text


def _number(value: int | float | Decimal) -> str:
    number = value if isinstance(value, Decimal) else Decimal(repr(value))
    if not number.is_finite():
        return str(number)
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def _numbers(value: Any) -> Any:
    """Numbers of a JSON value as texts of one form: one database keeps 1.0, the other 1."""
    if isinstance(value, dict):
        return {key: _numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return f"#{_number(value)}"
    # What JSON has no word for: the moments and bytes of a list or struct of the database's own.
    return value if value is None or isinstance(value, (bool, str)) else plain(value)


def content_of(column: str, kind: str) -> str:
    """A column as it is to be selected for comparing: JSON as its text, which psycopg2 would parse."""
    return f"CAST({quote(column)} AS text)" if kind.lower() in ("json", "jsonb") else quote(column)


@contextmanager
def streamed(connection: Connection, dialect: str, sql: str) -> Iterator[Iterator[Sequence[tuple[Any, ...]]]]:
    """The rows of a SELECT in batches, of one state of the warehouse. Memory: a batch, on Postgres too."""
    if dialect != "postgres":
        with connection.fetch(sql) as fetched:
            yield fetched.batches
        return
    with connection.snapshot():
        # psycopg2 takes all rows at once otherwise.
        connection.execute(f"DECLARE compared NO SCROLL CURSOR FOR {sql}")
        yield iter(lambda: connection.query(f"FETCH {_BATCH} FROM compared"), [])
