"""What a look finds made into incidents and alerts: told once, until it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from pipeline_cli.alerts.delivery import Deliverer, describe
from pipeline_cli.alerts.judging import incident_document, judge_deaths
from pipeline_cli.alerts.message import Message
from pipeline_cli.alerts.planning import Seen, plan_alerts
from pipeline_cli.alerts.switches import find_unheard, with_channels_on
from pipeline_cli.alerts.troubles import CONTRACT, FAILURE, Trouble
from pipeline_cli.alerts.ways import find_ways
from pipeline_cli.alerts.wording import write_moment
from pipeline_cli.document import format_time
from pipeline_cli.ledger import AlertNews, Incident, Ledger
from pipeline_cli.monitoring.findings import Check, Finding, Health
from pipeline_cli.plugins.manager import PluginManager
from pipeline_cli.project import Project

SERVICE_LEVEL = "service_level"
MONITOR = "monitor"
KINDS: Mapping[Check, str] = {
    "last_run": FAILURE,
    "step": FAILURE,
    "late": SERVICE_LEVEL,
    "service_level": SERVICE_LEVEL,
}
_HOOKS = ("incident_opened", "incident_closed", "service_level_missed")
OLDEST_DEATH = timedelta(days=7)  # a run that died longer ago is no news


def tell(
    project: Project,
    ledger: Ledger,
    healths: Sequence[Health],
    clock: Callable[[], datetime],
    warn: Callable[[str], None],
) -> AlertNews:
    """Write the incidents that follow from a look, and send what is due. What does not arrive is told to `warn`.

    Nothing is written in a project without alerts, unless a plugin listens to incidents. Raises LoadError.
    """
    plugins = PluginManager.load(project, warn)
    has_alerts = any(pipeline.alerts for pipeline in project.manifest.pipelines.values())
    if not has_alerts and not any(map(plugins.listens, _HOOKS)):
        return AlertNews()
    manifest, now = with_channels_on(project), clock()
    looked_at = [health.pipeline for health in healths]
    unheard = find_unheard(project, looked_at) if project.environment.protected else {}
    for channel, names in unheard.items():
        warn(f"nobody hears alerts by {channel} here: {', '.join(names)} is not set")
    died = ledger.alerts.died_unjudged(project.environment_name, now - OLDEST_DEATH)
    if died:
        _write(ledger, plugins, plan_alerts(manifest, judge_deaths(project, ledger, died)))
    news = plan_alerts(manifest, judge_look(project, ledger, healths, now))
    _write(ledger, plugins, news)
    if ledger.alerts.unsent(project.environment_name):
        deliveries = Deliverer(project, ledger.alerts, find_ways(project, plugins), clock).deliver()
        for warning in dict.fromkeys(filter(None, map(describe, deliveries))):
            warn(warning)
    return news


def judge_look(project: Project, ledger: Ledger, healths: Sequence[Health], now: datetime) -> Seen:
    """What a look found, for plan_alerts."""
    environment = project.environment_name
    open_ = ledger.alerts.open_incidents(environment)
    troubles = [trouble for health in healths for trouble in find_troubles(health, open_)]
    looked_at = {health.pipeline for health in healths}
    concerned = {trouble.pipeline for trouble in troubles} | {incident.pipeline for incident in open_}

    def is_over(incident: Incident) -> bool:
        # It is none of the troubles. Failures and broken contracts end with a run, and are judged there.
        return incident.kind in (SERVICE_LEVEL, MONITOR) and incident.pipeline in looked_at

    return Seen(
        now=now,
        about=_about(project, now),
        troubles=troubles,
        open=open_,
        is_over=is_over,
        last_told=ledger.alerts.last_told([each.incident_id for each in open_]) if open_ else {},
        last_good={pipeline: ledger.last_success(environment, pipeline) for pipeline in concerned},
    )


def find_troubles(health: Health, open_: Sequence[Incident]) -> Iterator[Trouble]:
    """The troubles of a pipeline: a failure that no run has told of, and each other finding by itself.

    Findings of one kind and subject are one trouble: the first leads.
    """
    known = {incident.key for incident in open_}
    grouped: dict[tuple[str, str], list[Finding]] = {}
    for finding in health.findings:
        kind = KINDS.get(finding.check, MONITOR)
        subject = "" if kind != MONITOR else f"{finding.check} {finding.subject}".strip()
        grouped.setdefault((kind, subject), []).append(finding)
    for (kind, subject), findings in grouped.items():
        if kind == FAILURE and ((health.pipeline, FAILURE, "") in known or not _is_news(findings)):
            continue
        if findings[0].check == "quarantine" and (health.pipeline, CONTRACT, findings[0].subject) in known:
            continue
        yield _trouble(health.pipeline, kind, subject, findings)


def _is_news(findings: Sequence[Finding]) -> bool:
    """Not of a run that somebody interrupted: who pressed Ctrl-C knows."""
    return any(finding.check == "step" or "failed" in finding.signs for finding in findings)


def _trouble(pipeline: str, kind: str, subject: str, findings: Sequence[Finding]) -> Trouble:
    steps = [finding for finding in findings if finding.step]
    lead = steps[0] if steps else findings[0]
    since = write_moment(format_time(lead.since))
    return Trouble(
        pipeline=pipeline,
        kind=kind,
        subject=subject,
        signs=tuple(dict.fromkeys(sign for finding in findings for sign in finding.signs)),
        sentence=lead.message,
        step=lead.step,
        tries=lead.tries,
        steps=tuple(finding.step for finding in steps if finding.step),
        details=(("Since", since),) if since else (),
        also=tuple(finding.message for finding in steps[1:]),
        hint=lead.next,
    )


def _about(project: Project, now: datetime) -> Message:
    made_at = format_time(now) or ""
    return Message(
        kind="",
        project=project.manifest.name,
        environment=project.environment_name,
        title="",
        sentence="",
        made_at=made_at,
        facts=[("Seen by", "pipeline-cli monitor"), ("At", write_moment(made_at))],
        next=f"pipeline-cli monitor{project.command_option}",
    )


def _write(ledger: Ledger, plugins: PluginManager, news: AlertNews) -> None:
    ledger.alerts.write(news)
    missed = [each for each in news.opened if each.kind == SERVICE_LEVEL]
    for moment, incidents in zip(_HOOKS, (news.opened, news.closed, missed), strict=True):
        for incident in incidents if plugins.listens(moment) else ():
            plugins.tell(moment, incident=incident_document(incident))
