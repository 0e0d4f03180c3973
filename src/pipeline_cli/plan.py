"""What a run will do: manifest + selection -> steps in order. Pure: reads no file, imports no engine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from pipeline_cli.document import StepKind
from pipeline_cli.errors import UsageError
from pipeline_cli.manifest.models import Manifest, Pipeline

KINDS: tuple[StepKind, ...] = ("ingest", "transform", "test", "report")


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `name` is `kind:target`; `needs`: the steps of the same pipeline that must succeed first."""

    name: str
    kind: StepKind
    target: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PipelinePlan:
    """A pipeline's steps in their order. A source that two share stands in both, and is ingested once."""

    name: str
    steps: tuple[Step, ...]


def plan_run(
    manifest: Manifest, *, pipelines: Sequence[str] = (), start: str | None = None, loads: bool = True
) -> list[PipelinePlan]:
    """The steps of a run, pipeline by pipeline in the manifest's order.

    pipelines: names of the pipelines to run; none means all.
    loads: whether sources are ingested; a copy of an environment reads what that has loaded.
    start: "ingest", "transform", "test", "report" or a step's full name; what comes before it is left out.
    Raises UsageError for a name that is not there, with the nearest that is.
    """
    for name in pipelines:
        _require(name, manifest.pipelines, "pipeline")
    plans = [
        PipelinePlan(name, _steps(pipeline, loads))
        for name, pipeline in manifest.pipelines.items()
        if not pipelines or name in pipelines
    ]
    return plans if start is None else _start_at(plans, start)


def keep_steps(plans: Iterable[PipelinePlan], wanted: Mapping[str, Collection[str]]) -> list[PipelinePlan]:
    """Only the steps named in `wanted` (pipeline -> step names); pipelines without a step are dropped."""
    kept = (
        _only(plan, [step for step in plan.steps if step.name in wanted.get(plan.name, ())]) for plan in plans
    )
    return [plan for plan in kept if plan.steps]


def _steps(pipeline: Pipeline, loads: bool) -> tuple[Step, ...]:
    steps = [Step(f"ingest:{source}", "ingest", source) for source in pipeline.sources if loads]
    needs = tuple(step.name for step in steps)
    for transform in pipeline.transforms:
        build = Step(f"transform:{transform}", "transform", transform, needs)
        test = Step(f"test:{transform}", "test", transform, (build.name,))
        steps += [build, test]
        # A critical test that fails stops the transforms after it.
        needs = (*needs, test.name)
    # A report is written from what has passed every test.
    return (*steps, *(Step(f"report:{name}", "report", name, needs) for name in pipeline.reports))


def _start_at(plans: list[PipelinePlan], start: str) -> list[PipelinePlan]:
    names = [step.name for plan in plans for step in plan.steps]
    _require(start, [*KINDS, *dict.fromkeys(names)], "step")
    begun = (_only(plan, _from(plan.steps, start)) for plan in plans)
    kept = [plan for plan in begun if plan.steps]
    if not kept:
        raise UsageError(f"none of the pipelines has a {start} step")
    return kept


def _from(steps: Sequence[Step], start: str) -> Sequence[Step]:
    if start in KINDS:
        wanted = KINDS[KINDS.index(start) :]
        return [step for step in steps if step.kind in wanted]
    places = [index for index, step in enumerate(steps) if step.name == start]
    return steps[places[0] :] if places else ()


def _only(plan: PipelinePlan, steps: Sequence[Step]) -> PipelinePlan:
    """The plan with these of its steps, which then need nothing that is left out."""
    names = {step.name for step in steps}
    return PipelinePlan(
        plan.name,
        tuple(replace(step, needs=tuple(need for need in step.needs if need in names)) for step in steps),
    )


def _require(name: str, known: Iterable[str], what: str) -> None:
    names = list(known)
    if name in names:
        return
    near = get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There is: {', '.join(names) or 'none'}."
    raise UsageError(f"there is no {what} {name!r}", hint=hint)
