"""Apprise: the services that have no channel of their own here (extra [apprise])."""

from __future__ import annotations

import logging
from typing import Any

from pipeline_cli.alerts.message import Alert
from pipeline_cli.alerts.texts import render_text
from pipeline_cli.manifest.channels import AppriseChannel
from pipeline_cli.plugins.channels.answers import Answer, NotDelivered

_TYPES = {"failure": "failure", "changed": "failure", "reminder": "failure", "contract": "warning"}


def send(channel: AppriseChannel, alert: Alert, timeout_s: float) -> Answer:
    """Notify every address; it arrived when it did at all of them. Raises NotDelivered.

    Apprise keeps its services' own timeouts; whoever waits for this has a deadline.
    """
    try:
        import apprise
    except ModuleNotFoundError:
        raise NotDelivered("Apprise is missing: pip install 'pipeline-cli[apprise]'", again=False) from None
    service = apprise.Apprise()
    for url in channel.urls:
        if not service.add(url):
            raise NotDelivered("Apprise does not understand one of the urls", again=False)
    said = _Said()
    logger = logging.getLogger("apprise")
    logger.addHandler(said)
    try:
        arrived = service.notify(
            title=_one_line(alert.message.title),
            body=f"{render_text(alert.message)}\n({alert.id})",
            notify_type=_TYPES.get(
                alert.message.kind, "success" if alert.message.kind == "recovery" else "info"
            ),
            body_format=apprise.NotifyFormat.TEXT,
        )
    finally:
        logger.removeHandler(said)
    if not arrived:
        raise NotDelivered(said.last or "one of the services refused it, and did not say why", again=True)
    return Answer(f"notified {len(channel.urls)} service{'' if len(channel.urls) == 1 else 's'}")


def _one_line(text: str) -> str:
    return " ".join(text.split())


class _Said(logging.Handler):
    """Keeps the last warning: Apprise tells reasons to its log alone."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: Any) -> None:
        self.last = record.getMessage()[:300]
