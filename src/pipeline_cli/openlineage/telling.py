"""One receiver of a run's events: what is made of the run, and sent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta

from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.document import RunResult, StepResult, utc_now
from pipeline_cli.manifest.openlineage import OpenLineage
from pipeline_cli.openlineage.datasets import Datasets, find_datasets
from pipeline_cli.openlineage.events import EventMaker, Json
from pipeline_cli.openlineage.naming import DatasetNames
from pipeline_cli.openlineage.sending import Sender, make_send
from pipeline_cli.project import Project
from pipeline_cli.secrets import mask_tree

log = logging.getLogger(__name__)


class Teller:
    """Tells one receiver of a run, as it goes. warn: told once where lineage cannot be read."""

    def __init__(
        self,
        name: str,
        receiver: OpenLineage,
        project: Project,
        warehouse: Warehouse,
        warn: Callable[[str], None],
    ) -> None:
        self._project = project
        self._warehouse = warehouse
        self._warn: Callable[[str], None] | None = warn
        self._namespace = receiver.namespace or f"{project.manifest.name}/{project.environment_name}"
        self._names = DatasetNames(project, warehouse, self._namespace)
        self._sender = Sender(name, make_send(project, receiver), receiver.deadline.total_seconds())

    def run_started(self, run: RunResult, pipelines: Iterable[str]) -> None:
        """run: the result that grows while the run goes on."""
        self._maker = self._make_events(run)
        for pipeline in pipelines:
            self._put(self._maker.pipeline_started(pipeline))

    def runs_died(self, died: Iterable[RunResult]) -> None:
        """How runs ended whose processes died: their pipelines, and of the steps those that they were in."""
        for run in died:
            maker = self._make_events(run)
            at = run.started_at + timedelta(seconds=run.duration_s)
            for pipeline in run.pipelines:
                for step in pipeline.steps:
                    self._put(maker.step_ended(pipeline.name, step, at, Datasets()))
                self._put(maker.pipeline_ended(pipeline, at))

    def step_started(self, pipeline: str, step: StepResult) -> None:
        self._put(self._maker.step_started(pipeline, step))

    def step_finished(self, pipeline: str, step: StepResult) -> None:
        """How the step ended, and what it read and wrote. A step that was skipped never began."""
        if step.status != "skipped":
            at = utc_now()
            self._put(self._maker.step_ended(pipeline, step, at, self._find(pipeline, step)))

    def run_finished(self, run: RunResult, limit_s: float | None) -> str | None:
        """How the pipelines ended. Waits for what is on its way; why not all arrived, or None."""
        at = utc_now()
        for result in run.pipelines:
            self._put(self._maker.pipeline_ended(result, at))
        return self._sender.finish(limit_s)

    def _make_events(self, run: RunResult) -> EventMaker:
        entries = self._project.manifest.pipelines
        descriptions = {name: entry.description for name, entry in entries.items() if entry.description}
        return EventMaker(self._namespace, self._project.manifest.name, run, descriptions)

    def _find(self, pipeline: str, step: StepResult) -> Datasets:
        try:
            return find_datasets(self._project, self._warehouse, self._names, pipeline, step)
        except Exception as error:  # an event without its datasets is better than none
            log.warning("lineage of %s", step.name, exc_info=True)
            if self._warn is not None:
                self._warn(f"OpenLineage events lack the lineage of {step.name}: {error}")
            self._warn = None
            return Datasets()

    def _put(self, event: Json) -> None:
        self._sender.put(mask_tree(event, self._project.secrets))
