"""pipeline-cli alerts list | send | test"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline_cli.cli.groups import VerbGroup
from pipeline_cli.cli.output import format_table, print_progress, print_result, terminal_width
from pipeline_cli.cli.settings import Settings, common_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline_cli.alerts.delivery import Delivery, Way
    from pipeline_cli.ledger import Incident, StoredAlert
    from pipeline_cli.project import Project


@click.group(cls=VerbGroup, default="list")
@common_options
def command() -> None:
    """List incidents and alerts (the default), send what is due, or test the channels.

    Example: pipeline-cli alerts
    """


@command.command("list", short_help="List the incidents and alerts, newest first.")
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(min=1), help="How many, newest first."
)
@common_options
@click.pass_obj
def list_alerts(settings: Settings, limit: int) -> int:
    """List the newest incidents and alerts, of all environments or of the one that --env names.

    Example: pipeline-cli alerts list --limit 5
    """
    from pipeline_cli.alerts.judging import incident_document
    from pipeline_cli.cli.history import opened_ledger

    project = settings.open_project(sources=())
    with opened_ledger(project) as ledger:
        incidents = ledger.alerts.recent_incidents(settings.environment, limit)
        alerts = ledger.alerts.recent_alerts(settings.environment, limit)
    fields = {
        "status": "succeeded",
        "incidents": [incident_document(each) for each in incidents],
        "alerts": [_alert_document(each) for each in alerts],
        "errors": [],
    }
    print_result(settings, fields, _listed(incidents, alerts) or ["No incidents and no alerts yet."])
    return 0


@command.command("send", short_help="Send the alerts that are due.")
@common_options
@click.pass_obj
def send(settings: Settings) -> int:
    """Send the alerts that have not arrived yet; runs do so, too.

    Example: pipeline-cli alerts send --env prod
    """
    from pipeline_cli.alerts.delivery import Deliverer
    from pipeline_cli.cli.history import opened_ledger
    from pipeline_cli.errors import EXIT_DONE, EXIT_STEP_FAILED

    project = settings.open_project(sources=())
    with opened_ledger(project) as ledger:
        done = Deliverer(project, ledger.alerts, _find_ways(settings, project)).deliver()
        waiting = ledger.alerts.unsent(project.environment_name)
    lines = [_line(each) for each in done] or ["Nothing is due."]
    lines += [
        f"{each.channel}: tried again from {each.next_try_at:%d %b %H:%M} UTC on ({each.kind})"
        for each in waiting
        if each.alert_id not in {one.alert_id for one in done}
    ]
    failed = any(each.status != "sent" for each in done)
    print_result(settings, _fields(done, failed, waiting=[_alert_document(each) for each in waiting]), lines)
    return EXIT_STEP_FAILED if failed else EXIT_DONE


@command.command("test", short_help="Send a sample through every channel.")
@click.argument("channels", nargs=-1, metavar="[CHANNEL]...")
@common_options
@click.pass_obj
def test(settings: Settings, channels: tuple[str, ...]) -> int:
    """Send a sample through CHANNELS, by default all, and say what each answered.

    Example: pipeline-cli alerts test email
    """
    from pipeline_cli.alerts.delivery import Delivery
    from pipeline_cli.alerts.sample import send_samples
    from pipeline_cli.cli.names import require_name
    from pipeline_cli.errors import EXIT_DONE, EXIT_STEP_FAILED, UsageError

    project = settings.open_project(sources=())
    ways = _find_ways(settings, project)
    known = [*dict.fromkeys([*project.manifest.channels, *ways])]
    if not known:
        hint = "Add one, such as email: {smtp: ..., to: ...}, below plugins: in pipelines.yaml."
        raise UsageError("The manifest has no channels to test.", hint=hint)
    wanted = [require_name(name, known, "channel") for name in dict.fromkeys(channels)] or known
    off = [name for name in wanted if name not in ways]
    done = [
        Delivery("", name, "test", "unsent", f"{', '.join(project.missing[f'plugins.{name}'])} is not set")
        for name in off
    ]
    for delivery in send_samples(project, {name: ways[name] for name in wanted if name in ways}):
        done.append(delivery)
    done.sort(key=lambda each: wanted.index(each.channel))
    failed = any(each.status != "sent" for each in done)
    print_result(settings, _fields(done, failed), [_line(each) for each in done])
    return EXIT_STEP_FAILED if failed else EXIT_DONE


def _find_ways(settings: Settings, project: Project) -> Mapping[str, Way]:
    from pipeline_cli.alerts.ways import find_ways
    from pipeline_cli.plugins.manager import PluginManager

    plugins = PluginManager.load(project, lambda text: print_progress(settings, f"Warning: {text}"))
    return find_ways(project, plugins)


def _fields(done: list[Delivery], failed: bool, **more: Any) -> dict[str, Any]:
    sent = [
        {"channel": each.channel, "kind": each.kind, "status": each.status, "answer": each.detail}
        | ({"id": each.alert_id} if each.alert_id else {})
        | ({"warning": each.warning} if each.warning else {})
        for each in done
    ]
    return {"status": "failed" if failed else "succeeded", "deliveries": sent, **more, "errors": []}


def _line(delivery: Delivery) -> str:
    word = {"sent": "arrived", "unsent": "did not arrive", "given_up": "given up"}[delivery.status]
    told = f"{delivery.detail}; {delivery.warning}" if delivery.warning else delivery.detail
    return f"{delivery.channel}: {word} ({told})"


def _listed(incidents: list[Incident], alerts: list[StoredAlert]) -> list[str]:
    lines = []
    if incidents:
        # Where all are of one environment, its column would only take room from what happened.
        several = len({each.environment for each in incidents}) > 1
        head = ["Since (UTC)", *(["Environment"] if several else []), "Pipeline", "Runs", "State", "What"]
        rows = [
            [
                f"{each.opened_at:%Y-%m-%d %H:%M}",
                *([each.environment] if several else []),
                each.pipeline,
                each.seen_count,
                "over" if each.closed_at else "open",
                each.summary,
            ]
            for each in incidents
        ]
        lines += format_table(head, rows, terminal_width())
    if alerts:
        head = ["Made (UTC)", "Channel", "Kind", "State", "Tries", "What"]
        rows = [
            [
                f"{each.created_at:%Y-%m-%d %H:%M}",
                each.channel,
                each.kind,
                each.status.replace("_", " "),
                each.tries,
                each.error or each.content["title"],
            ]
            for each in alerts
        ]
        lines += ["", *format_table(head, rows, terminal_width())]
    return lines


def _alert_document(alert: StoredAlert) -> dict[str, Any]:
    from pipeline_cli.document import format_time

    return {
        "id": alert.alert_id,
        "channel": alert.channel,
        "kind": alert.kind,
        "status": alert.status,
        "title": alert.content["title"],
        "run_id": alert.run_id,
        "incidents": list(alert.incidents),
        "created_at": format_time(alert.created_at),
        "sent_at": format_time(alert.sent_at),
        "next_try_at": format_time(alert.next_try_at) if alert.status == "due" else None,
        "tries": alert.tries,
        "error": alert.error,
    }
