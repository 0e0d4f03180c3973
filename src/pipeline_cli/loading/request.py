"""What an ingest is asked for, and what became of it; the same for rows and columns."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.document import CheckResult, ResourceResult, Status
from pipeline_cli.drift import SchemaChange, SourceFields
from pipeline_cli.gate.rules import Violation
from pipeline_cli.loading.window import Window
from pipeline_cli.progress import TellProgress, tell_nobody
from pipeline_cli.project import Project


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """What to ingest. progress is told how far each resource is; `cancelled` stops between pages.

    window: of a backfill; None for all that is new.
    """

    project: Project
    warehouse: Warehouse
    source: str
    run_id: str
    full_refresh: bool = False
    progress: TellProgress = tell_nobody
    cancelled: threading.Event = field(default_factory=threading.Event)
    window: Window | None = None


@dataclass(slots=True)
class IngestResult:
    """What became of a source. loaded_tables: (dataset, table) that received rows or lost some.

    schema_changes: new columns, and those that values did not fit; fields: of what the source gave.
    """

    status: Status
    resources: list[ResourceResult] = field(default_factory=list)
    checks: list[CheckResult] = field(default_factory=list)
    loaded_tables: frozenset[tuple[str, str]] = frozenset()
    load_ids: list[str] = field(default_factory=list)
    schema_changes: list[SchemaChange] = field(default_factory=list)
    fields: SourceFields = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
