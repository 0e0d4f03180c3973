"""The small project of tests/unit/run, with a mail server to tell."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipeline_cli.errors import SourceError
from pipeline_cli.ledger import Ledger, StoredAlert
from pipeline_cli.manifest.channels import EmailChannel
from pipeline_cli.manifest.models import Alert, Pipeline
from tests.servers.smtp import MailServer
from tests.unit.run.world import World, make_world


def email(server: MailServer, **keys: Any) -> EmailChannel:
    wanted = {"encryption": "none", "to": ("ops@example.com",), "sender": "pipelines@example.com", **keys}
    return EmailChannel(smtp=server.url, **wanted)


def make_alert_world(
    root: Path,
    channels: Mapping[str, Any],
    *,
    pipelines: Mapping[str, Pipeline] | None = None,
    secrets: frozenset[str] = frozenset(),
    **rule: Any,
) -> World:
    """One pipeline `shop` (source api, transform marts, its tests) whose alerts go to all channels."""
    alert = Alert(**{"to": tuple(channels), **rule})
    given = pipelines or {"shop": Pipeline(sources=("api",), transforms=("marts",), alerts=(alert,))}
    return make_world(root, given, plugins=channels, secrets=secrets)


def fail(message: str = "the API answered 500") -> Any:
    """What `world.loader.during["api"]` is to do."""

    def refuse(_request: object) -> None:
        raise SourceError(message, hint="Try later.")

    return refuse


def outbox(world: World) -> list[StoredAlert]:
    """All alerts, oldest first."""
    ledger = Ledger.open(world.project.pipeline_dir / "runs.db")
    try:
        return ledger.alerts.recent_alerts(None, 100)[::-1]
    finally:
        ledger.close()


SHORT = timedelta(seconds=1)
