"""Two streams of rows in the order of their keys, walked side by side. Memory: a row of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pipeline_cli.comparison.fingerprints import fingerprint, plain
from pipeline_cli.errors import LoadError

EXAMPLES = 20
_WHOLE = 2**128

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """Of the rows of both streams: the first `key_width` columns are the key. json: which columns hold JSON."""

    columns: Sequence[str]
    key_width: int
    json: frozenset[str] = frozenset()


@dataclass(slots=True)
class KeyComparison:
    """How many keys stand in one table only, and in both: with the same content, or with another.

    key: its columns. changed_columns: in how many of the changed keys each column differs. doubled_*: keys that more
    than one row has, in that table. rows_*: rows read. examples: up to 20 keys of each kind, as text.
    """

    key: tuple[str, ...]
    rows_here: int = 0
    rows_there: int = 0
    only_here: int = 0
    only_there: int = 0
    changed: int = 0
    same: int = 0
    doubled_here: int = 0
    doubled_there: int = 0
    changed_columns: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def differs(self) -> bool:
        return bool(self.only_here or self.only_there or self.changed)

    def add_same(self, keys: int, rows: int, doubled: int) -> None:
        """Count keys that are known to be alike, with their rows."""
        self.same += keys
        self.rows_here += rows
        self.rows_there += rows
        self.doubled_here += doubled
        self.doubled_there += doubled

    def note(self, kind: str, key: Row) -> None:
        """Count a key as only_here, only_there or changed, and keep it as an example while there are few."""
        setattr(self, kind, getattr(self, kind) + 1)
        kept = self.examples.setdefault(kind, [])
        if len(kept) < EXAMPLES:
            kept.append(", ".join("NULL" if value is None else plain(value) for value in key))


@dataclass(slots=True)
class _Group:
    """The rows of one key: the first, how many there are, and the sum of their contents where they are several."""

    order: tuple[Any, ...]
    first: Row
    count: int = 1
    content: int = 0


def merge_streams(
    here: Iterable[Row], there: Iterable[Row], shape: Shape, key: Sequence[str] = ()
) -> KeyComparison:
    """Compare rows by key and content. Both streams are in ascending order of key, as `sort_value` has it.

    key: what the key's columns are called; by default as in the shape.
    Raises LoadError where a stream is out of order: nothing that is said of it would be true.
    """
    found = KeyComparison(tuple(key or shape.columns[: shape.key_width]))
    ours, theirs = _groups(here, shape), _groups(there, shape)
    one, other = next(ours, None), next(theirs, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one.order < other.order):
            assert one is not None
            _count(found, one, "here")
            found.note("only_here", one.first[: shape.key_width])
            one = next(ours, None)
        elif one is None or other.order < one.order:
            _count(found, other, "there")
            found.note("only_there", other.first[: shape.key_width])
            other = next(theirs, None)
        else:
            _count(found, one, "here")
            _count(found, other, "there")
            _compare(found, one, other, shape)
            one, other = next(ours, None), next(theirs, None)
    return found


def sort_value(value: Any) -> tuple[Any, ...]:
    """A key's value as Python sorts it like both databases do: text by its bytes, NaN after numbers, NULL last."""
    if value is None:
        return (2,)
    if isinstance(value, str):
        return 0, value.encode("utf-8", "surrogatepass")
    if isinstance(value, datetime):
        return 0, value if value.tzinfo else value.replace(tzinfo=UTC)
    return (0, value) if value == value else (1,)


def content_sum(rows: Iterable[Row], shape: Shape) -> tuple[int, int]:
    """How many rows there are, and the sum of their contents: the same for the same rows in any order."""
    count = total = 0
    for row in rows:
        count += 1
        total += _content(row, shape)
    return count, total % _WHOLE


def _groups(rows: Iterable[Row], shape: Shape) -> Iterator[_Group]:
    group: _Group | None = None
    width = shape.key_width
    for row in rows:
        order = tuple([sort_value(value) for value in row[:width]])
        if group is None:
            group = _Group(order, row)
        elif order == group.order:
            if group.count == 1:
                group.content = _content(group.first, shape)
            group.count += 1
            group.content += _content(row, shape)
        elif order < group.order:
            raise LoadError(
                f"rows came out of the order of {', '.join(shape.columns[:width])}; they cannot be compared by it",
                code="E329",
                hint="Add --no-keys to compare columns and numbers of rows.",
            )
        else:
            yield group
            group = _Group(order, row)
    if group is not None:
        yield group


def _content(row: Row, shape: Shape) -> int:
    return int(fingerprint(dict(zip(shape.columns, row, strict=True)), shape.json), 16)


def _count(found: KeyComparison, group: _Group, side: str) -> None:
    if side == "here":
        found.rows_here += group.count
        found.doubled_here += group.count > 1
    else:
        found.rows_there += group.count
        found.doubled_there += group.count > 1


def _compare(found: KeyComparison, one: _Group, other: _Group, shape: Shape) -> None:
    if one.count == other.count == 1:
        # What is equal to Python is equal: most rows end here, at its own speed.
        if one.first == other.first:
            found.same += 1
            return
        differing = _differing(one.first, other.first, shape)
        if not differing:
            found.same += 1
            return
        for name in differing:
            found.changed_columns[name] = found.changed_columns.get(name, 0) + 1
    elif one.count == other.count and one.content % _WHOLE == other.content % _WHOLE:
        found.same += 1
        return
    found.note("changed", one.first[: shape.key_width])


def _differing(one: Row, other: Row, shape: Shape) -> list[str]:
    """The columns whose values differ, whatever form either database gives them."""
    return [
        name
        for name, own, others in zip(shape.columns, one, other, strict=True)
        if own != others and _text(own, name, shape) != _text(others, name, shape)
    ]


def _text(value: Any, name: str, shape: Shape) -> str | None:
    return None if value is None else plain(value, is_json=name in shape.json)
