"""The words of alerts: titles and sentences. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pipeline_cli.alerts.message import Item, Message
from pipeline_cli.ledger import Incident

_VERBS = {"failure": ("failed", "failed")}
# Of incidents that `monitor` opens, where none is a failure: now, and when it is told again.
_STATES = {"service_level": ("late", "still late"), "monitor": ("not as usual", "still not as usual")}


def make_message(about: Message, kind: str, items: Sequence[Item], incidents: Sequence[Incident]) -> Message:
    """The message of one kind on these incidents; the first leads. about: project, environment, run, commands."""
    lead = items[0]
    log = f"{about.log} --step {lead.step}" if about.log and lead.step else about.log
    run_id = about.run_id or incidents[0].seen_run
    return replace(
        about,
        kind=kind,
        run_id=run_id,
        items=list(items),
        title=_title(kind, items, incidents),
        sentence=_recovered(lead, about.run_id) if kind == "recovery" else _as_sentence(_happened(items)),
        next=None if kind == "recovery" else _next(about, incidents),
        log=None if kind == "recovery" else log,
        log_file=None if kind == "recovery" else about.log_file,
    )


def name_pipelines(items: Sequence[Item], most: int = 3) -> str:
    """'crm', 'crm and fakestore', '5 pipelines'."""
    names = list(dict.fromkeys(item.pipeline for item in items))
    if len(names) > most:
        return f"{len(names)} pipelines"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def describe_duration(seconds: float) -> str:
    """'40 seconds', '5 minutes', '3 h 5 min', '2 d 4 h'."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{max(round(seconds), 1)} second{'' if round(seconds) <= 1 else 's'}"
    if minutes < 60:
        return f"{minutes} minutes"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def write_moment(moment: str | None, *, is_day: bool = False) -> str:
    """'20 Nov 2026, 09:00 UTC' of ISO 8601. is_day: midnight stands for the day as a whole."""
    if not moment:
        return ""
    at = datetime.fromisoformat(moment).astimezone(UTC)
    if is_day and (at.hour, at.minute, at.second) == (0, 0, 0):
        return f"{at.day} {at:%b %Y}"
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def _title(kind: str, items: Sequence[Item], incidents: Sequence[Incident]) -> str:
    lead, who = items[0], name_pipelines(items)
    several = len({item.pipeline for item in items}) > 1
    if kind == "recovery":
        if all(incident.kind == "contract" for incident in incidents):
            return f"{who}: no more records are rejected"
        return f"{who} {'are' if several else 'is'} well again after {describe_duration(lead.lasted_s or 0)}"
    if all(incident.kind == "contract" for incident in incidents):
        words = {
            "changed": "records break other rules of their contract",
            "reminder": "records still break their contract",
        }
        return f"{who}: {words.get(kind, 'records break their contract')}"
    if incidents[0].kind in _STATES and all(incident.kind in _STATES for incident in incidents):
        state = _STATES[incidents[0].kind][kind == "reminder"]
        return f"{who} {'are' if several else 'is'} {state}"
    at = "" if several or lead.step is None else f" at {lead.step}"
    if kind == "changed":
        return f"{who} {'fail' if several else 'fails'} in another way{at}"
    if kind == "reminder":
        return f"{who} still {'fail' if several else 'fails'}{at}"
    verb = _VERBS.get(kind, ("has trouble", "have trouble"))[several]
    return f"{who} {verb}{at}"


def _next(about: Message, incidents: Sequence[Incident]) -> str | None:
    """The command to type: that of the run, or where no step failed or none ran, that of the first trouble."""
    if about.run_id is None or all(incident.kind == "contract" for incident in incidents):
        return incidents[0].trouble.get("hint") or about.next
    return about.next


def _recovered(lead: Item, run_id: str | None) -> str:
    lasted = describe_duration(lead.lasted_s or 0)
    return f"Over{' since this run' if run_id else ''}, after {lasted}. It was: {lead.sentence.rstrip('.')}."


def _happened(items: Sequence[Item]) -> str:
    """What happened to the first; which step it was, the title of a single pipeline says already."""
    lead = items[0]
    return lead.sentence if len(items) > 1 else lead.sentence.removeprefix(f"{lead.step} failed: ")


def _as_sentence(text: str) -> str:
    """With a capital and a full stop; a first word that may be a name (`fact_orders`, `127.0.0.1`) stays."""
    first = text.split(" ", 1)[0]
    begun = text[:1].upper() + text[1:] if first.isalpha() else text
    return begun if begun.endswith((".", "…", "!", "?")) else begun + "."
