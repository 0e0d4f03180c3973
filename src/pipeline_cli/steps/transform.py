"""The transform step: bring a pipeline's models up to date, or find that they are."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline_cli.document import CheckResult, ErrorDocument, StepKind, StepResult
from pipeline_cli.errors import UsageError
from pipeline_cli.ledger import TransformState
from pipeline_cli.plan import Step
from pipeline_cli.steps.context import RunContext
from pipeline_cli.steps.errors import describe_error
from pipeline_cli.steps.freshness import Relation, Standing, find_fresh, is_unchanged, look, new_loads
from pipeline_cli.steps.passing import may_pass, words_may_pass

if TYPE_CHECKING:
    from pipeline_cli.transforms.base import TransformRequest, TransformResult


def do_transform(context: RunContext, pipeline: str, step: Step, tries: int) -> StepResult:
    """Build the step's models, unless nothing is fresh and nothing changed: then no engine is imported.

    Never raises, save KeyboardInterrupt: what goes wrong is in the result's errors.
    """
    return guard(step, "transform", tries, lambda result: _transform(context, pipeline, step, result))


def guard(step: Step, kind: StepKind, tries: int, work: Callable[[StepResult], None]) -> StepResult:
    """A step's result: what `work` makes of it, and its errors where it raises."""
    result = StepResult(step.name, kind, "running", tries)
    begun = time.monotonic()
    try:
        work(result)
    except (Exception, SystemExit) as error:  # a user's Python model may call sys.exit
        result.status = "failed"
        result.errors += describe_error(error, step.name)
        result.may_pass = may_pass(error)
    result.duration_s = time.monotonic() - begun
    return result


def make_request(
    context: RunContext, pipeline: str, transform: str, fresh: frozenset[Relation] | None
) -> TransformRequest:
    """What the engine is asked to do. `fresh`: as in TransformRequest."""
    from pipeline_cli.transforms.base import TransformRequest

    manifest = context.project.manifest
    tables = context.backends.bronze_tables
    return TransformRequest(
        name=transform,
        pipeline=pipeline,
        transform=manifest.transforms[transform],
        project=context.project,
        warehouse=context.warehouse,
        bronze=[
            table
            for source in manifest.pipelines[pipeline].sources
            for table in tables(context.project, context.warehouse, source)
        ],
        fresh=fresh,
        full_refresh=context.full_refresh,
        allow_destructive=context.allow_destructive,
        original=context.original(transform),
    )


def is_broken(check: CheckResult) -> bool:
    """Whether a check stops what comes after it."""
    return check.status == "errored" or (check.status == "failed" and check.severity == "critical")


def explain_failure(step: str, built: TransformResult) -> ErrorDocument:
    """The error of a build or test that failed: E400 where checks did, E330 otherwise."""
    broken = [check for check in built.checks if is_broken(check)]
    names = ", ".join(
        f"{check.name} ({check.failures} row{'' if check.failures == 1 else 's'})" for check in broken[:5]
    )
    more = f" and {len(broken) - 5} more" if len(broken) > 5 else ""
    message = built.message or (
        f"critical checks failed: {names}{more}" if broken else "the engine gave no reason"
    )
    code = "E400" if broken else "E330"
    return ErrorDocument(code, step, message, built.hint, built.file, built.line)


def _transform(context: RunContext, pipeline: str, step: Step, result: StepResult) -> None:
    where = (context.environment, pipeline, step.target)
    state = context.ledger.transform_state(*where)
    now = look(context.project, context.warehouse, pipeline, step.target, state)
    if context.project.is_copy:
        now = _as_copied(context, pipeline, step.target, now)
    from_nothing = context.full_refresh or context.ledger.needs_rebuild(*where)
    fresh = (
        None if from_nothing else find_fresh(context.ledger, context.project.loads_environment, state, now)
    )
    if state is not None and is_unchanged(state, now, fresh):
        result.status = "unchanged"
        # Loads that touched no table count as seen, so that the list to compare does not grow apart.
        if state.load_ids != now.load_ids:
            context.ledger.save_transform(*where, replace(state, load_ids=now.load_ids))
        return
    # A build that is cut off or fails may have changed something already: the next run builds again.
    context.ledger.save_transform(*where, _unsettled(state, everything=fresh is None))
    request = replace(
        make_request(context, pipeline, step.target, fresh),
        full_refresh=from_nothing,
        new_loads=new_loads(state, now),
        loads=now.load_ids,
    )
    built = context.backends.get_engine(request.transform.engine).build(request)
    result.status, result.models, result.checks = built.status, list(built.models), list(built.checks)
    result.notes = list(built.notes)
    if built.status == "failed":
        result.errors.append(explain_failure(step.name, built))
        result.may_pass = result.errors[-1].code == "E330" and words_may_pass(result.errors[-1].message)
        return
    context.ledger.save_transform(*where, _built(context, pipeline, state, now, built))
    context.ledger.clear_rebuild(*where)


def _as_copied(context: RunContext, pipeline: str, transform: str, now: Standing) -> Standing:
    """What a copy is built from: what its original has built, and of what is loaded all that is in there.

    A load that the original has not built yet is in none of the tables that the copy shares: it comes with them.
    """
    project = context.project
    original = project.loads_environment
    if not now.load_ids and project.manifest.pipelines[pipeline].sources:
        raise UsageError(
            f"'{project.environment_name}' is a copy of '{original}', where nothing was loaded yet.",
            code="E022",
            hint=f"Load it first: pipeline-cli run --env {original}",
        )
    nodes = json.dumps(context.original(transform), sort_keys=True)
    fingerprint = hashlib.sha256(f"{now.fingerprint}{nodes}".encode()).hexdigest()
    built = context.ledger.transform_state(original, pipeline, transform)
    load_ids = now.load_ids if built is None else built.load_ids
    return replace(now, fingerprint=fingerprint, load_ids=load_ids)


def _unsettled(state: TransformState | None, *, everything: bool) -> TransformState:
    """The state while a build is under way. One that was to build everything has to, until it succeeds."""
    before = state or TransformState(clean=False)
    return replace(before, clean=False, run_id=None if everything else before.run_id)


def _built(
    context: RunContext, pipeline: str, state: TransformState | None, now: Standing, built: TransformResult
) -> TransformState:
    """The state after a build that succeeded. What was tested still holds only where nothing was built."""
    before = state.relations if state else frozenset()
    named = {model.name.rpartition(".")[0].rpartition(".")[2] for model in built.models} - {""}
    plain = {f"silver_{pipeline}", f"gold_{pipeline}", *named}
    schemas = {*map(context.project.model_schema, plain), *(schema for schema, _ in before)}
    still_tested = state is not None and built.status == "unchanged" and state.fingerprint == now.fingerprint
    return TransformState(
        clean=True,
        run_id=context.run_id,
        fingerprint=now.fingerprint,
        load_ids=now.load_ids,
        relations=frozenset(context.warehouse.relations(sorted(schemas))),
        checks=state.checks if state is not None and still_tested else None,
    )
