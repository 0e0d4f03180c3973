"""The test step: every test and audit on what a transform built."""

from __future__ import annotations

from dataclasses import asdict, replace

from pipeline_cli.document import CheckResult, StepResult
from pipeline_cli.plan import Step
from pipeline_cli.steps.context import RunContext
from pipeline_cli.steps.transform import explain_failure, guard, is_broken, make_request


def do_test(
    context: RunContext, pipeline: str, step: Step, tries: int, built: StepResult | None
) -> StepResult:
    """Test what the transform built; where it built nothing and the last test passed, that one still holds.

    built: the transform's step of this run, if it had one. Never raises, save KeyboardInterrupt.
    """
    return guard(step, "test", tries, lambda result: _test(context, pipeline, step, result, built))


def _test(
    context: RunContext, pipeline: str, step: Step, result: StepResult, built: StepResult | None
) -> None:
    where = (context.environment, pipeline, step.target)
    state = context.ledger.transform_state(*where)
    if built is not None and built.status == "unchanged" and state is not None and state.checks is not None:
        result.status = "unchanged"
        result.checks = [CheckResult(**check) for check in state.checks]
        return
    request = make_request(context, pipeline, step.target, None)
    tested = context.backends.get_engine(request.transform.engine).test(request)
    result.checks, result.notes = list(tested.checks), list(tested.notes)
    failed = tested.status == "failed" or any(is_broken(check) for check in tested.checks)
    result.status = "failed" if failed else "succeeded"
    if failed:
        result.errors.append(explain_failure(step.name, tested))
    if state is not None:
        checks = None if failed else [asdict(check) for check in tested.checks]
        context.ledger.save_transform(*where, replace(state, checks=checks))
