"""What goes into the ledger and what comes out: plain values, no SQL."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline_cli.document import ResourceResult, Status, utc_now

# What is done to data by hand: in the ledger as runs are, but nothing that `retry` could do again.
OPERATIONS = (
    "quarantine replay",
    "quarantine discard",
    "state set",
    "state restore",
    "backfill",
    "rollback",
)


def new_run_id(moment: datetime | None = None) -> str:
    """A readable id that sorts by time: `20261121T090000-3f9c2a` (UTC)."""
    return f"{moment or utc_now():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


@dataclass(frozen=True, slots=True)
class RunEntry:
    """A run as it is opened. `selection`: pipeline -> the names of its planned steps.

    slot: the token of the schedule's slot that it is for.
    """

    run_id: str
    environment: str
    command: str
    selection: Mapping[str, Sequence[str]]
    started_at: datetime
    full_refresh: bool = False
    slot: str | None = None


@dataclass(frozen=True, slots=True)
class LoadEntry:
    """What one ingest did, for the run log in SQL.

    load_ids: of its load packages; tables: the (dataset, table) that received rows, child tables too.
    """

    pipeline: str
    source: str
    status: Status
    started_at: datetime
    ended_at: datetime
    resources: Sequence[ResourceResult] = ()
    load_ids: Sequence[str] = ()
    tables: frozenset[tuple[str, str]] = frozenset()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of `pipeline-cli runs`. `pipelines`: name -> status of its worst step."""

    run_id: str
    environment: str
    status: Status
    command: str
    started_at: datetime
    duration_s: float | None
    pipelines: Mapping[str, str]
    error: str | None


@dataclass(frozen=True, slots=True)
class ModelBuild:
    """When a model was last built, and by which run. `rows`: how many it had then; None where nobody counted."""

    run_id: str
    started_at: datetime
    rows: int | None


@dataclass(frozen=True, slots=True)
class TransformState:
    """What a transform was last built from, and whether it holds.

    clean: the last build succeeded; load_ids: dataset -> load ids that were in it; relations: what it made.
    checks: of the last test, when that passed with nothing critical failed; else None.
    """

    clean: bool
    run_id: str | None = None
    fingerprint: str | None = None
    load_ids: Mapping[str, Sequence[str]] = field(default_factory=dict)
    relations: frozenset[tuple[str, str]] = frozenset()
    checks: Sequence[Mapping[str, Any]] | None = None
