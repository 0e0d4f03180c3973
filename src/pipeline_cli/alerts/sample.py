"""The sample that `alerts test` sends."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping

from pipeline_cli.alerts.delivery import Delivery, Way, send_with_patience
from pipeline_cli.alerts.message import Alert, Item, Message
from pipeline_cli.alerts.wording import write_moment
from pipeline_cli.document import format_time, utc_now
from pipeline_cli.plugins.channels.answers import NotDelivered
from pipeline_cli.project import Project
from pipeline_cli.secrets import mask


def send_samples(project: Project, ways: Mapping[str, Way]) -> Iterator[Delivery]:
    """Send a sample by each way, one after the other; what each answered. Nothing is kept or sent again."""
    for name, way in ways.items():
        alert = Alert(
            f"test-{secrets.token_hex(8)}", name, make_sample(project, name), root=str(project.root)
        )
        try:
            answer = send_with_patience(way, alert)
        except NotDelivered as error:
            yield Delivery(alert.id, name, "test", "unsent", mask(error.reason, project.secrets))
        except Exception as error:  # a channel's own mistake
            reason = mask(f"{type(error).__name__}: {error}", project.secrets)
            yield Delivery(alert.id, name, "test", "unsent", reason)
        else:
            warning = answer.warning and mask(answer.warning, project.secrets)
            yield Delivery(alert.id, name, "test", "sent", mask(answer.text, project.secrets), warning)


def make_sample(project: Project, channel: str) -> Message:
    """A message with a bit of everything, that says it is only a test."""
    now = format_time(utc_now()) or ""
    tells = [
        f"{name} on {', '.join(rule.when)}"
        for name, pipeline in project.manifest.pipelines.items()
        for rule in pipeline.alerts
        if channel in rule.to
    ]
    item = Item(
        "this is a test",
        "Nothing is wrong.",
        details=[("Told here", "\n".join(tells) or "nothing yet: no alert of a pipeline names this channel")],
    )
    return Message(
        kind="test",
        project=project.manifest.name,
        environment=project.environment_name,
        title=f"A test of {channel}",
        sentence="Nothing is wrong: somebody typed pipeline-cli alerts test.",
        made_at=now,
        items=[item],
        facts=[("At", write_moment(now))],
        next=f"pipeline-cli alerts list{project.command_option}",
    )
