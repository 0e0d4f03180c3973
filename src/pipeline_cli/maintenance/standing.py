"""What a table holds of the keys of some records: whether they are there already, or something newer is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pipeline_cli.destinations.base import Connection, literal, quote

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Place:
    """A table whose rows stand for their keys. keys, cursor: names of columns; types: SQL's, by column.

    versions: whether it keeps versions (scd2), of which those that have not ended count.
    """

    dataset: str
    table: str
    keys: tuple[str, ...]
    cursor: str | None
    types: dict[str, str]
    versions: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that may be written. key: a value for each of the place's keys; received_at: UTC."""

    key: tuple[Any, ...]
    cursor: Any
    received_at: datetime
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """is_same: the very record is there. newer: why what is there is newer, "" where it is not."""

    is_same: bool = False
    newer: str = ""


def read_types(connection: Connection, dataset: str, table: str) -> dict[str, str]:
    """SQL's type of each column; empty where there is no such table."""
    found = connection.query(
        "SELECT column_name, data_type FROM information_schema.columns"
        f" WHERE table_schema = {literal(dataset)} AND table_name = {literal(table)}"
    )
    return {str(name): str(kind) for name, kind in found}


def look_up(connection: Connection, place: Place, candidates: Sequence[Candidate]) -> list[Standing]:
    """The standing of each candidate, in their order."""
    found = [Standing() for _ in candidates]
    for start in range(0, len(candidates), _PAGE):
        for number, same, cursor_says, is_later, shown in connection.query(
            _statement(place, start, candidates[start : start + _PAGE])
        ):
            newer = ""
            if cursor_says == 1:
                newer = f"the row that is there has the later {place.cursor} {shown}"
            elif cursor_says == 0 and is_later:
                newer = f"the row that is there was received later ({shown})"
            before = found[number]
            found[number] = Standing(before.is_same or bool(same), before.newer or newer)
    return found


def _statement(place: Place, start: int, candidates: Sequence[Candidate]) -> str:
    names = [f"k{index}" for index in range(len(place.keys))]
    rows = ", ".join(f"({_row(place, start + index, each)})" for index, each in enumerate(candidates))
    joined = " AND ".join(
        f"there.{quote(key)} = v.{name}" for key, name in zip(place.keys, names, strict=True)
    )
    current = " AND there._dlt_valid_to IS NULL" if place.versions else ""
    same = "there._record_hash = v.digest" if "_record_hash" in place.types else "false"
    says, shown = "0", "CAST(there._extracted_at AS text)"
    if place.cursor is not None:
        cursor = f"there.{quote(place.cursor)}"
        # A row without a cursor value says nothing; then, and for equal ones, the time of receipt decides.
        says = f"CASE WHEN {cursor} > v.cursor_ THEN 1 WHEN {cursor} < v.cursor_ THEN -1 ELSE 0 END"
        shown = f"CASE WHEN {cursor} > v.cursor_ THEN CAST({cursor} AS text) ELSE {shown} END"
    columns = ", ".join(["n", *names, "at_", "cursor_", "digest"])
    return (
        f"SELECT v.n, coalesce({same}, false), {says}, coalesce(there._extracted_at > v.at_, false), {shown}"
        f" FROM (VALUES {rows}) AS v({columns}) JOIN {quote(place.dataset, place.table)} AS there"
        f" ON {joined}{current}"
    )


def _row(place: Place, number: int, candidate: Candidate) -> str:
    keys = [_typed(value, place.types[name]) for name, value in zip(place.keys, candidate.key, strict=True)]
    at = f"CAST({literal(candidate.received_at.isoformat())} AS timestamp with time zone)"
    cursor = "NULL" if place.cursor is None else _typed(candidate.cursor, place.types[place.cursor])
    return ", ".join([str(number), *keys, at, cursor, f"CAST({literal(candidate.digest)} AS text)"])


def _typed(value: Any, sql_type: str) -> str:
    """The value as a literal of the column's type: it fits, the gate has seen to that."""
    return f"CAST({literal(_text(value))} AS {sql_type})"


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else str(value)
