"""What comes before a plan is run: it still holds, what it would lose is copied, and the environment may run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline_cli.deployed.parts import describe_parts
from pipeline_cli.deployed.store import Writing, write_deployed
from pipeline_cli.destinations import open_warehouse
from pipeline_cli.errors import UsageError
from pipeline_cli.planning.facts import read_facts
from pipeline_cli.planning.files import PlanFile, require_place, why_stale
from pipeline_cli.planning.restore_points import RestorePoint, make_restore_point
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
            point = make_restore_point(project, warehouse, plan.id, plan.destructive)
            parts = describe_parts(project, plan.pipelines)
            writing = Writing(project.environment_name, f"plan {plan.id}", approved=list(parts.values()))
            if set(plan.pipelines) == set(project.manifest.pipelines):
                writing.gone = facts.deployed.parts.keys() - parts.keys()
            write_deployed(warehouse, writing)
        finally:
            warehouse.release()
    return point


def _name(change: Mapping[str, Any]) -> str:
    place = ".".join(part for part in (change["owner"], change["item"]) if part)
    if change["section"] == "models":
        place = change["item"]
    return f"{place}: {change['summary']}"


def _list(reasons: Sequence[str]) -> str:
    more = f" and {len(reasons) - _MOST_NAMED} more" if len(reasons) > _MOST_NAMED else ""
    return f"{'; '.join(reasons[:_MOST_NAMED])}{more}"
