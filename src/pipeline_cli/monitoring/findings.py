"""What a look at the ledger finds: plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pipeline_cli.document import format_time
from pipeline_cli.ledger.observations import SeenLoad, SeenRun

Check = Literal[
    "last_run",
    "step",
    "late",
    "service_level",
    "duration",
    "freshness",
    "new_rows",
    "rows",
    "quarantine",
]
CHECKS: tuple[Check, ...] = (
    "last_run",
    "step",
    "late",
    "service_level",
    "duration",
    "freshness",
    "new_rows",
    "rows",
    "quarantine",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a pipeline.

    subject: the step, source, table or model; "" for the pipeline. since: from when on, where that is known.
    next: the command to type. numbers: what was measured, for machines. signs: what it is known by: one that
    was not there before is a change.
    """

    check: Check
    message: str
    next: str
    since: datetime | None = None
    subject: str = ""
    run_id: str | None = None
    step: str | None = None
    tries: int | None = None
    numbers: Mapping[str, float | int | None] = field(default_factory=dict)
    signs: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "subject": self.subject or None,
            "message": self.message,
            "since": format_time(self.since),
            "next": self.next,
            "run_id": self.run_id,
            "step": self.step,
            "tries": self.tries,
            "numbers": dict(self.numbers),
        }


@dataclass(frozen=True, slots=True)
class Health:
    """A pipeline as a look found it.

    last: its newest run, the running one too; ended: the newest that has ended; loads: the newest of each table.
    """

    pipeline: str
    findings: Sequence[Finding]
    last: SeenRun | None = None
    ended: SeenRun | None = None
    last_success: datetime | None = None
    usual_duration_s: float | None = None
    next_slot: datetime | None = None
    loads: Sequence[SeenLoad] = ()

    @property
    def is_well(self) -> bool:
        return not self.findings

    @property
    def status(self) -> str:
        """Of the newest run: "never run", "running", "succeeded", "failed" or "interrupted"."""
        if self.last is None:
            return "never run"
        if self.last.is_running:
            return "running"
        if self.last.is_done:
            return "succeeded"
        return "interrupted" if self.last.run_status == "interrupted" else "failed"

    def to_dict(self) -> dict[str, Any]:
        last = self.last and {
            "run_id": self.last.run_id,
            "status": self.status,
            "started_at": format_time(self.last.started_at),
            "duration_s": None if self.last.ended_at is None else round(self.last.duration_s, 3),
        }
        return {
            "name": self.pipeline,
            "status": "well" if self.is_well else "unwell",
            "last_run": last,
            "last_success_at": format_time(self.last_success),
            "usual_duration_s": self.usual_duration_s and round(self.usual_duration_s, 3),
            "next_slot": format_time(self.next_slot),
            "findings": [finding.to_dict() for finding in self.findings],
        }
