"""A run from beginning to end: plan, lock, ingest, transform, test, report, publish. It knows no engine."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from pipeline_cli.deployed.original import original_nodes
from pipeline_cli.deployed.parts import Parts, describe_parts
from pipeline_cli.deployed.recording import record_run, require_approved
from pipeline_cli.document import ErrorDocument, RunResult, StepResult
from pipeline_cli.errors import StepError
from pipeline_cli.failpoints import failpoint
from pipeline_cli.ledger import RunEntry
from pipeline_cli.ledger.slots import SlotTaken
from pipeline_cli.logs import log_run
from pipeline_cli.plan import PipelinePlan, Step, plan_run
from pipeline_cli.project import Project
from pipeline_cli.running.contracts import require_contracts
from pipeline_cli.running.heartbeat import keep_claiming
from pipeline_cli.running.holding import hold_run_locks, hold_warehouse, open_ledger
from pipeline_cli.running.interrupts import Interruption, listen_for_signals
from pipeline_cli.running.listener import Listener, SilentListener
from pipeline_cli.running.publish import publish
from pipeline_cli.running.recorder import Recorder
from pipeline_cli.running.retrying import Retrier, find_retries, find_wait, most_patient
from pipeline_cli.running.selection import LAST, RunOptions, Selection, check_allowed, make_entry, select
from pipeline_cli.running.statuses import DONE, INTERRUPTED, TERMINATED, exit_code
from pipeline_cli.running.support import require_support
from pipeline_cli.steps.backends import Backends
from pipeline_cli.steps.context import RunContext
from pipeline_cli.steps.errors import describe_error
from pipeline_cli.steps.ingest import IngestOutcome, do_ingest
from pipeline_cli.steps.passing import may_pass
from pipeline_cli.steps.report import do_report
from pipeline_cli.steps.test import do_test
from pipeline_cli.steps.transform import do_transform
from pipeline_cli.threads import import_whole, start_thread, wait_for_one, work_as

__all__ = ["LAST", "Listener", "RunOptions", "SilentListener", "exit_code", "open_ledger", "run_pipelines"]

SOURCES_AT_ONCE = 8
POLL_S = 0.2  # how soon a signal is noticed while sources are being ingested
GRACE_S = 10.0  # how long sources may take to stop after one


@dataclass(frozen=True, slots=True)
class _Run:
    """A run under way."""

    context: RunContext
    recorder: Recorder
    selection: Selection
    interruption: Interruption
    parts: Parts

    def tries(self, pipeline: str, step: Step) -> int:
        return self.selection.tries.get((pipeline, step.name), 0) + 1

    def retrier(self, pipelines: list[str], step: Step) -> Retrier:
        """What tries the step again, as the manifest says; a signal ends its waits."""
        return Retrier(
            find_retries(self.context.project.manifest, pipelines[0], step),
            self.interruption.cancelled.wait,
            partial(self.recorder.note_try, pipelines, step.name),
        )


def run_pipelines(
    project: Project,
    options: RunOptions,
    listener: Listener | None = None,
    backends: Backends | None = None,
) -> RunResult:
    """Do a run and return what became of it; `exit_code` says how the command ends.

    A step that fails is in the result, and never raised. Raises UsageError for a selection that is not there,
    ManifestError for contracts that are no JSON Schema and for steps that the warehouse cannot do, Busy where
    another process holds a pipeline, a source or the warehouse; nothing is touched then.
    """
    check_allowed(project, options)
    plans = plan_run(
        project.manifest, pipelines=options.pipelines, start=options.start, loads=not project.is_copy
    )
    backends = backends or Backends()
    with open_ledger(project) as ledger:
        selection = select(ledger, project, options, plans)
        require_support(project, selection.plans)
        require_contracts(project, selection.plans)
        warehouse = backends.open_warehouse(project)
        entry = make_entry(project, options, selection)
        with listen_for_signals() as interruption, hold_run_locks(project, entry), ExitStack() as held:
            reach = partial(hold_warehouse, held, warehouse, entry)
            unreachable = reach()
            parts = describe_parts(project, entry.selection)
            if unreachable is None:
                require_approved(project, warehouse, parts)
            recorder = Recorder(project, ledger, listener or SilentListener(), entry, warehouse)
            context = RunContext(
                project=project,
                warehouse=warehouse,
                ledger=ledger,
                backends=backends,
                run_id=entry.run_id,
                full_refresh=selection.full_refresh,
                cancelled=interruption.cancelled,
                progress=(listener or SilentListener()).progress,
                original=partial(original_nodes, project, warehouse),
                allow_destructive=options.allow_destructive,
            )
            run = _Run(context, recorder, selection, interruption, parts)
            with log_run(project, entry.run_id), keep_claiming(ledger, entry.run_id):
                return _carry_out(run, entry, unreachable, reach)


def _carry_out(
    run: _Run, entry: RunEntry, unreachable: StepError | None, reach: Callable[[], StepError | None]
) -> RunResult:
    """Do the steps, and close the run however they end. reach: tries once more to hold the warehouse."""
    plans = run.selection.plans
    try:
        run.recorder.start(plans, entry)
        if unreachable is not None:
            unreachable = _wait_for_warehouse(run, unreachable, reach)
            if unreachable is not None:
                raise unreachable
            require_approved(run.context.project, run.context.warehouse, run.parts)
        _ingest_sources(run)
        failpoint("run.transform_before")
        _transform_and_test(run)
    except SlotTaken:  # no run was opened
        raise
    except KeyboardInterrupt:
        run.interruption.signal = run.interruption.signal or signal.SIGINT
    except Exception as error:
        run.recorder.fail(describe_error(error, None))
    run.interruption.close()
    interrupted = run.interruption.requested
    if interrupted:
        run.recorder.fail([_explain_interruption(run.interruption)])
    result = run.recorder.finish(plans, interrupted=interrupted)
    if not interrupted and unreachable is None:
        _publish(run)
    run.recorder.tell_end()
    return result


def _wait_for_warehouse(
    run: _Run, error: StepError, reach: Callable[[], StepError | None]
) -> StepError | None:
    """Reach for the warehouse again, as the run's most patient pipeline allows; the error where it stays away."""
    retries = most_patient(run.context.project.manifest, [plan.name for plan in run.selection.plans])
    begun, failed, still = time.monotonic(), 1, error
    while may_pass(still):
        wait_s = find_wait(retries, failed, time.monotonic() - begun)
        if wait_s is None:
            return still
        run.recorder.warn(f"{still.message}; again in {wait_s:.0f} s")
        if run.interruption.cancelled.wait(wait_s):
            return still
        found = reach()
        if found is None:
            return None
        failed, still = failed + 1, found
    return still


