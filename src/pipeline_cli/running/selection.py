"""Which steps a run does: what the user asked for, and of a retry what is still to be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline_cli.document import utc_now
from pipeline_cli.errors import UsageError
from pipeline_cli.ledger import Ledger, RunEntry, new_run_id
from pipeline_cli.plan import PipelinePlan, keep_steps
from pipeline_cli.project import Project

LAST = "last"  # as RunOptions.retry_of: the newest run that failed


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the user asked for.

    start: --from, "transform" or a step's name. retry_of: a run's id, or LAST; the other selections are then
    that run's. command: what the ledger and the lock's holder say. yes: --yes, for protected environments.
    slot: the token of the schedule's slot that the run is for. allow_destructive: of an applied plan: models that keep
    their rows may lose columns.
    """

    pipelines: tuple[str, ...] = ()
    start: str | None = None
    full_refresh: bool = False
    retry_of: str | None = None
    command: str = "run"
    yes: bool = False
    slot: str | None = None
    allow_destructive: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """The steps to do. `tries`: how often each was tried before, by (pipeline, step)."""

    plans: Sequence[PipelinePlan]
    full_refresh: bool
    tries: Mapping[tuple[str, str], int] = field(default_factory=dict)


def check_allowed(project: Project, options: RunOptions) -> None:
    if options.full_refresh and project.environment.protected and not options.yes:
        raise UsageError(
            f"environment {project.environment_name!r} is protected; --full-refresh rebuilds it from nothing",
            hint="Add --yes if that is what you want.",
        )
    if not project.manifest.pipelines:
        raise UsageError("the manifest has no pipelines", hint="Add one below `pipelines:`.")


def select(ledger: Ledger, project: Project, options: RunOptions, plans: Sequence[PipelinePlan]) -> Selection:
    """The planned steps; of a retry only those that are still to be done."""
    ledger.close_abandoned()
    if options.retry_of is None:
        return Selection(plans, options.full_refresh)
    run_id = options.retry_of
    if run_id == LAST:
        run_id = ledger.last_failed(project.environment_name) or ""
        if not run_id:
            raise UsageError(f"no run failed in {project.environment_name!r}, there is nothing to retry")
    _check_environment(ledger.document(run_id)["environment"], run_id, project)
    remaining = ledger.remaining(run_id)
    left = keep_steps(plans, remaining)
    if not left:
        raise UsageError(f"run {run_id} has nothing left to retry", hint="Run everything: pipeline-cli run")
    tries = {
        (pipeline, step): count for pipeline, steps in remaining.items() for step, count in steps.items()
    }
    return Selection(left, options.full_refresh or ledger.was_full_refresh(run_id), tries)


def _check_environment(environment: str, run_id: str, project: Project) -> None:
    if environment != project.environment_name:
        raise UsageError(
            f"run {run_id} was in {environment!r}, and is not retried in {project.environment_name!r}",
            hint=f"pipeline-cli retry {run_id} --env {environment}",
        )


def make_entry(project: Project, options: RunOptions, selection: Selection) -> RunEntry:
    started_at = utc_now()
    return RunEntry(
        run_id=new_run_id(started_at),
        environment=project.environment_name,
        command=options.command,
        selection={plan.name: [step.name for step in plan.steps] for plan in selection.plans},
        started_at=started_at,
        full_refresh=selection.full_refresh,
        slot=options.slot,
    )
