"""Which incidents a run opens, goes on with and closes, and who is told. Pure: values in, AlertNews out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pipeline_cli.alerts.message import OF_INCIDENTS, Item, Message
from pipeline_cli.alerts.switches import rules_of
from pipeline_cli.alerts.troubles import Trouble
from pipeline_cli.alerts.wording import make_message
from pipeline_cli.document import format_time
from pipeline_cli.ledger import AlertNews, DueAlert, Incident
from pipeline_cli.manifest.models import Alert, Manifest

# Channels that keep incidents themselves: they hear of each apart, also of its end, and of nothing else.
KEEPS_INCIDENTS = ("pagerduty",)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened once: no trouble. occasion: "drift", "success" or "report"."""

    pipeline: str
    occasion: str
    message: Message


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known at the end of a run, or at a look at the ledger.

    troubles: of this run; is_over: whether an incident that is open ended with it. open: the open incidents of
    the environment; last_told: (incident, channel) -> when. about: project, environment, run and commands, for
    the messages; its items and sentence are empty. affected: what of a pipeline stays old; last_good: since when.
    """

    now: datetime
    about: Message
    troubles: Sequence[Trouble] = ()
    notices: Sequence[Notice] = ()
    open: Sequence[Incident] = ()
    is_over: Callable[[Incident], bool] = lambda incident: False
    last_told: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    affected: Mapping[str, Sequence[str]] = field(default_factory=dict)
    last_good: Mapping[str, datetime | None] = field(default_factory=dict)
    judged: Sequence[str] = ()


@dataclass(slots=True)
class _Letter:
    """Alerts of one kind to one channel, before they are one message."""

    rule: Alert
    items: list[Item] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)


def plan_alerts(manifest: Manifest, seen: Seen) -> AlertNews:
    """The incidents as they are from now on, and the alerts that are due."""
    known = {incident.key: incident for incident in seen.open}
    opened = [_open(trouble, seen) for trouble in seen.troubles if _key(trouble) not in known]
    lasting = [_go_on(known[_key(each)], each, seen) for each in seen.troubles if _key(each) in known]
    ongoing = {incident.key for incident, _ in lasting}
    over = [each for each in seen.open if each.key not in ongoing and seen.is_over(each)]
    closed = [replace(each, closed_at=seen.now, closed_run=seen.about.run_id) for each in over]
    quiet = [each for each in seen.open if each.key not in ongoing and each not in over]
    letters = _Letters(manifest, seen)
    for incident in opened:
        letters.add(incident.kind, incident.kind, incident)
    for incident, is_new in lasting:
        if is_new:
            letters.add("changed", incident.kind, incident)
    for incident in [*(each for each, is_new in lasting if not is_new), *quiet]:
        letters.remind(incident)
    for incident in closed:
        letters.end(incident)
    alerts = [*letters.alerts(), *_notices(manifest, seen)]
    return AlertNews([*opened, *(each for each, _ in lasting), *closed], alerts, seen.judged)


def _key(trouble: Trouble) -> tuple[str, str, str]:
    return trouble.pipeline, trouble.kind, trouble.subject


def _open(trouble: Trouble, seen: Seen) -> Incident:
    environment = seen.about.environment
    identity = [environment, *_key(trouble), seen.about.run_id, format_time(seen.now)]
    return Incident(
        incident_id=f"{seen.now:%Y%m%d}-{_digest(identity)[:8]}",
        environment=environment,
        pipeline=trouble.pipeline,
        kind=trouble.kind,
        subject=trouble.subject,
        fingerprint=_digest(sorted(trouble.signs)),
        summary=trouble.sentence,
        opened_at=seen.now,
        seen_at=seen.now,
        opened_run=seen.about.run_id,
        seen_run=seen.about.run_id,
        told=trouble.signs,
        steps=trouble.steps,
        trouble=trouble.to_dict(),
    )


def _go_on(incident: Incident, trouble: Trouble, seen: Seen) -> tuple[Incident, bool]:
    """The incident as it is now, and whether there is something about it that was not told before."""
    is_new = not set(trouble.signs) <= set(incident.told)
    now = replace(
        incident,
        fingerprint=_digest(sorted(trouble.signs)),
        summary=trouble.sentence,
        seen_at=seen.now,
        seen_run=seen.about.run_id,
        seen_count=incident.seen_count + 1,
        told=tuple(dict.fromkeys((*incident.told, *trouble.signs))),
        # A step that failed before and has not succeeded since is still to be mended.
        steps=tuple(dict.fromkeys((*incident.steps, *trouble.steps))),
        trouble=trouble.to_dict(),
    )
    return now, is_new


class _Letters:
    """Collects what each channel is to be told, so that a run is one message of a kind to a channel."""

    def __init__(self, manifest: Manifest, seen: Seen) -> None:
        self._manifest = manifest
        self._seen = seen
        self._found: dict[tuple[str, str, str], _Letter] = {}

    def add(self, kind: str, occasion: str, incident: Incident) -> None:
        """Tell every channel that hears of this occasion."""
        for rule, channel in self._channels(incident):
            if occasion in rule.when:
                self._put(kind, channel, rule, incident)

    def remind(self, incident: Incident) -> None:
        """Tell those who were told too long ago; a channel that never was told, because it is new, too."""
        for rule, channel in self._channels(incident):
            told = self._seen.last_told.get((incident.incident_id, channel))
            if incident.kind in rule.when and (told is None or self._seen.now - told >= rule.reminder):
                self._put("reminder", channel, rule, incident)

    def end(self, incident: Incident) -> None:
        """One word to whoever was told, or asked for recoveries alone."""
        for rule, channel in self._channels(incident):
            was_told = (incident.incident_id, channel) in self._seen.last_told
            wanted = "recovery" in rule.when or self._keeps_incidents(channel)
            if wanted and (was_told or incident.kind not in rule.when):
                self._put("recovery", channel, rule, incident)

    def alerts(self) -> Iterator[DueAlert]:
        for (channel, kind, _), letter in self._found.items():
            message = make_message(self._seen.about, kind, letter.items, letter.incidents)
            ids = [incident.incident_id for incident in letter.incidents]
            yield _due(self._seen, channel, kind, message, letter.rule, ids)

    def _put(self, kind: str, channel: str, rule: Alert, incident: Incident) -> None:
        apart = incident.incident_id if self._keeps_incidents(channel) else ""
        letter = self._found.setdefault((channel, kind, apart), _Letter(rule))
        if incident not in letter.incidents:
            letter.incidents.append(incident)
            letter.items.append(make_item(incident, self._seen))

    def _channels(self, incident: Incident) -> Iterator[tuple[Alert, str]]:
        for rule in rules_of(self._manifest, incident.pipeline, self._seen.about.environment):
            for channel in rule.to:
                yield rule, channel

    def _keeps_incidents(self, channel: str) -> bool:
        return _kind_of(self._manifest, channel) in KEEPS_INCIDENTS


def make_item(incident: Incident, seen: Seen) -> Item:
    """What is told of an incident."""
    trouble = incident.trouble
    good = seen.last_good.get(incident.pipeline)
    lasted = None if incident.closed_at is None else (incident.closed_at - incident.opened_at).total_seconds()
    return Item(
        pipeline=incident.pipeline,
        sentence=incident.summary,
        step=trouble.get("step"),
        tries=trouble.get("tries"),
        incident=incident.incident_id,
        since=format_time(incident.opened_at),
        runs=incident.seen_count,
        last_good=format_time(good),
        lasted_s=lasted,
        details=trouble.get("details", ()),
        also=trouble.get("also", ()),
        stopped=trouble.get("stopped", ()),
        affected=() if incident.closed_at else seen.affected.get(incident.pipeline, ()),
    )


def _notices(manifest: Manifest, seen: Seen) -> Iterator[DueAlert]:
    for notice in seen.notices:
        told: set[str] = set()
        for rule in rules_of(manifest, notice.pipeline, seen.about.environment):
            for channel in rule.to if notice.occasion in rule.when else ():
                if channel not in told and _kind_of(manifest, channel) not in KEEPS_INCIDENTS:
                    told.add(channel)
                    message = _only_attached(notice.message, rule)
                    yield _due(seen, channel, notice.occasion, message, rule, [])


def _only_attached(message: Message, rule: Alert) -> Message:
    kept = [each for each in message.files if each.is_picture or each.path.rpartition(".")[2] in rule.attach]
    return replace(message, files=kept)


def _due(
    seen: Seen, channel: str, kind: str, message: Message, rule: Alert, incidents: Sequence[str]
) -> DueAlert:
    subject = incidents or [item.pipeline for item in message.items] + [message.title]
    identity = [seen.about.environment, channel, kind, seen.about.run_id, subject]
    if seen.about.run_id is None or kind not in OF_INCIDENTS:
        identity.append(format_time(seen.now))
    return DueAlert(
        alert_id=f"{kind.replace('_', '-')}-{_digest(identity)}",
        environment=seen.about.environment,
        channel=channel,
        kind=kind,
        run_id=message.run_id,
        incidents=list(incidents),
        content=asdict(message),
        created_at=seen.now,
        deadline_at=seen.now + max(rule.deadline, timedelta(seconds=1)),
    )


def _kind_of(manifest: Manifest, channel: str) -> str:
    return getattr(manifest.plugins.get(channel), "type", "") or ""


def _digest(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]
