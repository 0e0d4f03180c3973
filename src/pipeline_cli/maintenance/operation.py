"""One operation from its locks to its document: what changes data by hand is written down as runs are."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from pipeline_cli.destinations import open_warehouse
from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.document import ErrorDocument, PipelineResult, RunResult, Status, StepResult, utc_now
from pipeline_cli.errors import PipelineCliError, UsageError
from pipeline_cli.ledger import Ledger, LoadEntry, RunEntry, new_run_id
from pipeline_cli.logs import log_run
from pipeline_cli.project import Project
from pipeline_cli.running.heartbeat import keep_claiming
from pipeline_cli.running.holding import hold_run_locks, hold_warehouse, open_ledger
from pipeline_cli.running.interrupts import Interruption, listen_for_signals
from pipeline_cli.running.masking import mask_step
from pipeline_cli.running.publish import publish
from pipeline_cli.secrets import mask

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Operation:
    """An operation under way, in the ledger as a run. steps: pipeline -> what was done of it."""

    project: Project
    warehouse: Warehouse
    ledger: Ledger
    run_id: str
    command: str
    started_at: datetime
    interruption: Interruption
    steps: dict[str, list[StepResult]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def note_step(self, pipeline: str, step: StepResult) -> None:
        """Add what was done, secrets masked."""
        mask_step(step, self.project.secrets)
        self.steps.setdefault(pipeline, []).append(step)

    def note_load(
        self,
        source: str,
        step: StepResult,
        load_ids: Sequence[str],
        tables: frozenset[tuple[str, str]],
        kind: str,
    ) -> None:
        """Write a load's account into the ledger, so that transforms know which tables it touched.

        kind: as its status, "replayed" say: what looks for a source's own loads must not find it.
        """
        pipeline = next(iter(self.steps), source)
        entry = LoadEntry(
            pipeline=pipeline,
            source=source,
            status=cast(Status, kind),
            started_at=step.started_at,
            ended_at=step.started_at + timedelta(seconds=step.duration_s),
            resources=step.resources,
            load_ids=load_ids,
            tables=tables,
        )
        self.ledger.record_load(self.run_id, self.project.environment_name, entry)

    def result(self, status: Status, errors: Sequence[ErrorDocument] = ()) -> RunResult:
        duration_s = (utc_now() - self.started_at).total_seconds()
        pipelines = [PipelineResult(name, _worst(steps), steps) for name, steps in self.steps.items()]
        environment = self.project.environment_name
        result = RunResult(self.run_id, environment, status, self.started_at, duration_s, pipelines)
        result.errors += errors
        result.warnings += self.warnings
        return result


def to_document(operation: Operation, result: RunResult) -> dict[str, Any]:
    """The operation's object: a run document under the operation's own name."""
    return {**result.to_dict(), "command": operation.command}


def pipelines_of(project: Project, sources: Sequence[str]) -> dict[str, list[str]]:
    """Pipeline -> those of these sources that it reads; the pipelines that an operation on the sources must hold."""
    found = {
        name: [source for source in pipeline.sources if source in sources]
        for name, pipeline in project.manifest.pipelines.items()
    }
    return {name: shared for name, shared in found.items() if shared}


@contextmanager
def hold_sources(
    project: Project, warehouse: Warehouse, sources: Sequence[str], entry: RunEntry
) -> Iterator[None]:
    """Hold the sources, their pipelines and the warehouse as a run would.

    Raises Busy, LoadError, and UsageError in a copy, which has no sources of its own.
    """
    if project.is_copy:
        raise UsageError(
            f"'{project.environment_name}' is a copy of '{project.loads_environment}': it loads nothing itself.",
            hint=f"Use --env {project.loads_environment}.",
        )
    steps = {name: [f"ingest:{each}" for each in of] for name, of in pipelines_of(project, sources).items()}
    alone = [source for source in sources if not any(f"ingest:{source}" in of for of in steps.values())]
    held = RunEntry(entry.run_id, entry.environment, entry.command, steps, entry.started_at)
    with ExitStack() as stack:
        if alone:
            from pipeline_cli.locks import hold_locks

            names = [f"source {name}" for name in alone]
            stack.enter_context(hold_locks(project.state_dir / "locks", names, entry.command))
        stack.enter_context(hold_run_locks(project, held))
        unreachable = hold_warehouse(stack, warehouse, held)
        if unreachable is not None:
            raise unreachable
        yield


@contextmanager
def operate(
    project: Project, command: str, sources: Sequence[str], summary: Mapping[str, Any] | None = None
) -> Iterator[Operation]:
    """Hold what the sources' runs would hold, and keep an operation in the ledger while the block runs.

    It is closed as succeeded, or as failed with what the block raises; a killed one is closed by whoever looks
    next, as runs are. Raises Busy before anything is touched.
    """
    started_at = utc_now()
    run_id = new_run_id(started_at)
    warehouse = open_warehouse(project)
    # Without pipelines in the entry: neither `retry` nor an alert takes it for a run of theirs.
    entry = RunEntry(run_id, project.environment_name, command, {}, started_at)
    with (
        open_ledger(project) as ledger,
        listen_for_signals() as interruption,
        hold_sources(project, warehouse, sources, entry),
    ):
        ledger.close_abandoned()
        ledger.start_run(entry)
        operation = Operation(project, warehouse, ledger, run_id, command, started_at, interruption)
        with log_run(project, run_id), keep_claiming(ledger, run_id):
            log.info("%s of %s started", command, ", ".join(sources))
            try:
                yield operation
            except BaseException as error:
                _close(operation, _status_of(error), [_describe(operation, error)])
                raise
            _close(operation, "succeeded", [])


def _close(operation: Operation, status: Status, errors: Sequence[ErrorDocument]) -> None:
    result = operation.result(status, errors)
    operation.ledger.finish_run(result, utc_now())
    log.info("%s %s after %.1f s", operation.command, status, result.duration_s)
    if status != "succeeded":
        return
    try:
        publish(operation.ledger, operation.warehouse, operation.project)
    except Exception as error:  # whatever a driver raises: the data are right without it
        operation.warnings.append(f"the operation could not be published to the warehouse: {error}")


def _status_of(error: BaseException) -> Status:
    is_stop = isinstance(error, KeyboardInterrupt) or getattr(error, "code", None) == "E130"
    return "interrupted" if is_stop else "failed"


def _describe(operation: Operation, error: BaseException) -> ErrorDocument:
    is_ours = isinstance(error, PipelineCliError)
    code, hint = (error.code, error.hint) if isinstance(error, PipelineCliError) else ("E999", None)
    text = str(error) if is_ours else f"{type(error).__name__}: {error}"
    return ErrorDocument(code, None, mask(text, operation.project.secrets), hint)


def _worst(steps: Sequence[StepResult]) -> Status:
    order: tuple[Status, ...] = ("failed", "interrupted", "succeeded", "unchanged")
    return next((each for each in order if any(step.status == each for step in steps)), "unchanged")


def timed(step: StepResult, begun: float) -> StepResult:
    """The step with its duration; begun: of time.monotonic."""
    step.duration_s = time.monotonic() - begun
    return step
