"""How far each resource has been read, wherever that is kept: in dlt's state, or in `_cursors` and `_files`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from pipeline_cli.bulk.state import CURSOR_HISTORY, CURSORS, FILES, STATE_TABLES
from pipeline_cli.destinations.base import literal, quote
from pipeline_cli.errors import UsageError
from pipeline_cli.maintenance.dlt_state import STATES, Statements, StoredState, incrementals, read_state
from pipeline_cli.sources.sql_database.bookmark import Bookmark, read_bookmark


@dataclass(frozen=True, slots=True)
class CursorState:
    """A cursor as it stands. value: typed, as its keeper has it; kept_in: "dlt" or "columns".

    load_id: of the load that moved it there.
    """

    source: str
    resource: str
    path: str
    value: Any
    kept_in: str
    load_id: str
    kind: str = ""  # of a column source: dlt's data type


@dataclass(frozen=True, slots=True)
class FilesState:
    """Which files of a resource are done. newest: the path of the last one."""

    source: str
    resource: str
    count: int
    newest: str


@dataclass(frozen=True, slots=True)
class SourceState:
    """All that the destination remembers of how far a source has been read."""

    source: str
    cursors: tuple[CursorState, ...]
    files: tuple[FilesState, ...]
    dlt: StoredState | None


def read_source(connection: Statements, tables: set[str], source: str) -> SourceState:
    """The state of a source whose dataset has these tables."""
    dataset = f"bronze_{source}"
    stored = read_state(connection, dataset, source) if {STATES, "_dlt_loads"} <= tables else None
    cursors = list(_of_dlt(source, stored)) if stored else []
    if CURSORS in tables:
        cursors += _of_columns(connection, dataset, source)
    files = list(_files(connection, dataset, source)) if FILES in tables else []
    return SourceState(source, tuple(cursors), tuple(files), stored)


def _of_dlt(source: str, stored: StoredState) -> Iterator[CursorState]:
    for (resource, path), entry in incrementals(stored.state).items():
        yield CursorState(source, resource, path, entry.get("last_value"), "dlt", stored.load_id)


def _of_columns(connection: Statements, dataset: str, source: str) -> Iterator[CursorState]:
    rows = connection.query(
        f"SELECT resource, value, _dlt_load_id FROM {quote(dataset, CURSORS)} ORDER BY resource"
    )
    for resource, text, load_id in rows:
        bookmark = read_bookmark(text)
        if bookmark is not None:
            yield CursorState(source, resource, "", bookmark.value, "columns", load_id, bookmark.kind)


def _files(connection: Statements, dataset: str, source: str) -> Iterator[FilesState]:
    for resource, count, newest in connection.query(
        f"SELECT resource, count(*), max(path) FROM {quote(dataset, FILES)} GROUP BY resource ORDER BY resource"
    ):
        yield FilesState(source, str(resource), int(count), str(newest))


def parse_value(cursor: CursorState, text: str) -> Any:
    """`text` as a value that can be compared with the cursor's. Raises UsageError where it is of another kind."""
    if cursor.kept_in == "columns":
        return _parse_kind(cursor, text)
    value = cursor.value
    if isinstance(value, bool) or value is None:
        raise _no_kind(cursor, text, "has no value to compare with")
    if isinstance(value, (int, float, Decimal)):
        number = _number(cursor, text)
        if isinstance(value, int):
            if number != int(number):
                raise _no_kind(cursor, text, "is a whole number")
            return int(number)
        return type(value)(number)
    if isinstance(value, datetime):
        return _moment(cursor, text)
    if isinstance(value, date):
        return _moment(cursor, text).date()
    _require_alike(cursor, str(value), text)
    return text


def _parse_kind(cursor: CursorState, text: str) -> str:
    """What the column path keeps is text in any case, and is compared by the source's database."""
    if cursor.kind in ("bigint", "double", "decimal"):
        _number(cursor, text)
    elif cursor.kind in ("timestamp", "date"):
        _moment(cursor, text)
    elif cursor.value is not None:
        _require_alike(cursor, str(cursor.value), text)
    return text


def _number(cursor: CursorState, text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise _no_kind(cursor, text, "is a number") from None


def _moment(cursor: CursorState, text: str) -> Any:
    from dlt.common.time import ensure_pendulum_datetime

    try:
        return ensure_pendulum_datetime(text)
    except (ValueError, TypeError):
        raise _no_kind(cursor, text, "is a time: write 2026-01-31 or 2026-01-31T12:00:00Z") from None


def _require_alike(cursor: CursorState, before: str, text: str) -> None:
    """Texts are compared letter by letter: a time with a time, digits with as many digits."""
    from pipeline_cli.gate.cursor import kind_of_cursor

    one, other = kind_of_cursor(before), kind_of_cursor(text)
    if one != other:
        raise _no_kind(cursor, text, f"is {one}, and this is {other}")


def _no_kind(cursor: CursorState, text: str, what: str) -> UsageError:
    shown = f"{cursor.source}.{cursor.resource}"
    return UsageError(
        f"{text!r} cannot be the cursor of {shown}: it stands at {cursor.value!s}, and {what}.", code="E015"
    )


def compare(cursor: CursorState, value: Any) -> int:
    """-1 where `value` is before the cursor, 0 where it is the same, 1 where it is after."""
    before, after = cursor.value, value
    if cursor.kept_in == "columns" and cursor.kind in ("bigint", "double", "decimal"):
        before, after = Decimal(str(before)), Decimal(str(after))
    elif cursor.kept_in == "columns" and cursor.kind in ("timestamp", "date"):
        before, after = _moment(cursor, str(before)), _moment(cursor, str(after))
    elif isinstance(before, str) and _is_time(before):
        before, after = _moment(cursor, before), _moment(cursor, str(after))
    return int(after > before) - int(after < before)


def _is_time(text: str) -> bool:
    from pipeline_cli.gate.cursor import kind_of_cursor

    return kind_of_cursor(text) == "a time"


def bookmark_text(cursor: CursorState, value: str) -> str:
    """What `_cursors` keeps of a cursor that was moved by hand: of the rows there, none is known."""
    return Bookmark(value, cursor.kind, {}).to_text()


def write_column_cursor(connection: Statements, dataset: str, row: tuple[str, str, str, str]) -> None:
    """row: resource, value, run id, load id. In the caller's transaction; where it stood is kept for `rollback`."""
    table, before = quote(dataset, CURSORS), quote(dataset, CURSOR_HISTORY)
    names = ", ".join(map(quote, STATE_TABLES[CURSORS]))
    of_resource = f"WHERE resource = {literal(row[0])}"
    connection.execute(f"CREATE TABLE IF NOT EXISTS {before} AS SELECT * FROM {table} LIMIT 0")
    connection.execute(f"INSERT INTO {before} ({names}) SELECT {names} FROM {table} {of_resource}")
    connection.execute(f"DELETE FROM {table} {of_resource}")
    values = ", ".join(map(literal, row))
    connection.execute(f"INSERT INTO {table} (resource, value, _run_id, _dlt_load_id) VALUES ({values})")
