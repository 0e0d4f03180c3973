"""What comes before a plan is run: it still holds, what it would lose is copied, and the environment may run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline_cli.deployed.parts import describe_parts
from pipeline_cli.deployed.store import Writing, write_deployed
from pipeline_cli.destinations import open_warehouse
from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.errors import UsageError
from pipeline_cli.failpoints import failpoint
from pipeline_cli.planning.facts import Facts, read_facts
from pipeline_cli.planning.files import PlanFile, require_place, why_stale
from pipeline_cli.planning.restore_points import RestorePoint, list_restore_points, make_restore_point
from pipeline_cli.project import Project

_MOST_NAMED = 4


def approve(project: Project, plan: PlanFile, *, allow_destructive: bool) -> RestorePoint | None:
    """Check the plan, copy what it would lose, and let the environment run it. Nothing is run yet.

    Raises UsageError for a plan that is stale, or that is destructive without `allow_destructive`; nothing has
    changed then. Returns the point to go back to, None where nothing can be lost. Raises Busy, LoadError.
    """
    require_place(project, plan)
    path, warehouse = plan.path, open_warehouse(project)
    with warehouse.exclusive("apply"):
        try:
            facts = read_facts(project, warehouse, [])
            reasons = why_stale(project, plan, facts)
            if reasons:
                raise UsageError(
                    f"{path} is stale: {_list(reasons)}.", code="E023", hint=f"pipeline-cli plan --out {path}"
                )
            if plan.destructive and not allow_destructive:
                raise UsageError(
                    f"{path} is destructive: {_list([_name(each) for each in plan.destructive])}.",
                    code="E024",
                    hint="Add --allow-destructive if that is what you want; what is lost is copied first.",
                )
            point = _point_of_begun(project, warehouse, plan, facts) or make_restore_point(
                project, warehouse, plan.id, plan.destructive
            )
            failpoint("apply.copied")
            parts = describe_parts(project, plan.pipelines)
            writing = Writing(project.environment_name, _by(plan), approved=list(parts.values()))
            if set(plan.pipelines) == set(project.manifest.pipelines):
                writing.gone = facts.deployed.parts.keys() - parts.keys()
            write_deployed(warehouse, writing)
            failpoint("apply.approved")
        finally:
            warehouse.release()
    return point


def _point_of_begun(
    project: Project, warehouse: Warehouse, plan: PlanFile, facts: Facts
) -> RestorePoint | None:
    """The point of a plan that an apply has begun and not done: what it was to copy may be lost by now."""
    if all(part.by != _by(plan) for part in facts.deployed.approved.values()):
        return None
    points = list_restore_points(warehouse, project.environment_name)
    return next((point for point in points if point.id == plan.id), None)


def _by(plan: PlanFile) -> str:
    return f"plan {plan.id}"


def _name(change: Mapping[str, Any]) -> str:
    place = ".".join(part for part in (change["owner"], change["item"]) if part)
    if change["section"] == "models":
        place = change["item"]
    return f"{place}: {change['summary']}"


def _list(reasons: Sequence[str]) -> str:
    more = f" and {len(reasons) - _MOST_NAMED} more" if len(reasons) > _MOST_NAMED else ""
    return f"{'; '.join(reasons[:_MOST_NAMED])}{more}"
