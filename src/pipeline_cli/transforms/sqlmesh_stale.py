"""Which models of a SQLMesh project fresh tables feed."""

from __future__ import annotations

from typing import Any

from pipeline_cli.transforms.base import TransformRequest

ENVIRONMENT = "prod"  # SQLMesh's own; ours are apart by their warehouses


def stale_models(context: Any, request: TransformRequest) -> set[str]:
    """The models that fresh tables feed, directly or not; all of them when it is not known what is fresh.

    Tables that are not ours to know (another pipeline's, say) count as fresh. Models that read no table at all
    (a calendar) are due by their cron.
    """
    own = {name for name, model in context.models.items() if not is_external(model)}
    if request.fresh is None:
        return own
    known = {(table.dataset, table.name) for table in request.bronze}
    tables = {node: _table(context, node) for node in context.dag.graph if node not in own}
    changed = {node for node, table in tables.items() if table in request.fresh or table not in known}
    changed |= _due_by_cron(context, {name for name in own if not context.models[name].depends_on})
    fed = {node for start in changed for node in context.dag.downstream(start)}
    return own & (changed | fed)


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


def _due_by_cron(context: Any, names: set[str]) -> set[str]:
    if not names:
        return set()
    return {snapshot.name for snapshot in context.scheduler(ENVIRONMENT).merged_missing_intervals()} & names


def is_external(model: Any) -> bool:
    return bool(model.kind.is_external)


def by_time(context: Any, name: str) -> bool:
    """Whether a plan may have left the newest rows out: it stops at the last whole interval of such models."""
    model = context.models.get(name)
    return model is not None and bool(model.kind.is_incremental_by_time_range)
