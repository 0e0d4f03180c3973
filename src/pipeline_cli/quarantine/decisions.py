"""What was decided about rejected records: the table `_quarantine_decisions`, one row a record."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from pipeline_cli.destinations.base import literal, quote

TABLE = "_quarantine_decisions"
_COLUMNS = ("id", "decision", "reason", "decided_by", "decided_at", "run_id")
_ROWS_A_STATEMENT = 500

# replayed: its record stands in its table. superseded: a newer record of its key stands there.
DecisionKind = Literal["replayed", "superseded", "discarded"]


class Statements(Protocol):
    """What takes statements inside a transaction: a warehouse's connection, or a load's target."""

    def query(self, sql: str) -> list[tuple[Any, ...]]: ...

    def execute(self, sql: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class Decision:
    """Why a rejected record is not open any more. decided_at: UTC; run_id: the operation that decided."""

    id: str
    kind: DecisionKind
    reason: str
    decided_by: str
    decided_at: datetime
    run_id: str


def who() -> str:
    """The user and the machine, as people know them."""
    import getpass

    name = str(os.getuid())
    with suppress(Exception):  # a container's user may have no name
        name = getpass.getuser()
    return f"{name}@{socket.gethostname()}"


def create_sql(dataset: str) -> str:
    """The statement that makes the table where it is not there."""
    kinds = {"decided_at": "timestamp with time zone"}
    columns = ", ".join(f"{quote(name)} {kinds.get(name, 'text')}" for name in _COLUMNS)
    return f"CREATE TABLE IF NOT EXISTS {quote(dataset, TABLE)} ({columns})"


def write_decisions(connection: Statements, dataset: str, decisions: Sequence[Decision]) -> None:
    """Write these in place of earlier decisions on the same records; in the transaction that the caller holds."""
    table = quote(dataset, TABLE)
    for start in range(0, len(decisions), _ROWS_A_STATEMENT):
        some = decisions[start : start + _ROWS_A_STATEMENT]
        ids = ", ".join(literal(each.id) for each in some)
        connection.execute(f"DELETE FROM {table} WHERE id IN ({ids})")
        rows = ", ".join(_row(each) for each in some)
        names = ", ".join(quote(name) for name in _COLUMNS)
        connection.execute(f"INSERT INTO {table} ({names}) VALUES {rows}")


def _row(decision: Decision) -> str:
    texts = (decision.id, decision.kind, decision.reason, decision.decided_by)
    at = f"TIMESTAMP WITH TIME ZONE {literal(decision.decided_at.isoformat())}"
    return f"({', '.join(map(literal, texts))}, {at}, {literal(decision.run_id)})"
