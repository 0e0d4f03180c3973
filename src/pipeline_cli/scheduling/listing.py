"""The next slots of every schedule, in its own zone and in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from pipeline_cli import cron
from pipeline_cli.ledger.slots import Slot, SlotBook, slot_name
from pipeline_cli.manifest.schedules import Schedule


@dataclass(frozen=True, slots=True)
class Listed:
    """A schedule, its next slots (UTC, soonest first), and the newest one that was taken."""

    pipeline: str
    schedule: Schedule
    slots: tuple[datetime, ...]
    last: Slot | None

    def to_dict(self) -> dict[str, Any]:
        zone = cron.zone_of(self.schedule.timezone)
        last = self.last
        return {
            "pipeline": self.pipeline,
            "cron": self.schedule.cron,
            "timezone": self.schedule.timezone,
            "catch_up": self.schedule.catch_up,
            "next": [
                {"utc": slot_name(slot), "local": slot.astimezone(zone).isoformat()} for slot in self.slots
            ],
            "last": last
            and {"slot": slot_name(last.at), "status": last.outcome or last.status, "run_id": last.run_id},
        }

    def to_rows(self) -> list[list[str]]:
        """A row a slot: pipeline, expression, the slot in its zone, the slot in UTC; 80 columns wide at most."""
        zone = cron.zone_of(self.schedule.timezone)
        rows = [["", "", _clock(slot.astimezone(zone)), f"{slot:%Y-%m-%d %H:%M}"] for slot in self.slots]
        for row in rows[:1]:
            row[:2] = _cut(self.pipeline, 18), _cut(self.schedule.cron, 15)
        return rows


def list_schedules(
    schedules: Mapping[str, Schedule], book: SlotBook, now: datetime, count: int
) -> list[Listed]:
    """Each schedule with its next `count` slots after `now`."""
    found = []
    for name, schedule in schedules.items():
        upcoming = cron.next_slots(schedule.cron, cron.zone_of(schedule.timezone), now)
        found.append(
            Listed(name, schedule, tuple(islice(upcoming, count)), next(iter(book.newest(name)), None))
        )
    return found


def _clock(moment: datetime) -> str:
    """Mon 2026-11-23 06:30 CET; a zone without letters of its own has its offset: +0530."""
    return f"{moment:%a %Y-%m-%d %H:%M} {moment.tzname() or f'{moment:%z}'}"


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"
