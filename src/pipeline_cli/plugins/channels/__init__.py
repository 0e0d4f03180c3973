"""The channels that are built in. One more is one more module, one line here and its keys in the manifest."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pipeline_cli.alerts.message import Alert
from pipeline_cli.plugins.channels.answers import Answer

_MODULES = {
    "email": "pipeline_cli.plugins.channels.email",
    "slack": "pipeline_cli.plugins.channels.slack",
    "pagerduty": "pipeline_cli.plugins.channels.pagerduty",
    "webhook": "pipeline_cli.plugins.channels.webhook",
    "apprise": "pipeline_cli.plugins.channels.apprise",
}


def send_alert(channel: Any, alert: Alert, timeout_s: float) -> Answer:
    """Send an alert by a channel of the manifest. Raises NotDelivered.

    Each channel is imported when it is used: none of them is part of a run that tells nobody.
    """
    answer: Answer = import_module(_MODULES[channel.type]).send(channel, alert, timeout_s)
    return answer
