"""Keeps a run's result, and tells the ledger, the listener and the plugins what happens, as it happens."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.document import ErrorDocument, PipelineResult, RunResult, StepResult, TryResult, utc_now
from pipeline_cli.errors import LoadError
from pipeline_cli.failpoints import failpoint
from pipeline_cli.ledger import AlertNews, Ledger, LoadEntry, RunEntry
from pipeline_cli.ledger.slots import slot_time
from pipeline_cli.plan import PipelinePlan, Step
from pipeline_cli.project import Project, in_environment
from pipeline_cli.reports.run_summary import describe_counts
from pipeline_cli.running.alert_reporter import AlertReporter
from pipeline_cli.running.drifting import note_drift
from pipeline_cli.running.lineage_reporter import LineageReporter
from pipeline_cli.running.listener import Listener
from pipeline_cli.running.masking import mask_step
from pipeline_cli.running.plugin_reporter import PluginReporter
from pipeline_cli.running.statuses import pipeline_status, run_status
from pipeline_cli.secrets import mask
from pipeline_cli.threads import work_as

if TYPE_CHECKING:
    from pipeline_cli.steps.ingest import IngestOutcome

log = logging.getLogger(__name__)


class Recorder:
    """One run's record. Everything that passes through is masked first."""

    def __init__(
        self, project: Project, ledger: Ledger, listener: Listener, entry: RunEntry, warehouse: Warehouse
    ) -> None:
        self.result = RunResult(entry.run_id, project.environment_name, "running", entry.started_at)
        self.result.slot = slot_time(entry.slot) if entry.slot else None
        self._secrets = project.secrets
        self._option = project.command_option
        self._retention = project.manifest.retention
        self._ledger = ledger
        self._listener = listener
        # From when the entry was made: opening the warehouse is part of the run.
        self._begun = time.monotonic() - (utc_now() - entry.started_at).total_seconds()
        self._steps: dict[tuple[str, str], StepResult] = {}
        self._plugins = PluginReporter(project, entry, self.warn)
        self._alerts = AlertReporter(project, ledger, entry, self.warn)
        self._lineage = LineageReporter(project, ledger, warehouse, self.warn)
        self._news: AlertNews | None = None

    # -- the run -------------------------------------------------------------------------------------------

    def start(self, plans: Sequence[PipelinePlan], entry: RunEntry) -> None:
        """Open the run in the ledger and tell everyone."""
        self._ledger.start_run(entry)
        for warning in self._ledger.warnings:
            self.warn(warning)
        log.info(
            "run %s in %s started: %s", self.result.run_id, entry.environment, ", ".join(entry.selection)
        )
        self._listener.run_started(self.result, plans)
        self._plugins.run_started()
        self._alerts.run_started(self._plugins.manager)
        self._lineage.run_started(self.result, entry.selection)

    def finish(self, plans: Sequence[PipelinePlan], *, interrupted: bool) -> RunResult:
        """Give every step and pipeline its final status and close the run in the ledger.

        Plugins hear of it in tell_end only: one that hangs must not hold up the closing.
        """
        self._plugins.hold_back()
        for plan in plans:
            for step in plan.steps:
                self._settle(plan.name, step, interrupted=interrupted)
            settled = [self._steps[plan.name, step.name] for step in plan.steps]
            status = pipeline_status([step.status for step in settled])
            self.result.pipelines.append(PipelineResult(plan.name, status, settled))
        self.result.status = run_status(self.result, interrupted=interrupted)
        self.result.duration_s = time.monotonic() - self._begun
        self._news = self._alerts.plan(self.result)
        self.close(self._news)
        failpoint("alert.due")
        return self.result

    def close(self, news: AlertNews | None = None) -> None:
        """Write the run's document as it is now; done again when warnings came after the closing.

        news: the incidents and alerts that follow from the run; a process that dies here leaves both or neither.
        """
        self.result.duration_s = time.monotonic() - self._begun
        ended_at = self.result.started_at + timedelta(seconds=self.result.duration_s)
        self._ledger.finish_run(self.result, ended_at, news)

    def tell_end(self) -> None:
        """Tell the plugins, send the alerts, and tell the listener that the run is over."""
        log.info("run %s %s after %.1f s", self.result.run_id, self.result.status, self.result.duration_s)
        warnings = len(self.result.warnings)
        self._alerts.tell_plugins(self._news)
        self._plugins.run_finished(self.result)
        self._alerts.deliver(stopped=self.result.status == "interrupted")
        self._lineage.run_finished(self.result)
        self._prune()
        if len(self.result.warnings) > warnings:
            self.close()
        self._listener.run_finished(self.result)

    def _prune(self) -> None:
        """Remove what the ledger need not keep any longer; a run that cannot is a run all the same."""
        now, retention = utc_now(), self._retention
        try:
            gone = self._ledger.prune(
                self.result.environment,
                alerts_before=now - retention.alerts,
                slots_before=now - retention.slots,
            )
        except LoadError as error:
            self.warn(f"old alerts and slots could not be removed: {error}")
        else:
            log.debug("removed %s old alerts, incidents and slots", gone)

    def fail(self, errors: Sequence[ErrorDocument]) -> None:
        """Add errors that belong to the run and to none of its steps."""
        for error in errors:
            error.message = mask(error.message, self._secrets)
        self._add_errors(errors)

    def warn(self, message: str) -> None:
        """Add a warning to the run: something that changes neither its data nor its status."""
        told = mask(message, self._secrets)
        self.result.warnings.append(told)
        self._listener.warned(told)

    # -- its steps -----------------------------------------------------------------------------------------

    def start_step(self, pipelines: Sequence[str], step: Step, tries: int) -> None:
        """A step begins, in all the pipelines that share it."""
        with work_as(step.name):
            log.info("started")
        result = StepResult(step.name, step.kind, "running", tries)
        for pipeline in pipelines:
            self._steps[pipeline, step.name] = result
            self._ledger.start_step(self.result.run_id, pipeline, result)
        self._listener.step_started(pipelines[0], result)
        self._plugins.step_started(pipelines[0], result)
        self._lineage.step_started(pipelines[0], result)

    def finish_step(self, pipelines: Sequence[str], result: StepResult) -> None:
        """A step has its final status; its errors become the run's."""
        mask_step(result, self._secrets)
        self._add_errors(result.errors)
        with work_as(result.name):
            for resource in result.resources:
                log.info("%s: %s extracted, %s", resource.name, resource.extracted, describe_counts(resource))
            for note in result.notes:
                log.info("%s", note)
            log.info("%s after %.1f s", result.status, result.duration_s)
            for error in result.errors:
                log.error("%s %s", error.code, error.message)
        message = result.errors[0].message if result.errors else None
        for pipeline in pipelines:
            self._steps[pipeline, result.name] = result
            self._ledger.finish_step(self.result.run_id, pipeline, result, message)
        self._listener.step_finished(pipelines[0], result)
        self._plugins.step_finished(pipelines[0], result)
        self._lineage.step_finished(pipelines[0], result)

    def finish_ingest(self, pipelines: Sequence[str], source: str, outcome: IngestOutcome) -> None:
        """As finish_step, with the account for the run log and what plugins hear about the data."""
        result = outcome.result
        mask_step(result, self._secrets)
        entry = LoadEntry(
            pipeline=pipelines[0],
            source=source,
            status=result.status,
            started_at=result.started_at,
            ended_at=result.started_at + timedelta(seconds=result.duration_s),
            resources=result.resources,
            load_ids=outcome.load_ids,
            tables=outcome.tables,
            error=result.errors[0].message if result.errors else None,
        )
        self._ledger.record_load(self.result.run_id, self.result.environment, entry)
        note_drift(self._ledger, self.result.environment, source, outcome, self._secrets)
        failpoint("ledger.load_after")
        self._plugins.ingested(pipelines[0], source, outcome)
        self._alerts.ingested(source, outcome)
        self.finish_step(pipelines, result)

    def note_try(self, pipelines: Sequence[str], step: str, attempt: TryResult, wait_s: float) -> None:
        """A try failed and another follows; told at once, also from the thread of a source."""
        attempt.message = attempt.message and mask(attempt.message, self._secrets)
        log.warning("try %s failed, again in %.1f s: %s", attempt.number, wait_s, attempt.message)
        for pipeline in pipelines:
            self._ledger.record_try(self.result.run_id, pipeline, step, attempt)
        self._listener.warned(
            f"{step}: try {attempt.number} failed, again in {wait_s:.0f} s: {attempt.message}"
        )

    def skip(self, pipeline: str, step: Step, reason: str) -> None:
        """A step is not done, and says why."""
        result = StepResult(step.name, step.kind, "skipped", tries=0, notes=[f"skipped: {reason}"])
        self.finish_step([pipeline], result)

    def _add_errors(self, errors: Sequence[ErrorDocument]) -> None:
        """Hints are written without an environment; from here on their commands can be copied as they are."""
        for error in errors:
            error.hint = error.hint and in_environment(error.hint, self._option)
        self.result.errors += errors

    def find(self, pipeline: str, name: str) -> StepResult | None:
        """The step's result, once it has a final status."""
        result = self._steps.get((pipeline, name))
        return None if result is None or result.status == "running" else result

    def _settle(self, pipeline: str, step: Step, *, interrupted: bool) -> None:
        """Close a step that has not ended: skipped where it had not begun, else cut off, or failed with the run."""
        result = self._steps.get((pipeline, step.name))
        if result is None:
            self.skip(pipeline, step, "the run ended before it")
        elif result.status == "running":
            result.status = "interrupted" if interrupted else "failed"
            result.duration_s = (utc_now() - result.started_at).total_seconds()
            self.finish_step([pipeline], result)
