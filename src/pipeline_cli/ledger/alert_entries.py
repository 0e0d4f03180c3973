"""Incidents and alerts as the rest of the program sees them: plain values, no SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

AlertStatus = Literal["due", "sending", "sent", "given_up"]


@dataclass(frozen=True, slots=True)
class Incident:
    """One trouble from when it was first seen until it is over.

    pipeline, kind, subject: what it is about; open, there is one of each. kind: "failure", "contract", …
    fingerprint: of the trouble as it was last seen; told: those that were told. steps: those that must succeed
    for it to be over. trouble: what messages show of it. seen_count: in how many runs it was seen.
    """

    incident_id: str
    environment: str
    pipeline: str
    kind: str
    subject: str
    fingerprint: str
    summary: str
    opened_at: datetime
    seen_at: datetime
    opened_run: str | None = None
    seen_run: str | None = None
    seen_count: int = 1
    told: Sequence[str] = ()
    steps: Sequence[str] = ()
    trouble: Mapping[str, Any] = field(default_factory=dict)
    closed_at: datetime | None = None
    closed_run: str | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.pipeline, self.kind, self.subject


@dataclass(frozen=True, slots=True)
class DueAlert:
    """A message to one channel, before it is sent. `incidents`: the ids of those it tells of."""

    alert_id: str
    environment: str
    channel: str
    kind: str
    run_id: str | None
    incidents: Sequence[str]
    content: Mapping[str, Any]
    created_at: datetime
    deadline_at: datetime


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert as the outbox has it. repeated: it may have arrived already, the process that sent it died."""

    alert_id: str
    channel: str
    kind: str
    run_id: str | None
    incidents: Sequence[str]
    content: Mapping[str, Any]
    status: AlertStatus
    created_at: datetime
    deadline_at: datetime
    next_try_at: datetime
    tries: int
    error: str | None = None
    sent_at: datetime | None = None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class AlertNews:
    """What a run, or a look at the ledger, changes: incidents as they are now, and the alerts that are due."""

    incidents: Sequence[Incident] = ()
    alerts: Sequence[DueAlert] = ()
    judged: Sequence[str] = ()  # runs that died, and are taken into account by this

    @property
    def opened(self) -> list[Incident]:
        return [each for each in self.incidents if each.closed_at is None and each.seen_count == 1]

    @property
    def closed(self) -> list[Incident]:
        return [each for each in self.incidents if each.closed_at is not None]
