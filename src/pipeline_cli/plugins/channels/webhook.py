"""Any address that takes JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipeline_cli.alerts.message import Alert
from pipeline_cli.alerts.texts import render_text
from pipeline_cli.manifest.channels import WebhookChannel
from pipeline_cli.plugins.channels.answers import Answer
from pipeline_cli.plugins.channels.http import post_json

_PLACE = re.compile(r"\{([a-z_]+)\}")


def send(channel: WebhookChannel, alert: Alert, timeout_s: float) -> Answer:
    """Post the alert, or what `body` makes of it. The receiver tells one that comes twice by Idempotency-Key."""
    body = fill(channel.body, _values(alert)) if channel.body else make_document(alert)
    return post_json(channel.url, body, timeout_s, {"Idempotency-Key": alert.id, **channel.headers})


def make_document(alert: Alert) -> dict[str, Any]:
    """The whole alert; its keys stay (schema_version 1)."""
    kept = alert.message.to_dict()
    pictures = kept.pop("files")
    return {
        "schema_version": 1,
        "id": alert.id,
        **kept,
        "incidents": list(alert.incidents),
        "files": [each["path"] for each in pictures],
        "text": render_text(alert.message),
    }


def fill(body: Any, values: Mapping[str, str]) -> Any:
    """A copy of plain JSON with {name} filled in in its texts; braces that name nothing of ours stay."""
    if isinstance(body, str):
        return _PLACE.sub(lambda match: values.get(match[1], match[0]), body)
    if isinstance(body, Mapping):
        return {name: fill(each, values) for name, each in body.items()}
    if isinstance(body, (list, tuple)):
        return [fill(each, values) for each in body]
    return body


def _values(alert: Alert) -> dict[str, str]:
    message = alert.message
    step = next((item.step for item in message.items if item.step), None)
    return {
        "id": alert.id,
        "kind": message.kind,
        "title": message.title,
        "text": render_text(message),
        "sentence": message.sentence,
        "project": message.project,
        "environment": message.environment,
        "pipeline": message.pipelines,
        "step": step or "",
        "run_id": message.run_id or "",
        "next": message.next or "",
    }
