"""Channels: the entries of `plugins` that bring alerts to people. An entry of a channel's name is that channel,
and so is one of any name whose `type` says so.

No `from __future__ import annotations` here, as keys.py says.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from pipeline_cli.manifest.keys import entry, key

_TIMEOUT = "How long one delivery may take."
_SECONDS = timedelta(seconds=30)


@entry
class EmailChannel:
    """Mail over SMTP."""

    smtp: str = key(
        "The server, smtp://user:password@host:587 (STARTTLS) or smtps://… (TLS); the password from a variable."
    )
    to: tuple[str, ...] = key("Who gets the mail.")
    type: Literal["email"] = key("Mail over SMTP.", default="email")
    sender: str | None = key(
        "The address in From, by default the SMTP user's, else pipeline-cli@<this host>.", default=None
    )
    encryption: Literal["starttls", "tls", "none"] | None = key(
        "By default starttls for smtp:// and tls for smtps://; none is for a relay on this machine or network.",
        default=None,
    )
    timeout: timedelta = key(_TIMEOUT, default=_SECONDS, minimum=0.001)


@entry
class SlackChannel:
    """A Slack channel's incoming webhook."""

    webhook: str = key("The webhook's address.", secret=True, url=True)
    type: Literal["slack"] = key("Slack.", default="slack")
    timeout: timedelta = key(_TIMEOUT, default=_SECONDS, minimum=0.001)


@entry
class PagerDutyChannel:
    """PagerDuty's Events API v2: incidents are triggered, and resolved when they are over."""

    routing_key: str = key("The integration key of the service.", secret=True)
    type: Literal["pagerduty"] = key("PagerDuty.", default="pagerduty")
    url: str = key(
        "Where events go; the EU's is https://events.eu.pagerduty.com/v2/enqueue.",
        default="https://events.pagerduty.com/v2/enqueue",
        url=True,
    )
    severity: Literal["critical", "error", "warning", "info"] = key(
        "How grave failures are.", default="error"
    )
    timeout: timedelta = key(_TIMEOUT, default=_SECONDS, minimum=0.001)


@entry
class WebhookChannel:
    """Any address that takes JSON by POST."""

    url: str = key("Where the JSON goes.", url=True)
    type: Literal["webhook"] = key("Any address that takes JSON.", default="webhook")
    headers: Mapping[str, str] = key("Headers of the request.", default={})
    body: Mapping[str, Any] = key(
        "The JSON, with {title}, {sentence}, {text}, {kind}, {pipeline}, {environment}, {step}, {run_id}, {next} or "
        "{id} in its texts; by default the whole alert.",
        default={},
    )
    timeout: timedelta = key(_TIMEOUT, default=_SECONDS, minimum=0.001)


@entry
class AppriseChannel:
    """A hundred other services, by their Apprise addresses (extra [apprise])."""

    urls: tuple[str, ...] = key("Apprise's addresses, such as tgram://….", secret=True)
    type: Literal["apprise"] = key("Apprise.", default="apprise")
    timeout: timedelta = key(_TIMEOUT, default=_SECONDS, minimum=0.001)


Channel = EmailChannel | SlackChannel | PagerDutyChannel | WebhookChannel | AppriseChannel
