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
from typing import Any

from pipeline_cli.document import utc_now
from pipeline_cli.errors import Busy
from pipeline_cli.ledger.connection import Connection, Database, Row
from pipeline_cli.ledger.database import changing, reading
from pipeline_cli.ledger.processes import ProcessIdentity
from pipeline_cli.ledger.tables import schedules, slots


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

    def __init__(self, database: Database, environment: str) -> None:
        self._database = database
        self._environment = environment

    # -- schedules ------------------------------------------------------------------------------------------

    def decided_until(self, pipeline: str, expression: str, begin: datetime) -> datetime:
        """Up to where the schedule's slots are decided upon; a new or changed schedule begins at `begin`."""
        row = {
            "environment": self._environment,
            "pipeline": pipeline,
            "expression": expression,
            "decided_until": begin,
        }
        with changing(self._database) as connection:
            connection.change(
                "UPDATE schedules SET expression = :expression, decided_until = :decided_until "
                f"WHERE {schedules.is_key} AND expression <> :expression",
                **row,
            )
            connection.insert_new(schedules, row)
            query = f"SELECT decided_until FROM schedules WHERE {schedules.is_key}"
            found: datetime = connection.value(query, environment=self._environment, pipeline=pipeline)
            return found

    # -- a slot's way ---------------------------------------------------------------------------------------

    def take(self, pipeline: str, slot: datetime, decided_until: datetime) -> str | None:
        """Take a slot, and decide upon all before it. Its token; None where another process was sooner.

        decided_until: as the caller saw it; where it has moved since, nothing is taken.
        """
        token = f"{slot_name(slot)}/{secrets.token_hex(8)}"
        row = {"pipeline": pipeline, "slot": slot, "status": "taken", "token": token, "times_taken": 1}
        with changing(self._database) as connection:
            # The update locks the schedule: whoever else is here waits, and then finds it moved.
            if not self._move(connection, pipeline, decided_until, slot):
                return None
            is_new = connection.insert_new(slots, {**row, "environment": self._environment, **_me()})
        # A slot that is there already was run before the clock went back.
        return token if is_new else None

    def skip_to(self, pipeline: str, moment: datetime, decided_until: datetime) -> None:
        """Decide upon all slots up to `moment` by leaving them out."""
        with changing(self._database) as connection:
            self._move(connection, pipeline, decided_until, moment)

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
        statement = (
            "UPDATE slots SET claimed_at = :now "
            "WHERE host = :host AND pid = :pid AND status IN ('taken', 'started')"
        )
        with changing(self._database) as connection:
            connection.change(statement, now=utc_now(), host=me.host, pid=me.pid)

    # -- looking --------------------------------------------------------------------------------------------

    def open_slots(self) -> list[Slot]:
        """The slots that are taken or started, oldest first."""
        return self._read("slots.status IN ('taken', 'started') ORDER BY slots.slot, slots.pipeline")

    def find(self, token: str) -> Slot | None:
        return next(iter(self._read("slots.token = :token", token=token)), None)

    def newest(self, pipeline: str, limit: int = 1) -> list[Slot]:
        """The pipeline's newest slots that were taken, newest first."""
        which = "slots.pipeline = :pipeline ORDER BY slots.slot DESC LIMIT :limit"
        return self._read(which, pipeline=pipeline, limit=limit)

    def _read(self, which: str, **values: Any) -> list[Slot]:
        query = (
            "SELECT slots.*, runs.status AS run FROM slots LEFT JOIN runs ON runs.run_id = slots.run_id "
            f"WHERE slots.environment = :environment AND {which}"
        )
        with reading(self._database) as connection:
            found = connection.rows(query, environment=self._environment, **values)
        me, now = ProcessIdentity.here(), utc_now()
        return [_slot(row, me, now) for row in found]

    def _move(self, connection: Connection, pipeline: str, before: datetime, after: datetime) -> bool:
        """Decide upon the slots up to `after`; whether nobody had done so since `before`."""
        moved = connection.change(
            f"UPDATE schedules SET decided_until = :after WHERE {schedules.is_key} AND decided_until = :before",
            environment=self._environment,
            pipeline=pipeline,
            before=before,
            after=after,
        )
        return moved == 1

    def _change(self, token: str, status: str | None, values: Mapping[str, Any]) -> bool:
        changes = ", ".join(f"{name} = :{name}" for name in values)
        unmoved = "" if status is None else " AND status = :found"
        statement = f"UPDATE slots SET {changes} WHERE token = :old{unmoved}"
        with changing(self._database) as connection:
            return connection.change(statement, old=token, found=status, **values) == 1


def start_slot(connection: Connection, token: str, run_id: str) -> None:
    """Change a token for a run, in the transaction that opens the run. Raises SlotTaken where it is worthless."""
    taken = "UPDATE slots SET status = 'started', run_id = :run_id WHERE token = :token AND status = 'taken'"
    if connection.change(taken, token=token, run_id=run_id) != 1:
        raise SlotTaken(
            f"the slot {slot_time(token)} is another scheduler's by now",
            hint="Nothing was done here. See: pipeline-cli schedule list",
        )


def _slot(row: Row, me: ProcessIdentity, now: datetime) -> Slot:
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
