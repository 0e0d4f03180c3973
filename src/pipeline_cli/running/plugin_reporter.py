"""What a run tells its plugins, and in which shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from pipeline_cli.document import RunResult, StepResult
from pipeline_cli.ledger import RunEntry
from pipeline_cli.plugins.manager import PluginManager
from pipeline_cli.project import Project
from pipeline_cli.secrets import mask_tree

if TYPE_CHECKING:
    from pipeline_cli.load import Violation
    from pipeline_cli.steps.ingest import IngestOutcome

EXAMPLES = 5  # reasons that a contract violation shows


class PluginReporter:
    """A run's voice to its plugins. The hooks' types are imported only where a plugin listens."""

    def __init__(self, project: Project, entry: RunEntry, warn: Callable[[str], None]) -> None:
        self._project = project
        self._entry = entry
        self._warn = warn
        self._manager: PluginManager | None = None
        self._held_back: list[Callable[[], None]] | None = None

    def run_started(self) -> None:
        """Load the plugins and tell them of the run."""
        self._manager = PluginManager.load(self._project, self._warn)
        self._tell("run_started", dict)

    @property
    def manager(self) -> PluginManager | None:
        """The plugins, once they are loaded."""
        return self._manager

    def hold_back(self) -> None:
        """Keep what is to be told from here on until run_finished."""
        self._held_back = []

    def run_finished(self, result: RunResult) -> None:
        held, self._held_back = self._held_back or [], None
        for tell in held:
            tell()
        self._tell("run_finished", lambda: {"result": result.to_dict()})

    def step_started(self, pipeline: str, step: StepResult) -> None:
        self._tell_step("step_started", pipeline, step, dict)

    def step_finished(self, pipeline: str, step: StepResult) -> None:
        """Told as step_failed first, where it did."""
        if step.status == "failed":
            self._tell_step("step_failed", pipeline, step, lambda: {"result": _step_document(step)})
        self._tell_step("step_finished", pipeline, step, lambda: {"result": _step_document(step)})

    def ingested(self, pipeline: str, source: str, outcome: IngestOutcome) -> None:
        """Tell what an ingest found out about its data: broken contracts and changed schemas."""
        by_resource: dict[str, list[Violation]] = {}
        for violation in outcome.violations:
            by_resource.setdefault(violation.resource, []).append(violation)
        for found in by_resource.values():
            facts = partial(self._violation, source, outcome.result, found)
            self._tell_step("contract_violated", pipeline, outcome.result, facts)
        if outcome.schema_changes:
            changes = tuple(mask_tree(list(map(str, outcome.schema_changes)), self._project.secrets))
            self._tell_step("schema_drifted", pipeline, outcome.result, lambda: {"changes": changes})

    def _violation(self, source: str, step: StepResult, found: Sequence[Violation]) -> dict[str, Any]:
        from pipeline_cli.plugins.specs import ContractViolation

        resource = found[0].resource
        quarantined = {entry.name: entry.quarantined for entry in step.resources}
        reasons = [reason for violation in found[:EXAMPLES] for reason in violation.reasons]
        told = ContractViolation(
            source=source,
            resource=resource,
            # With on_violation: warn nothing is quarantined, and what load.py lists is all there is to count.
            rejected=max(quarantined.get(resource, 0), len(found)),
            reasons=tuple(mask_tree(reasons, self._project.secrets)),
        )
        return {"violation": told}

    def _tell_step(
        self, moment: str, pipeline: str, step: StepResult, facts: Callable[[], dict[str, Any]]
    ) -> None:
        def with_step() -> dict[str, Any]:
            from pipeline_cli.plugins.specs import StepInfo

            return {"step": StepInfo(pipeline, step.name, step.kind), **facts()}

        self._tell(moment, with_step)

    def _tell(self, moment: str, facts: Callable[[], dict[str, Any]]) -> None:
        """Tell the plugins now, or at the end where that is held back; `facts` is made only for listeners."""
        if self._manager is None or not self._manager.listens(moment):
            return
        told = partial(self._manager.tell, moment, run=self._run(), **facts())
        if self._held_back is None:
            told()
        else:
            self._held_back.append(told)

    def _run(self) -> Any:
        from pipeline_cli.plugins.specs import Run

        return Run(
            run_id=self._entry.run_id,
            project=self._project.manifest.name,
            environment=self._entry.environment,
            command=self._entry.command,
            pipelines=tuple(self._entry.selection),
            started_at=self._entry.started_at,
        )


def _step_document(step: StepResult) -> dict[str, Any]:
    """The step's object of the run document, with its errors."""
    return {**step.to_dict(), "errors": [asdict(error) for error in step.errors]}
