"""What a change of a transform's code does to its models and tests, found out before anything is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pipeline_cli.transforms.base import TransformRequest
from pipeline_cli.transforms.described import TableName

Action = Literal["added", "changed", "removed", "indirect"]
Category = Literal["breaking", "non-breaking", "metadata only"]


@dataclass(frozen=True, slots=True)
class ColumnChanges:
    """Columns by name; retyped: (name, type before, type after)."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    retyped: tuple[tuple[str, str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.retyped)


@dataclass(frozen=True, slots=True)
class ModelChange:
    """A model that is not what it was, or that reads one.

    kind: the engine's word (FULL, incremental). reason: what is different, in words. rebuild: what becomes of its
    rows: "whole", "new rows" (those that are there stay as they are), "none", "dropped", "left" (nobody builds it any
    more), "promoted" (taken over as another environment, or an earlier build, has made it). keeps_history: its rows
    cannot be made again from what it reads (a dimension's versions, a snapshot). intervals: how many a rebuild goes
    through, where the engine works in intervals. causes: the models above that it is hit by. tests: the names of its
    tests and audits.
    """

    table: TableName
    action: Action
    kind: str
    reason: str
    category: Category | None = None
    rebuild: str = "whole"
    keeps_history: bool = False
    intervals: int | None = None
    columns: ColumnChanges = field(default_factory=ColumnChanges)
    causes: tuple[TableName, ...] = ()
    tests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TestChange:
    """A test or audit that was added, changed or removed. model: what it tests."""

    __test__ = False

    name: str
    action: Action
    model: TableName | None = None


@dataclass(frozen=True, slots=True)
class PlannedTransform:
    """models: in the order in which they are built."""

    models: Sequence[ModelChange] = field(default_factory=tuple)
    tests: Sequence[TestChange] = field(default_factory=tuple)


def plan_transform(
    request: TransformRequest, before: Mapping[str, Any], *, is_built: bool
) -> PlannedTransform:
    """Compare a transform's project with what was built of it; builds nothing, and writes no table.

    before: of a dbt project, its nodes as the environment runs them (dbt_nodes.py); SQLMesh keeps its own.
    is_built: whether the warehouse has models of it at all. Raises TransformError for a project that cannot be loaded.
    """
    if request.transform.engine == "dbt":
        from pipeline_cli.transforms.dbt_planned import plan_dbt

        return plan_dbt(request, before)
    from pipeline_cli.transforms.sqlmesh_planned import plan_sqlmesh

    return plan_sqlmesh(request, is_built=is_built)
