"""A run told to those who read OpenLineage. None of it can fail the run; without a receiver it imports nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.document import RunResult, StepResult
from pipeline_cli.ledger import Ledger
from pipeline_cli.project import Project

if TYPE_CHECKING:
    from pipeline_cli.openlineage.telling import Teller

log = logging.getLogger(__name__)
LIMIT_WHEN_STOPPED_S = 5.0  # whoever sent SIGTERM does not wait long


class LineageReporter:
    """A run's voice to the manifest's OpenLineage receivers whose variables are set. warn: adds a run's warning."""

    def __init__(
        self, project: Project, ledger: Ledger, warehouse: Warehouse, warn: Callable[[str], None]
    ) -> None:
        self._project = project
        self._ledger = ledger
        self._warehouse = warehouse
        self._warn = warn
        self._tellers: list[Teller] = []

    def run_started(self, run: RunResult, pipelines: Iterable[str]) -> None:
        for name, receiver in self._project.manifest.lineage_receivers.items():
            if not self._project.missing.get(f"plugins.{name}"):
                from pipeline_cli.openlineage.telling import Teller

                teller = Teller(name, receiver, self._project, self._warehouse, self._warn)
                self._tellers.append(teller)
        if self._tellers:
            self._tell_of_the_dead()
        self._tell(lambda teller: teller.run_started(run, pipelines))

    def _tell_of_the_dead(self) -> None:
        """A run that was killed cannot tell its own end: the next one does."""
        died = self._ledger.untold_deaths(self._project.environment_name)
        if died:
            self._tell(lambda teller: teller.runs_died(died))
            self._ledger.mark_told([run.run_id for run in died])

    def step_started(self, pipeline: str, step: StepResult) -> None:
        self._tell(lambda teller: teller.step_started(pipeline, step))

    def step_finished(self, pipeline: str, step: StepResult) -> None:
        self._tell(lambda teller: teller.step_finished(pipeline, step))

    def run_finished(self, run: RunResult) -> None:
        """Tell how it ended; events that did not arrive are a warning."""
        limit_s = LIMIT_WHEN_STOPPED_S if run.status == "interrupted" else None
        for lost in self._tell(lambda teller: teller.run_finished(run, limit_s)):
            if lost:
                self._warn(lost)

    def _tell(self, say: Callable[[Teller], str | None]) -> list[str | None]:
        told = []
        for teller in list(self._tellers):
            try:
                told.append(say(teller))
            except Exception as error:  # a bug in telling of a run must not be one of the run
                log.exception("OpenLineage")
                self._warn(f"OpenLineage: {type(error).__name__}: {error}")
                self._tellers.remove(teller)
        return told
