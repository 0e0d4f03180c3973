"""PagerDuty: Events API v2. Its dedup_key is the incident's id, so whatever comes twice is one incident there."""

from __future__ import annotations

from typing import Any

from pipeline_cli.alerts.message import Alert
from pipeline_cli.manifest.channels import PagerDutyChannel
from pipeline_cli.plugins.channels.answers import Answer
from pipeline_cli.plugins.channels.http import post_json

_SUMMARY = 1_024  # https://developer.pagerduty.com/docs/send-alert-event


def send(channel: PagerDutyChannel, alert: Alert, timeout_s: float) -> Answer:
    """Trigger or resolve the alert's incident; a test does both. Raises NotDelivered."""
    answer = post_json(channel.url, make_event(channel, alert), timeout_s)
    if alert.message.kind == "test":
        return post_json(channel.url, make_event(channel, alert, resolve=True), timeout_s)
    return answer


def make_event(channel: PagerDutyChannel, alert: Alert, *, resolve: bool = False) -> dict[str, Any]:
    message = alert.message
    incident = alert.incidents[0] if alert.incidents else alert.id
    event: dict[str, Any] = {
        "routing_key": channel.routing_key,
        "event_action": "resolve" if resolve or message.kind == "recovery" else "trigger",
        "dedup_key": f"{message.project}/{message.environment}/{incident}"[:255],
    }
    if event["event_action"] == "resolve":
        return event
    lead = message.items[0] if message.items else None
    event["payload"] = {
        "summary": f"[{message.project} {message.environment}] {message.title}: {message.sentence}"[
            :_SUMMARY
        ],
        "source": f"{message.project}/{message.environment}",
        "severity": _severity(channel, message.kind),
        "timestamp": message.made_at,
        "component": lead.pipeline if lead else message.project,
        "group": message.environment,
        "class": message.kind,
        "custom_details": _details(alert),
    }
    return event


def _severity(channel: PagerDutyChannel, kind: str) -> str:
    return {"test": "info", "contract": "warning"}.get(kind, channel.severity)


def _details(alert: Alert) -> dict[str, Any]:
    message = alert.message
    item = message.items[0] if message.items else None
    found: dict[str, Any] = {
        "alert": alert.id,
        "run": message.run_id,
        "log": message.log,
        "next": message.next,
    }
    if item is not None:
        found |= {"step": item.step, "try": item.tries, "since": item.since, "last good run": item.last_good}
        found |= {"stopped": list(item.stopped), "affected": list(item.affected), "also": list(item.also)}
        found |= {label.lower(): text for label, text in item.details}
    return {name: value for name, value in found.items() if value}
