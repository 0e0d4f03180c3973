"""A run's troubles made into incidents and alerts, and the alerts sent. None of it can fail the run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipeline_cli.alerts.switches import find_unheard, is_anyone_told, with_channels_on
from pipeline_cli.document import RunResult, utc_now
from pipeline_cli.ledger import AlertNews, Ledger, RunEntry
from pipeline_cli.project import Project
from pipeline_cli.secrets import mask, mask_tree
from pipeline_cli.threads import start_thread

if TYPE_CHECKING:
    from pipeline_cli.alerts.delivery import Delivery
    from pipeline_cli.alerts.planning import Seen
    from pipeline_cli.alerts.troubles import Findings
    from pipeline_cli.plugins.manager import PluginManager
    from pipeline_cli.steps.ingest import IngestOutcome

log = logging.getLogger(__name__)

EXAMPLES = 5  # reasons that a broken contract shows
OLDEST_DEATH = timedelta(days=7)  # a run that died longer ago is no news
LIMIT_WHEN_STOPPED_S = 5.0  # whoever sent SIGTERM does not wait long


class AlertReporter:
    """What one run tells people. Does nothing, and imports next to nothing, where nobody is to be told.

    warn: adds a warning to the run.
    """

    def __init__(
        self, project: Project, ledger: Ledger, entry: RunEntry, warn: Callable[[str], None]
    ) -> None:
        self._project = project
        self._ledger = ledger
        self._entry = entry
        self._warn = warn
        self._plugins: PluginManager | None = None
        self._findings: Findings | None = None
        self._early: Future[list[Delivery]] | None = None
        self._pipelines_of = _shared_sources(entry)

    @property
    def is_active(self) -> bool:
        """Whether anyone hears: by an alert whose channel is on, or a plugin with a hook for incidents."""
        if is_anyone_told(self._project):
            return True
        plugins = self._plugins
        return plugins is not None and any(map(plugins.listens, ("incident_opened", "incident_closed")))

    def run_started(self, plugins: PluginManager | None) -> None:
        """Tell of runs that died since, at once and beside the work: this run may die of the same."""
        self._plugins = plugins
        if self._project.environment.protected:
            for channel, names in find_unheard(self._project, self._entry.selection).items():
                verb = "are" if len(names) > 1 else "is"
                self._warn(f"nobody hears the alerts by {channel}: {', '.join(names)} {verb} not set")
        if self.is_active:
            self._guard(self._tell_of_deaths, "runs that died")

    def ingested(self, source: str, outcome: IngestOutcome) -> None:
        """Remember what an ingest found out about its data."""
        if self.is_active and (outcome.violations or outcome.schema_changes):
            self._guard(lambda: self._remember(source, outcome), "what was found")

    def plan(self, result: RunResult) -> AlertNews | None:
        """The incidents and alerts that follow from the run, to be written when it is closed."""
        if not self.is_active:
            return None
        news: AlertNews | None = self._guard(lambda: self._plan(result), "alerts")
        return news

    def tell_plugins(self, news: AlertNews | None) -> None:
        """The hooks incident_opened and incident_closed."""
        if news is None or self._plugins is None:
            return
        for moment, incidents in (("incident_opened", news.opened), ("incident_closed", news.closed)):
            for incident in incidents if self._plugins.listens(moment) else ():
                from pipeline_cli.alerts.judging import incident_document

                self._plugins.tell(moment, incident=incident_document(incident))

    def deliver(self, *, stopped: bool) -> None:
        """Send what is due; what does not arrive is a warning. stopped: the run was asked to end."""
        if self.is_active:
            self._guard(lambda: self._deliver(LIMIT_WHEN_STOPPED_S if stopped else None), "sending alerts")

    def _guard(self, work: Callable[[], Any], what: str) -> Any:
        try:
            return work()
        except Exception as error:  # an alert that fails changes neither data nor status
            log.exception("alerts")
            self._warn(f"{what}: {type(error).__name__}: {error}")
            return None

    def _remember(self, source: str, outcome: IngestOutcome) -> None:
        from pipeline_cli.alerts.troubles import Drift, Findings, Violations

        self._findings = self._findings or Findings()
        pipelines = self._pipelines_of.get(f"ingest:{source}", [])
        quarantined = {entry.name: entry.quarantined for entry in outcome.result.resources}
        for resource in dict.fromkeys(each.resource for each in outcome.violations):
            found = [each for each in outcome.violations if each.resource == resource]
            reasons = [_reason(reason) for each in found for reason in each.reasons]
            violations = Violations(
                pipelines=pipelines,
                source=source,
                resource=resource,
                rejected=max(quarantined.get(resource, 0), len(found)),
                reasons=mask_tree(reasons[:EXAMPLES], self._project.secrets),
                rules=frozenset((str(each["path"]), str(each["rule"])) for each in reasons),
                quarantined=bool(quarantined.get(resource)),
            )
            self._findings.violations.append(violations)
        self._findings.drifts.append(Drift(pipelines, source, outcome.schema_changes))

    def _plan(self, result: RunResult) -> AlertNews:
        from pipeline_cli.alerts.judging import judge_run
        from pipeline_cli.alerts.troubles import Findings

        seen = judge_run(self._project, self._ledger, self._entry, result, self._findings or Findings())
        return self._planned(seen)

    def _planned(self, seen: Seen) -> AlertNews:
        from pipeline_cli.alerts.planning import plan_alerts

        news = plan_alerts(with_channels_on(self._project), seen)
        secrets = self._project.secrets
        return replace(
            news,
            incidents=[
                replace(each, summary=mask(each.summary, secrets), trouble=mask_tree(each.trouble, secrets))
                for each in news.incidents
            ],
            alerts=[replace(each, content=mask_tree(each.content, secrets)) for each in news.alerts],
        )

    def _tell_of_deaths(self) -> None:
        from pipeline_cli.alerts.judging import judge_deaths

        since = utc_now() - OLDEST_DEATH
        died = self._ledger.alerts.died_unjudged(self._project.environment_name, since)
        if not died:
            return
        news = self._planned(judge_deaths(self._project, self._ledger, died))
        self._ledger.alerts.write(news)
        self.tell_plugins(news)
        if news.alerts:
            self._early = start_thread(lambda: self._deliverer().deliver(), "alerts")

    def _deliver(self, limit_s: float | None) -> None:
        from pipeline_cli.alerts.delivery import describe

        done: list[Delivery] = []
        if self._early is not None:
            wait([self._early], timeout=limit_s if limit_s is not None else 60)
            done += self._early.result() if self._early.done() else []
        if self._ledger.alerts.unsent(self._project.environment_name):
            done += self._deliverer().deliver(limit_s)
        for warning in dict.fromkeys(filter(None, map(describe, done))):
            self._warn(warning)

    def _deliverer(self) -> Any:
        from pipeline_cli.alerts.delivery import Deliverer
        from pipeline_cli.alerts.ways import find_ways
        from pipeline_cli.plugins.manager import PluginManager

        plugins = self._plugins or PluginManager({}, self._warn)
        return Deliverer(self._project, self._ledger.alerts, find_ways(self._project, plugins))


def _reason(reason: Any) -> dict[str, str]:
    """A reason as a map: the path of rows gives objects, that of columns maps."""
    return dict(reason) if isinstance(reason, dict) else {**reason.to_dict()}


def _shared_sources(entry: RunEntry) -> dict[str, Sequence[str]]:
    """Each ingest step with the pipelines of the run that share it."""
    found: dict[str, list[str]] = {}
    for pipeline, steps in entry.selection.items():
        for step in steps:
            if step.startswith("ingest:"):
                found.setdefault(step, []).append(pipeline)
    return dict(found)
