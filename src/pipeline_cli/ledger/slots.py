"""The slots of schedules: which was taken by whom, and which run it became.

A slot is a moment at which a pipeline is due. It goes taken -> started -> ended, or is left (dropped). Each change is
one statement that asks for the state before it, so that of two processes that want the same one gets it.

taken    a scheduler has it; no run has begun. Its token goes to the child process
started  the child has changed the token for a run, in the transaction that opens the run
ended    the scheduler has seen the run's end; a slot whose scheduler died before that is looked at by the next one
dropped  not run, because of the schedule's catch_up
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import sqlalchemy as sa

from pipeline_cli.document import utc_now
from pipeline_cli.errors import Busy
from pipeline_cli.ledger.database import changing, reading
from pipeline_cli.ledger.processes import ProcessIdentity
from pipeline_cli.ledger.tables import UtcTime, metadata, runs

# Up to where a schedule's slots are decided upon.
schedules = sa.Table(
    "schedules",
    metadata,
    sa.Column("environment", sa.Text, primary_key=True),
    sa.Column("pipeline", sa.Text, primary_key=True),
    sa.Column("expression", sa.Text, nullable=False),  # with its time zone; another one begins anew
    sa.Column("decided_until", UtcTime, nullable=False),
)

slots = sa.Table(
    "slots",
    metadata,
    sa.Column("environment", sa.Text, primary_key=True),
    sa.Column("pipeline", sa.Text, primary_key=True),
    sa.Column("slot", UtcTime, primary_key=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("token", sa.Text, nullable=False, unique=True),
    sa.Column("times_taken", sa.Integer, nullable=False),
    sa.Column("run_id", sa.Text),
    sa.Column("outcome", sa.Text),  # the run's status; failed where none could begin
    sa.Column("note", sa.Text),
    sa.Column("host", sa.Text, nullable=False),  # of the scheduler, as in `runs`
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("process_start", sa.Text),
    sa.Column("claimed_at", UtcTime, nullable=False),
    sa.Column("ended_at", UtcTime),
)


class SlotTaken(Busy):
    """The slot that this run was started for is another's by now; nothing was done."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot that has been taken at least once. `run`: its run's status; None where no run has begun."""

    pipeline: str
    at: datetime
    status: str
    token: str
    times_taken: int
    run_id: str | None
    run: str | None
    is_mine: bool
    is_orphan: bool  # the scheduler that has it is gone
    outcome: str | None = None
    note: str | None = None


def slot_name(slot: datetime) -> str:
    """A slot as people and documents see it: 2026-11-21T06:00:00Z."""
    return f"{slot.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def slot_time(token: str) -> str:
    """The slot that a token is for, as slot_name gives it."""
    return token.partition("/")[0]


class SlotBook:
    """The slots of one environment."""

    def __init__(self, engine: sa.Engine, environment: str) -> None:
        self._engine = engine
        self._environment = environment

    # -- schedules ------------------------------------------------------------------------------------------

    def decided_until(self, pipeline: str, expression: str, begin: datetime) -> datetime:
        """Up to where the schedule's slots are decided upon; a new or changed schedule begins at `begin`."""
        key = {"environment": self._environment, "pipeline": pipeline}
        row = {**key, "expression": expression, "decided_until": begin}
        with changing(self._engine) as connection:
            changed = sa.update(schedules).where(
                *self._is(schedules, pipeline), schedules.c.expression != expression
            )
            connection.execute(changed.values(expression=expression, decided_until=begin))
            _insert_new(connection, schedules, row)
            query = sa.select(schedules.c.decided_until).where(*self._is(schedules, pipeline))
            found: datetime = connection.execute(query).scalar_one()
            return found

    # -- a slot's way ---------------------------------------------------------------------------------------

    def take(self, pipeline: str, slot: datetime, decided_until: datetime) -> str | None:
        """Take a slot, and decide upon all before it. Its token; None where another process was sooner.

        decided_until: as the caller saw it; where it has moved since, nothing is taken.
        """
        token = f"{slot_name(slot)}/{secrets.token_hex(8)}"
        row = {"pipeline": pipeline, "slot": slot, "status": "taken", "token": token, "times_taken": 1}
        with changing(self._engine) as connection:
            unmoved = (*self._is(schedules, pipeline), schedules.c.decided_until == decided_until)
            # The update locks the schedule: whoever else is here waits, and then finds it moved.
            moved = connection.execute(sa.update(schedules).where(*unmoved).values(decided_until=slot))
            if moved.rowcount == 0:
                return None
            is_new = _insert_new(connection, slots, {**row, "environment": self._environment, **_me()})
        # A slot that is there already was run before the clock went back.
        return token if is_new else None

    def skip_to(self, pipeline: str, moment: datetime, decided_until: datetime) -> None:
        """Decide upon all slots up to `moment` by leaving them out."""
        unmoved = (*self._is(schedules, pipeline), schedules.c.decided_until == decided_until)
        with changing(self._engine) as connection:
            connection.execute(sa.update(schedules).where(*unmoved).values(decided_until=moment))

    def take_again(self, slot: Slot) -> str | None:
        """Take a slot that was taken, but not run to an end. None where another process was sooner.

        The new token makes the old one worthless: a child that was started with it can open no run any more.
        """
        token = f"{slot_name(slot.at)}/{secrets.token_hex(8)}"
        values = {
            "status": "taken",
            "token": token,
            "run_id": None,
            "times_taken": slot.times_taken + 1,
            **_me(),
        }
        return token if self._change(slot.token, slot.status, values) else None

    def drop(self, slot: Slot, note: str) -> None:
        """Leave a slot that was taken; not where it has become a run meanwhile."""
        self._change(slot.token, slot.status, {"status": "dropped", "note": note, "ended_at": utc_now()})

    def end(self, token: str, outcome: str, note: str | None = None) -> None:
        """The scheduler has seen the end of what it started for the slot."""
        values = {"status": "ended", "outcome": outcome, "note": note, "ended_at": utc_now()}
        self._change(token, None, values)

    def keep_claiming(self) -> None:
        """The heartbeat: tell other hosts that the scheduler which has these slots is alive."""
        me = ProcessIdentity.here()
        mine = (slots.c.host == me.host, slots.c.pid == me.pid, slots.c.status.in_(("taken", "started")))
        with changing(self._engine) as connection:
            connection.execute(sa.update(slots).where(*mine).values(claimed_at=utc_now()))

    # -- looking --------------------------------------------------------------------------------------------

    def open_slots(self) -> list[Slot]:
        """The slots that are taken or started, oldest first."""
        return self._read(slots.c.status.in_(("taken", "started")))

    def find(self, token: str) -> Slot | None:
        return next(iter(self._read(slots.c.token == token)), None)

    def newest(self, pipeline: str, limit: int = 1) -> list[Slot]:
        """The pipeline's newest slots that were taken, newest first."""
        return self._read(slots.c.pipeline == pipeline, newest=limit)

    def _read(self, *conditions: sa.ColumnElement[bool], newest: int | None = None) -> list[Slot]:
        query = (
            sa.select(slots, runs.c.status.label("run"))
            .outerjoin(runs, runs.c.run_id == slots.c.run_id)
            .where(slots.c.environment == self._environment, *conditions)
            .order_by(slots.c.slot if newest is None else slots.c.slot.desc(), slots.c.pipeline)
            .limit(newest)
        )
        with reading(self._engine) as connection:
            found = connection.execute(query).all()
        me, now = ProcessIdentity.here(), utc_now()
        return [_slot(row, me, now) for row in found]

    def _is(self, table: sa.Table, pipeline: str) -> tuple[sa.ColumnElement[bool], ...]:
        return table.c.environment == self._environment, table.c.pipeline == pipeline

    def _change(self, token: str, status: str | None, values: Mapping[str, Any]) -> bool:
        unmoved = [slots.c.token == token, *([] if status is None else [slots.c.status == status])]
        with changing(self._engine) as connection:
            return connection.execute(sa.update(slots).where(*unmoved).values(**values)).rowcount == 1


