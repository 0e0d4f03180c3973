"""The Protocol that SQLMesh and dbt stand behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pipeline_cli.document import CheckResult, ModelResult, Status
from pipeline_cli.manifest.models import Transform
from pipeline_cli.project import Project


@dataclass(frozen=True, slots=True)
class BronzeTable:
    """A loaded table that models may read. `columns`: column name to dlt data type, in the table's order."""

    dataset: str
    name: str
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TransformRequest:
    """One transform of one pipeline, ready to run.

    fresh: the (dataset, table) that received rows since this transform last succeeded; None when that is not
    known, which means everything is to be built.
    new_loads: dataset -> ids of the loads since then.
    loads: as `new_loads`, of all there are.
    allow_destructive: whether models that keep their rows may lose columns, as an applied plan has it.
    original: in a copy, what the environment that it is a copy of has built (a dbt project's nodes).
    """

    name: str
    pipeline: str
    transform: Transform
    project: Project
    warehouse: Any  # destinations.base.Warehouse
    bronze: Sequence[BronzeTable]
    fresh: frozenset[tuple[str, str]] | None = None
    full_refresh: bool = False
    allow_destructive: bool = False
    new_loads: Mapping[str, Sequence[str]] = field(default_factory=dict)
    loads: Mapping[str, Sequence[str]] = field(default_factory=dict)
    original: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class TransformResult:
    """What a build did. `status` is unchanged when no model was stale; `message` explains a failure.

    file: the one file that it is about, relative to the project; line: in it, from 1.
    """

    status: Status
    models: list[ModelResult] = field(default_factory=list)
    checks: list[CheckResult] = field(default_factory=list)
    message: str | None = None
    hint: str | None = None
    notes: list[str] = field(default_factory=list)
    file: str | None = None
    line: int | None = None


class TransformEngine(Protocol):
    def build(self, request: TransformRequest) -> TransformResult:
        """Bring the models up to date: only what is changed or fed new data, and what depends on it."""
        ...

    def test(self, request: TransformRequest) -> TransformResult:
        """Run every test and audit on what is built; the result's `checks` has one entry each."""
        ...
