"""Which models of a SQLMesh project fresh tables feed."""

from __future__ import annotations

from typing import Any

from pipeline_cli.manifest.environments import SQLMESH_DEFAULT
from pipeline_cli.project import Project
from pipeline_cli.transforms.base import TransformRequest


def sqlmesh_environment(project: Project) -> str:
    """What SQLMesh calls our environment: a copy has its own in its original's state; others are apart by warehouse."""
    return project.environment_name if project.is_copy else SQLMESH_DEFAULT


def own_models(context: Any, project: Project) -> set[str]:
    """The models that this environment builds; in a copy those whose tables are not the original's."""
    own = {name for name, model in context.models.items() if not is_external(model)}
    if not project.is_copy:
        return own
    original = context.state_reader.get_environment(SQLMESH_DEFAULT)
    shared = {each.name: _tables(each) for each in original.snapshots} if original else {}
    return {name for name in own if shared.get(name) != _tables(context.snapshots[name])}


def _tables(snapshot: Any) -> tuple[str | None, str]:
    """What its tables are told apart by: that of all environments, and that of one before it is promoted."""
    return snapshot.version, snapshot.dev_version


def stale_models(context: Any, request: TransformRequest) -> set[str]:
    """The models that fresh tables feed, directly or not; all of them when it is not known what is fresh.

    Tables that are not ours to know (another pipeline's, say) count as fresh. Models that read no table at all
    (a calendar) are due by their cron. In a copy, the original's tables are the original's to build.
    """
    own = own_models(context, request.project)
    if request.fresh is None:
        return own
    return own & fed_models(context, request, request.fresh)


def fed_models(context: Any, request: TransformRequest, fresh: frozenset[tuple[str, str]]) -> set[str]:
    """The models that these tables feed, directly or not, and those whose tables or days are not known to be old."""
    own = {name for name, model in context.models.items() if not is_external(model)}
    known = {(table.dataset, table.name) for table in request.bronze}
    tables = {node: _table(context, node) for node in context.dag.graph if node not in own}
    changed = {node for node, table in tables.items() if table in fresh or table not in known}
    changed |= _due_by_cron(context, request, {name for name in own if not context.models[name].depends_on})
    return changed | {node for start in changed for node in context.dag.downstream(start)}


def left_stale(context: Any, stale: set[str], built: set[str]) -> set[str]:
    """Of the stale models, those that are still so after a plan has built some.

    One that the plan built of an upstream model which is stale itself has the upstream's old rows.
    """
    left = stale - {name for name in built if not by_time(context, name)}
    return left | {name for start in left for name in context.dag.downstream(start) if name in stale}


def _table(context: Any, node: str) -> tuple[str, str]:
    from sqlglot import exp

    table = exp.to_table(node, dialect=context.default_dialect)
    return (table.db, table.name)


def _due_by_cron(context: Any, request: TransformRequest, names: set[str]) -> set[str]:
    if not names:
        return set()
    scheduler = context.scheduler(sqlmesh_environment(request.project))
    return {snapshot.name for snapshot in scheduler.merged_missing_intervals()} & names


def is_external(model: Any) -> bool:
    return bool(model.kind.is_external)


def by_time(context: Any, name: str) -> bool:
    """Whether a plan may have left the newest rows out: it stops at the last whole interval of such models."""
    model = context.models.get(name)
    return model is not None and bool(model.kind.is_incremental_by_time_range)
