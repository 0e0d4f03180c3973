"""What of a pipeline can be backfilled: the resources that have a cursor, and why not the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.errors import UsageError
from pipeline_cli.gate.rules import GateRules
from pipeline_cli.loading.window import Bounds, Window
from pipeline_cli.maintenance.moving import read_states
from pipeline_cli.maintenance.windows import CODE, Span, write_like
from pipeline_cli.manifest.sources import Incremental, ResourceHints
from pipeline_cli.project import Project
from pipeline_cli.sources.build import is_column_source, open_source

_WHY_NOT = {
    "replace": "its table is replaced by every run: run it",
    "scd2": "it keeps versions in the order in which they came, and old ones would be the newest",
}


@dataclass(frozen=True, slots=True)
class Target:
    """A resource that is read by its cursor. path: the cursor's field; example: one of its values, if any is known."""

    rules: GateRules
    path: str
    example: Any


@dataclass(slots=True)
class SourcePlan:
    """One source's part. others: resources that follow from the targets; refused: name -> why it is not backfilled."""

    source: str
    targets: list[Target] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> str:
        return ",".join(sorted(target.rules.resource for target in self.targets))

    def window(self, start: Any, end: Any) -> Window:
        bounds = {
            each.rules.resource: Bounds(
                each.path, write_like(each.example, start), write_like(each.example, end)
            )
            for each in self.targets
        }
        return Window(bounds, frozenset(self.others))


def plan_backfill(
    project: Project, warehouse: Warehouse, pipeline: str, wanted: Sequence[tuple[str, str]], span: Span
) -> list[SourcePlan]:
    """A plan for each source that has something to backfill.

    wanted: (source, resource); none means all of the pipeline's. Raises UsageError where there is nothing, or a
    resource that was asked for cannot be, or its cursor is of another kind than the span.
    """
    plans = []
    for source in project.manifest.pipelines[pipeline].sources:
        named = [resource for of, resource in wanted if of == source]
        if wanted and not named:
            continue
        plan = _plan_source(project, warehouse, source, named)
        for name in named:
            if name in plan.refused:
                raise UsageError(f"{source}.{name} cannot be backfilled: {plan.refused[name]}.", code=CODE)
        _require_kind(plan, span)
        plans.append(plan)
    if not any(plan.targets for plan in plans):
        told = "; ".join(
            f"{plan.source}.{name}: {why}" for plan in plans for name, why in plan.refused.items()
        )
        raise UsageError(f"nothing of '{pipeline}' can be backfilled: {told}.", code=CODE)
    return plans


def _plan_source(project: Project, warehouse: Warehouse, source: str, named: Sequence[str]) -> SourcePlan:
    [state] = read_states(project, warehouse, [source])
    cursors = {each.resource: each for each in state.cursors}
    rules, parents = _rules(project, source)
    plan = SourcePlan(source)
    for name, each in rules.items():
        if named and name not in named:
            continue
        known = cursors.get(name)
        path = each.cursor or (known.path if known else None)
        if path is None:
            if name not in parents:
                plan.refused[name] = "it has no cursor (incremental)"
        elif each.disposition in _WHY_NOT:
            plan.refused[name] = _WHY_NOT[each.disposition]
        else:
            example = known.value if known and known.value is not None else each.cursor_start
            plan.targets.append(Target(each, path, example))
    _add_dependents(plan, rules, parents)
    return plan


def _add_dependents(plan: SourcePlan, rules: dict[str, GateRules], parents: dict[str, str]) -> None:
    """Resources that are read for each record of another: with it, where a record that comes again is one."""
    taken = {target.rules.resource for target in plan.targets}
    for name, parent in parents.items():
        if name in taken or name in plan.refused:
            continue
        if parent in taken and rules[name].disposition == "merge":
            plan.others.append(name)
            taken.add(name)
        else:
            why = (
                "is not merged by key"
                if parent in taken
                else f"follows from {parent}, which is not backfilled"
            )
            plan.refused[name] = f"it has no cursor, and {why}"


def _rules(project: Project, source: str) -> tuple[dict[str, GateRules], dict[str, str]]:
    """The rules of each resource, and the parent of those that have one."""
    if is_column_source(project.manifest.sources[source]):
        from pipeline_cli.bulk.rules import column_rules

        entry = project.manifest.sources[source]
        rules = column_rules(project, source)
        starts = {name: getattr(hints, "incremental", None) for name, hints in entry.resources.items()}
        return {
            name: replace(each, cursor_start=getattr(starts[name], "initial_value", None))
            for name, each in rules.items()
        }, {}
    from pipeline_cli.loading.contract_files import read_contracts
    from pipeline_cli.loading.intake import make_rules

    entry = project.manifest.sources[source]
    contracts = read_contracts(project, source)
    with open_source(project, source) as found:
        rules = {
            name: make_rules(source, entry, name, resource, contracts.get(name))
            for name, resource in found.resources.items()
        }
        parents = {
            name: str(resource._pipe.parent.name)
            for name, resource in found.resources.items()
            if resource._pipe.parent is not None and resource._pipe.parent.name in rules
        }
    return rules, parents


def _require_kind(plan: SourcePlan, span: Span) -> None:
    for target in plan.targets:
        try:
            for start, end in span.chunks():
                write_like(target.example, start), write_like(target.example, end)
        except ValueError as error:
            raise UsageError(
                f"{plan.source}.{target.rules.resource} cannot be read from {span.start} to {span.end}: {error}"
                f" (it stands at {target.example}).",
                code=CODE,
                hint="Name the resources of one kind: --resource SOURCE.RESOURCE",
            ) from None


def in_window(project: Project, source: str, window: Window) -> Project:
    """The project, with the window's bounds as the values between which the source is read."""
    entry = project.manifest.sources[source]
    resources = dict(entry.resources)
    for name, bounds in window.bounds.items():
        hints = resources.get(name, ResourceHints())
        incremental = hints.incremental or Incremental(cursor_path=bounds.path)
        bounded = replace(incremental, initial_value=bounds.start, end_value=bounds.end, lag=None)
        resources[name] = replace(hints, incremental=bounded)
    sources = {**project.manifest.sources, source: replace(entry, resources=resources)}
    return replace(project, manifest=replace(project.manifest, sources=sources))