def start_slot(connection: sa.Connection, token: str, run_id: str) -> None:
    """Change a token for a run, in the transaction that opens the run. Raises SlotTaken where it is worthless."""
    taken = sa.update(slots).where(slots.c.token == token, slots.c.status == "taken")
    if connection.execute(taken.values(status="started", run_id=run_id)).rowcount != 1:
        raise SlotTaken(
            f"the slot {slot_time(token)} is another scheduler's by now",
            hint="Nothing was done here. See: pipeline-cli schedule list",
        )


def _slot(row: Any, me: ProcessIdentity, now: datetime) -> Slot:
    owner = ProcessIdentity(row.host, row.pid, row.process_start)
    return Slot(
        pipeline=row.pipeline,
        at=row.slot,
        status=row.status,
        token=row.token,
        times_taken=row.times_taken,
        run_id=row.run_id,
        run=row.run,
        is_mine=owner == me,
        is_orphan=owner.is_gone(row.claimed_at, now),
        outcome=row.outcome,
        note=row.note,
    )


def _me() -> dict[str, Any]:
    me = ProcessIdentity.here()
    return {"host": me.host, "pid": me.pid, "process_start": me.start, "claimed_at": datetime.now(UTC)}


def _insert_new(connection: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> bool:
    """Insert a row unless its key is there; whether it was not."""
    # Postgres' dialect takes 40 ms to import: not where the ledger is SQLite.
    dialect: Any = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")
    statement = (
        dialect.insert(table).values(**row).on_conflict_do_nothing(index_elements=list(table.primary_key))
    )
    return bool(connection.execute(statement).rowcount)
