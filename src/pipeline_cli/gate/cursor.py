"""Incremental cursors that can be compared: a record whose cursor cannot would move it past others, unread."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pipeline_cli.contracts.reasons import Reason, Record, json_path
from pipeline_cli.gate.records import value_at
from pipeline_cli.gate.rules import GateRules

# Beyond this a cursor is a mistake (9999-12-31 for "open"), and all records before it would never be read.
_FURTHEST_AHEAD = timedelta(days=366)


class CursorCheck:
    """Holds the cursors of one load to the kind of the first, or of the initial value."""

    def __init__(self, rules: GateRules) -> None:
        assert rules.cursor is not None
        self._path = rules.cursor
        self._required = rules.cursor_required
        start = rules.cursor_start
        self._kind = None if start is None else kind_of_cursor(start)

    def reasons(self, record: Record) -> Iterator[Reason]:
        """Why this record's cursor must not take part; nothing when it may."""
        value = value_at(record, self._path)
        where = json_path((self._path.removeprefix("$."),))
        if value is None:
            if self._required:
                yield Reason(where, "cursor", "the incremental cursor has no value")
            return
        kind = kind_of_cursor(value)
        self._kind = self._kind or kind
        if kind != self._kind:
            yield Reason(where, "cursor", f"the cursor is {kind}; those before were {self._kind}")
        elif kind == _TIME and (moment := moment_of(value)) and moment > datetime.now(UTC) + _FURTHEST_AHEAD:
            message = f"the cursor is more than {_FURTHEST_AHEAD.days} days ahead: it would hide all records before it"
            yield Reason(where, "cursor", message)


_TIME = "a time"


def kind_of_cursor(value: Any) -> str:
    """What a cursor can be compared with; numbers in a text only with those of the same length."""
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        if value.isdigit():
            return f"a text of {len(value)} digits"
        return _TIME if moment_of(value) else "a text"
    if isinstance(value, date):
        return _TIME
    return "a number" if hasattr(value, "__float__") else type(value).__name__


def moment_of(value: Any) -> datetime | None:
    """The moment that a time or its text names, in UTC where it names no offset; None for anything else."""
    if isinstance(value, str):
        from dlt.common.time import parse_iso_like_datetime

        try:
            value = parse_iso_like_datetime(value)
        except (ValueError, TypeError):
            return None
    if not isinstance(value, date):
        return None
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
