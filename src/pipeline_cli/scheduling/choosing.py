"""Which slot of a pipeline is to be run now, by its schedule's catch_up. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline_cli import cron
from pipeline_cli.ledger.slots import Slot
from pipeline_cli.manifest.schedules import Schedule

# How late a slot may be that is not made up for: a busy machine, or a scheduler that is just being restarted.
GRACE = timedelta(minutes=1)
# A slot whose run takes the whole machine down with it is not tried for ever.
MOST_TIMES = 3
COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Choice:
    """What to do about the slots that are due.

    slot: the one to run; None for none. again: it was taken before, and not run to an end.
    dropped: those that were taken before and are left out now. left_out: how many others (COUNTED at most).
    """

    slot: datetime | None = None
    again: Slot | None = None
    dropped: Sequence[Slot] = ()
    left_out: int = 0


def choose(schedule: Schedule, decided_until: datetime, now: datetime, unfinished: Sequence[Slot]) -> Choice:
    """The slot to run now, of those after `decided_until` and the unfinished ones (oldest first).

    none: only one that is due this very minute. latest: the newest. all: the oldest of the newest ones.
    """
    hopeless = [slot for slot in unfinished if slot.times_taken >= MOST_TIMES]
    before = {slot.at: slot for slot in unfinished if slot.times_taken < MOST_TIMES}
    limit = schedule.catch_up_limit if schedule.catch_up == "all" else 1
    due = cron.last_slots(schedule.cron, cron.zone_of(schedule.timezone), decided_until, now, limit)
    kept = sorted({*before, *due})[-limit:]
    if schedule.catch_up == "none":
        kept = [slot for slot in kept if now - slot <= GRACE]
    chosen = kept[0] if kept else None
    dropped = [*hopeless, *(slot for at, slot in before.items() if at not in kept)]
    left_out = _count(schedule, decided_until, chosen, now, due)
    return Choice(chosen, before.get(chosen) if chosen else None, dropped, left_out)


def _count(
    schedule: Schedule,
    decided_until: datetime,
    chosen: datetime | None,
    now: datetime,
    due: Sequence[datetime],
) -> int:
    """How many slots after `decided_until` come before the chosen one, and so are never run."""
    if not due:
        return 0
    until = now if chosen is None else min(chosen, due[0])
    zone = cron.zone_of(schedule.timezone)
    every = cron.last_slots(schedule.cron, zone, decided_until, until, COUNTED)
    return len([slot for slot in every if slot != chosen])