# -- the steps -----------------------------------------------------------------------------------------------


def _ingest_sources(run: _Run) -> None:
    """Ingest every source once, side by side, whichever pipelines it belongs to."""
    waiting = deque(_shared_ingests(run.selection.plans))
    working: dict[Future[IngestOutcome], tuple[Step, list[str]]] = {}
    give_up_at = float("inf")
    at_once = _sources_at_once(run.context.project)
    if len(waiting) > 1:
        # pyarrow imports it for a first load of few rows; DuckDB, in another source's thread, takes what is there of
        # it. A run of one source may do without.
        import_whole("pandas")
    while waiting or working:
        if run.interruption.requested:
            waiting.clear()
            give_up_at = min(give_up_at, time.monotonic() + GRACE_S)
        while waiting and len(working) < at_once:
            step, pipelines = waiting.popleft()
            tries = run.tries(pipelines[0], step)
            run.recorder.start_step(pipelines, step, tries)
            future = start_thread(partial(_ingest, run, pipelines, step, tries), step.name)
            working[future] = step, pipelines
        for future in wait_for_one(working, POLL_S):
            step, pipelines = working.pop(future)
            run.recorder.finish_ingest(pipelines, step.target, future.result())
        if time.monotonic() > give_up_at:
            return


def _sources_at_once(project: Project) -> int:
    destination = project.manifest.destinations[project.environment.destination]
    return getattr(destination, "max_parallel", None) or SOURCES_AT_ONCE


def _ingest(run: _Run, pipelines: list[str], step: Step, tries: int) -> IngestOutcome:
    """Ingest one source, in its thread, as often as its retries allow."""
    return run.retrier(pipelines, step).do(
        lambda number: do_ingest(run.context, step, number), lambda outcome: outcome.result, tries
    )


def _shared_ingests(plans: Sequence[PipelinePlan]) -> list[tuple[Step, list[str]]]:
    """Each source's ingest step with the pipelines that share it."""
    found: dict[str, tuple[Step, list[str]]] = {}
    for plan in plans:
        for step in plan.steps:
            if step.kind == "ingest":
                found.setdefault(step.name, (step, []))[1].append(plan.name)
    return list(found.values())


def _transform_and_test(run: _Run) -> None:
    """The other steps, one at a time: dbt and DuckDB's writers want it so."""
    for plan in run.selection.plans:
        for step in plan.steps:
            if run.interruption.requested:
                return
            if step.kind == "ingest":
                continue
            reason = _find_obstacle(run, plan.name, step)
            if reason:
                run.recorder.skip(plan.name, step, reason)
            else:
                _do_step(run, plan.name, step)


def _find_obstacle(run: _Run, pipeline: str, step: Step) -> str | None:
    """Why the step cannot be done: a step that it needs was not; None when it can."""
    for name in step.needs:
        needed = run.recorder.find(pipeline, name)
        if needed is None or needed.status not in DONE:
            return f"{name} {'did not end' if needed is None else _was(needed.status)}"
    return None


def _was(status: str) -> str:
    return status if status == "failed" else f"was {status}"


def _do_step(run: _Run, pipeline: str, step: Step) -> None:
    tries = run.tries(pipeline, step)
    run.recorder.start_step([pipeline], step, tries)
    result = run.retrier([pipeline], step).do(
        partial(_try_step, run, pipeline, step), lambda done: done, tries
    )
    run.recorder.finish_step([pipeline], result)


def _try_step(run: _Run, pipeline: str, step: Step, tries: int) -> StepResult:
    with work_as(step.name), run.interruption.abortable():
        if step.kind == "transform":
            return do_transform(run.context, pipeline, step, tries)
        if step.kind == "report":
            return do_report(run.context, step, tries)
        built = run.recorder.find(pipeline, f"transform:{step.target}")
        return do_test(run.context, pipeline, step, tries, built)


# -- the end -------------------------------------------------------------------------------------------------


def _explain_interruption(interruption: Interruption) -> ErrorDocument:
    terminated = interruption.signal == signal.SIGTERM
    return ErrorDocument(
        code=TERMINATED if terminated else INTERRUPTED,
        step=None,
        message="the run was terminated" if terminated else "the run was interrupted",
        hint="What is loaded is safe. Go on with: pipeline-cli retry",
    )


def _publish(run: _Run) -> None:
    """Copy the ledger's news to the warehouse; it is the run's warning when that fails, not its failure."""
    context = run.context
    try:
        publish(context.ledger, context.warehouse, context.project)
        record_run(context.project, context.warehouse, run.parts, run.recorder.result)
    except Exception as error:  # whatever a driver raises
        run.recorder.warn(f"the run could not be published to the warehouse: {error}")
        run.recorder.close()
