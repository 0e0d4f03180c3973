"""What one reading takes: which rows stream, which were looked at one by one, and where the next one begins."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline_cli.errors import SourceError
from pipeline_cli.sources.scan import Malformed
from pipeline_cli.sources.sql_database.backend import Backend, DbColumn, arrow_schema, select
from pipeline_cli.sources.sql_database.bookmark import (
    MOST_REMEMBERED,
    Bookmark,
    Seen,
    count_hashes,
    hash_row,
)
from pipeline_cli.sources.sql_database.cursor import Cursor


@dataclass(slots=True)
class Plan:
    """where: of the rows that stream; None for no row. again: rows near the cursor that are new after all.

    refused: rows without a cursor that counts; next: the bookmark once all of this is committed.
    """

    where: str | None
    again: list[Any] = field(default_factory=list)
    refused: list[Malformed] = field(default_factory=list)
    next: Bookmark | None = None

    @property
    def is_empty(self) -> bool:
        return self.where is None and not self.again and not self.refused


@dataclass(frozen=True, slots=True)
class Reading:
    """A relation as it is read: its columns in their forms, and how many rows at a time."""

    backend: Backend
    relation: str
    columns: Sequence[DbColumn]
    chunk_size: int
    resource: str

    def batches(self, where: str) -> Iterator[Any]:
        quoted = [self.backend.quote(column.name) for column in self.columns]
        statement = select(self.columns, quoted, self.relation, where)
        yield from self.backend.read(statement, self.columns, self.chunk_size)

    def rows(self, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """(hash, row by column) one by one."""
        for batch in self.batches(where):
            for row in batch.to_pylist():
                yield hash_row(row, self.columns), row


def plan_whole() -> Plan:
    return Plan(where="")


def plan_incremental(reading: Reading, cursor: Cursor, bookmark: Bookmark | None, *, is_append: bool) -> Plan:
    """What is new since the bookmark. Raises SourceError where nothing could tell new rows from old ones."""
    base = cursor.in_bounds()
    lower = cursor.lower(bookmark) if bookmark else None
    where: str | None = base
    again: list[Any] = []
    seen = Seen(bookmark.seen or {}) if bookmark else Seen({})
    newest = cursor.largest(reading.relation, base)
    if bookmark and bookmark.value is not None and lower is not None:
        newer = f"{base} AND {cursor.compare('>', bookmark.value)}"
        near = f"{base} AND {cursor.compare('>=', lower)} AND {cursor.compare('<=', bookmark.value)}"
        latest = cursor.largest(reading.relation, newer)
        where = newer if latest is not None else None
        newest = latest or bookmark.value
        if bookmark.seen is None:  # with merge: too many to remember, and the database compares them
            where = f"{base} AND {cursor.compare('>=', lower)}"
        else:
            again += [row for each, row in reading.rows(near) if seen.is_new(each)]
    elif newest is None and bookmark is not None:
        where = None
    odd = list(_bounded(reading.rows(cursor.out_of_bounds()), reading.resource))
    fresh = [row for each, row in odd if seen.is_new(each)]
    include = cursor.incremental.on_cursor_value_missing == "include"
    kept = [row for row in fresh if include and row[cursor.column.name] is None]
    refused = [_refuse(row, cursor) for row in fresh if not (include and row[cursor.column.name] is None)]
    plan = Plan(where, [*again, *kept], refused)
    plan.next = _next(reading, cursor, newest, [each for each, _ in odd], is_append)
    return plan


def _next(
    reading: Reading, cursor: Cursor, newest: str | None, odd: Sequence[str], is_append: bool
) -> Bookmark:
    bookmark = Bookmark(newest, cursor.kind)
    lower = cursor.lower(bookmark)
    hashes: Callable[[], Iterator[str]] = lambda: iter(odd)  # noqa: E731
    if lower is not None:
        near = f"{cursor.in_bounds()} AND {cursor.compare('>=', lower)}"

        def hashes() -> Iterator[str]:
            yield from odd
            yield from (each for each, _ in reading.rows(near))

    seen = count_hashes(hashes(), must_remember=is_append, resource=reading.resource)
    return Bookmark(newest, cursor.kind, seen)


def _bounded(
    rows: Iterator[tuple[str, dict[str, Any]]], resource: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, each in enumerate(rows):
        if number == MOST_REMEMBERED:
            raise SourceError(
                f"{resource}: more than {MOST_REMEMBERED:,} rows have no cursor value that counts.",
                code="E377",
                hint="Use another cursor, or a query that gives each row a value (coalesce).",
            )
        yield each


def _refuse(row: dict[str, Any], cursor: Cursor) -> Malformed:
    value = row[cursor.column.name]
    why = "has no value" if value is None else f"is far in the future ({value}): it would hide all before it"
    raw = json.dumps(row, ensure_ascii=False, default=_shown)
    return Malformed(cursor.resource, None, raw, f"the incremental cursor {cursor.column.name} {why}")


def _shown(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def stream(reading: Reading, plan: Plan) -> Iterator[Any]:
    """All rows of the plan as Arrow batches."""
    import pyarrow as pa

    schema = arrow_schema(reading.columns)
    for start in range(0, len(plan.again), reading.chunk_size):
        yield pa.RecordBatch.from_pylist(plan.again[start : start + reading.chunk_size], schema=schema)
    if plan.where is not None:
        yield from reading.batches(plan.where)
