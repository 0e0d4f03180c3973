"""What a change of a SQLMesh project does, as SQLMesh's own plan has it; the plan is made, and never applied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline_cli.transforms.base import TransformRequest
from pipeline_cli.transforms.dbt_planned import describe_sql
from pipeline_cli.transforms.described import DescribedModel, TableName, describe_models
from pipeline_cli.transforms.planned import (
    Category,
    ColumnChanges,
    ModelChange,
    PlannedTransform,
    TestChange,
)
from pipeline_cli.transforms.sql_changes import SqlChange, compare_sql
from pipeline_cli.transforms.sqlmesh import open_plan
from pipeline_cli.transforms.sqlmesh_seen import adopted_models

# Rows of these cannot be made again from what they read: a new table begins without the versions of the old one.
_HISTORY = ("SCD_TYPE_2", "SCD_TYPE_2_BY_TIME", "SCD_TYPE_2_BY_COLUMN", "INCREMENTAL_UNMANAGED")


def plan_sqlmesh(request: TransformRequest, *, is_built: bool) -> PlannedTransform:
    """is_built: whether SQLMesh has a state here; without one its plan would make it, and every model is new."""
    if not is_built:
        described = [
            model for model in describe_models(request.project, request.name) if model.kind != "source"
        ]
        return PlannedTransform([_added(model) for model in described])
    with open_plan(request) as (context, plan):
        promoted = adopted_models(plan)
        changes = [*_changed(context, plan, promoted), *_removed(plan)]
        return PlannedTransform(changes, list(_tests(plan)))


def _added(model: DescribedModel) -> ModelChange:
    return ModelChange(model.table, "added", model.kind, f"{model.file or model.name} is new")


def _changed(context: Any, plan: Any, promoted: set[str]) -> Iterator[ModelChange]:
    diff = plan.context_diff
    intervals = {each.snapshot_id.name: len(each.intervals) for each in plan.missing_intervals}
    added = {each.name for each in diff.added}
    for name in context.dag.sorted:
        model = context.models.get(name)
        if model is None or model.kind.is_external:
            continue
        if name in added:
            yield ModelChange(
                _table(model),
                "added",
                _kind(model),
                "its file is new",
                rebuild="promoted" if name in promoted else "whole",
                intervals=_intervals(model, intervals),
                tests=_audits(model),
            )
        elif name in diff.modified_snapshots:
            current, previous = diff.modified_snapshots[name]
            if diff.directly_modified(name):
                yield _direct(current, previous, intervals, name in promoted)
            elif diff.indirectly_modified(name):
                yield _indirect(context, diff, current, intervals, name in promoted)
            elif diff.metadata_updated(name):
                yield ModelChange(
                    _table(model),
                    "changed",
                    _kind(model),
                    "its description, owner, tags, cron or audits",
                    "metadata only",
                    "none",
                    tests=_audits(model),
                )


def _direct(current: Any, previous: Any, intervals: dict[str, int], is_promoted: bool) -> ModelChange:
    model, old = current.node, previous.node
    category = _category(current)
    change = _sql_change(old, model)
    columns = _columns(old, model, change)
    words = describe_sql(change) if change else "its code"
    if old.kind.name != model.kind.name:
        words = f"{_kind(old)} -> {_kind(model)}; {words}"
    return ModelChange(
        _table(model),
        "changed",
        _kind(model),
        words,
        category,
        "promoted" if is_promoted else _rebuild(current, category),
        _kind(model) in _HISTORY and not current.is_forward_only,
        _intervals(model, intervals),
        columns,
        tests=_audits(model),
    )


def _rebuild(snapshot: Any, category: Category) -> str:
    if category == "metadata only":
        return "none"
    return "new rows" if snapshot.is_forward_only else "whole"


def _indirect(
    context: Any, diff: Any, current: Any, intervals: dict[str, int], is_promoted: bool
) -> ModelChange:
    model = current.node
    above = [
        name
        for name in context.dag.upstream(model.fqn)
        if name in diff.modified_snapshots
        and diff.directly_modified(name)
        and not context.models[name].kind.is_external
    ]
    causes = tuple(_table(context.models[name]) for name in above)
    is_rebuilt = current.change_category is not None and current.change_category.name == "INDIRECT_BREAKING"
    return ModelChange(
        _table(model),
        "indirect",
        _kind(model),
        f"reads {', '.join(table for _, table in causes) or 'a table whose columns are others'}",
        "breaking" if is_rebuilt else "non-breaking",
        "promoted" if is_promoted else _rebuild(current, "breaking") if is_rebuilt else "none",
        is_rebuilt and _kind(model) in _HISTORY and not current.is_forward_only,
        _intervals(model, intervals),
        causes=causes,
        tests=_audits(model),
    )


def _removed(plan: Any) -> Iterator[ModelChange]:
    for snapshot in plan.context_diff.removed_snapshots.values():
        if getattr(snapshot, "kind_name", None) is None or snapshot.kind_name.value == "EXTERNAL":
            continue
        yield ModelChange(
            _table_of_name(snapshot.name),
            "removed",
            snapshot.kind_name.value,
            "its file is gone",
            rebuild="dropped",
        )


def _tests(plan: Any) -> Iterator[TestChange]:
    for current, previous in plan.context_diff.modified_snapshots.values():
        if not hasattr(current.node, "audits_with_args"):
            continue
        new, old = (_audit_texts(each.node) for each in (current, previous))
        table = _table(current.node)
        for name in {**old, **new}:
            if name not in new:
                yield TestChange(name, "removed", table)
            elif name not in old:
                yield TestChange(name, "added", table)
            elif new[name] != old[name]:
                yield TestChange(name, "changed", table)


def _audit_texts(model: Any) -> dict[str, str]:
    from pipeline_cli.transforms.sqlmesh_results import audit_name

    return {
        audit_name(
            audit.name, arguments
        ): f"{audit.query}{sorted((key, str(value)) for key, value in arguments.items())}"
        for audit, arguments in model.audits_with_args
    }


def _audits(model: Any) -> tuple[str, ...]:
    return tuple(_audit_texts(model))


def _category(snapshot: Any) -> Category:
    name = snapshot.change_category.name if snapshot.change_category is not None else "BREAKING"
    if name == "METADATA":
        return "metadata only"
    return "non-breaking" if name in ("NON_BREAKING", "FORWARD_ONLY", "INDIRECT_NON_BREAKING") else "breaking"


def _sql_change(old: Any, new: Any) -> SqlChange | None:
    if not (getattr(old, "is_sql", False) and getattr(new, "is_sql", False)):
        return None
    return compare_sql(
        old.query.sql(dialect=old.dialect), new.query.sql(dialect=new.dialect), new.dialect or "duckdb"
    )


def _columns(old: Any, new: Any, change: SqlChange | None) -> ColumnChanges:
    """The columns as SQLMesh has them, with those that are computed differently."""
    before, after = _types(old), _types(new)
    return ColumnChanges(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=change.columns.changed if change else (),
        retyped=tuple(
            (name, before[name], kind)
            for name, kind in after.items()
            if name in before and before[name] != kind and "UNKNOWN" not in (kind, before[name])
        ),
    )


def _types(model: Any) -> dict[str, str]:
    return {name: str(kind.sql(dialect="duckdb")) for name, kind in (model.columns_to_types or {}).items()}


def _intervals(model: Any, intervals: dict[str, int]) -> int | None:
    return intervals.get(model.fqn) if model.kind.is_incremental_by_time_range else None


def _kind(model: Any) -> str:
    return str(model.kind.name.value)


def _table(model: Any) -> TableName:
    return str(model.schema_name), str(model.view_name)


def _table_of_name(name: str) -> TableName:
    from sqlglot import exp

    table = exp.to_table(name)
    return str(table.db), str(table.name)
