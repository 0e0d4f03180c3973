"""How far a table has been read: the largest cursor value, and which rows near it have been taken.

Rows with the very cursor value that was the largest may come later (a tie), and late ones within the lag. So reading
begins at that value, not after it, and the rows that stand there already are known by a hash each: none is lost,
and none comes twice, also where nothing but `append` tells them apart.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from pipeline_cli.errors import SourceError
from pipeline_cli.sources.sql_database.backend import DbColumn

# 100,000 hashes are 1.9 MB of the cursor's text.
MOST_REMEMBERED = 100_000
_HASH_BYTES = 8


@dataclass(frozen=True, slots=True)
class Bookmark:
    """value: the largest cursor value, as text; kind: its dlt type. seen: hashes of rows that may be read again.

    seen is None where they were too many to remember.
    """

    value: str | None = None
    kind: str = ""
    seen: Mapping[str, int] | None = field(default_factory=dict)

    def to_text(self) -> str:
        seen = None if self.seen is None else [[key, count] for key, count in self.seen.items()]
        return json.dumps({"value": self.value, "kind": self.kind, "seen": seen})


def read_bookmark(text: str | None) -> Bookmark | None:
    """What `to_text` wrote, or None before the first load."""
    if text is None:
        return None
    found = json.loads(text)
    seen = None if found["seen"] is None else dict(found["seen"])
    return Bookmark(found["value"], found["kind"], seen)


def hash_row(row: Mapping[str, Any], columns: Sequence[DbColumn]) -> str:
    """The row's hash, whatever form its values came in; a column that is NULL might as well not be there."""
    values = {
        column.name: _canonical(row[column.name], column)
        for column in columns
        if row[column.name] is not None
    }
    text = json.dumps(values, sort_keys=True, ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=_HASH_BYTES).hexdigest()


def _canonical(value: Any, column: DbColumn) -> str:
    if isinstance(value, str) and column.form == "loose":
        value = json.loads(value)
    if isinstance(value, str) and column.kind[0] in ("timestamp", "time", "date"):
        with suppress(ValueError):
            value = time.fromisoformat(value) if column.kind[0] == "time" else datetime.fromisoformat(value)
    if isinstance(value, datetime):
        value = (
            value.replace(tzinfo=None) if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
        )
    elif isinstance(value, date):
        value = datetime(value.year, value.month, value.day)
    return value.hex() if isinstance(value, bytes) else str(value)


class Seen:
    """Takes rows that stand in the bookmark out of those that are read: each as often as it was taken."""

    def __init__(self, seen: Mapping[str, int]) -> None:
        self._left = dict(seen)

    def is_new(self, row_hash: str) -> bool:
        if self._left.get(row_hash, 0):
            self._left[row_hash] -= 1
            return False
        return True


def count_hashes(hashes: Iterable[str], *, must_remember: bool, resource: str) -> Mapping[str, int] | None:
    """How often each hash comes; None for too many of them, unless they must be remembered (SourceError)."""
    found: dict[str, int] = {}
    for number, each in enumerate(hashes, 1):
        if number > MOST_REMEMBERED:
            if not must_remember:
                return None
            raise SourceError(
                f"{resource}: more than {MOST_REMEMBERED:,} rows stand at the cursor's end or within the lag;"
                " with append they could not be told from new ones.",
                code="E377",
                hint="Use write_disposition: merge with a primary_key, a shorter lag, or a finer cursor.",
            )
        found[each] = found.get(each, 0) + 1
    return found
