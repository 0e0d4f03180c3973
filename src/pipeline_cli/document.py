"""The run document: what `run --json` prints and `runs show` prints again (schema_version 1).

Plain dataclasses that know no engine. Times are UTC, durations seconds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

SCHEMA_VERSION = 1

Status = Literal["running", "succeeded", "failed", "skipped", "unchanged", "interrupted"]
CheckStatus = Literal["passed", "failed", "warned", "skipped", "errored"]
Severity = Literal["critical", "warning"]
StepKind = Literal["ingest", "transform", "test", "report"]

# Which of a step's lists its object has.
SHOWN: dict[StepKind, tuple[str, ...]] = {
    "ingest": ("resources", "checks"),
    "transform": ("models", "checks"),
    "test": ("checks",),
    "report": ("reports",),
}


def utc_now() -> datetime:
    return datetime.now(UTC)


def format_time(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with a Z; None stays None."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


@dataclass(slots=True)
class ErrorDocument:
    """An error. step: the one that failed, None for the run's own; line: counted from 1."""

    code: str
    step: str | None
    message: str
    hint: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None


@dataclass(slots=True)
class ResourceResult:
    """The account of one resource in one load: extracted = loaded + quarantined + deduplicated (records).

    repeated: those of `deduplicated` that are known to have come again, by key, within this very load.
    """

    name: str
    dataset: str
    table: str
    endpoint: str | None = None
    extracted: int = 0
    loaded: int = 0
    quarantined: int = 0
    deduplicated: int = 0
    repeated: int = 0

    @property
    def balances(self) -> bool:
        return self.extracted == self.loaded + self.quarantined + self.deduplicated


@dataclass(slots=True)
class ModelResult:
    """A model that was built. `rows` counts the rows of the relation afterwards; None for a view."""

    name: str
    status: Status
    rows: int | None = None
    duration_s: float | None = None
    message: str | None = None


@dataclass(slots=True)
class CheckResult:
    """One test or audit. `failures` counts the rows that broke it."""

    name: str
    status: CheckStatus
    severity: Severity = "critical"
    failures: int = 0
    message: str | None = None


@dataclass(slots=True)
class ReportResult:
    """An edition of a report. Paths are relative to the project's root.

    page: the newest edition's page, at a path that stays. files: this edition's page, then its CSV files, PDF and PNG.
    """

    name: str
    page: str
    files: list[str] = field(default_factory=list)


@dataclass(slots=True)
class TryResult:
    """One try of a step. code and message: of its first error."""

    number: int
    status: Status
    started_at: datetime
    duration_s: float
    code: str | None = None
    message: str | None = None

    @classmethod
    def of(cls, step: StepResult) -> TryResult:
        """The try that this result came from."""
        error = step.errors[0] if step.errors else None
        told = (error.code, error.message) if error else (None, None)
        return cls(step.tries, step.status, step.started_at, step.duration_s, *told)

    def to_dict(self) -> dict[str, Any]:
        error = None if self.code is None else {"code": self.code, "message": self.message}
        return {
            "number": self.number,
            "status": self.status,
            "started_at": format_time(self.started_at),
            "duration_s": round(self.duration_s, 3),
            "error": error,
        }


@dataclass(slots=True)
class StepResult:
    """What became of one step; the ledger keeps it, the run document prints it."""

    name: str
    kind: StepKind
    status: Status
    tries: int = 1
    started_at: datetime = field(default_factory=utc_now)
    duration_s: float = 0.0
    resources: list[ResourceResult] = field(default_factory=list)
    models: list[ModelResult] = field(default_factory=list)
    checks: list[CheckResult] = field(default_factory=list)
    reports: list[ReportResult] = field(default_factory=list)
    errors: list[ErrorDocument] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    schema_changes: list[dict[str, Any]] = field(default_factory=list)  # drift.SchemaChange.to_dict
    # Of this run; in the document where there are several.
    attempts: list[TryResult] = field(default_factory=list)
    may_pass: bool = False  # whether what failed may succeed the next time

    def to_dict(self) -> dict[str, Any]:
        """The step's object; of `resources`, `models`, `checks` and `reports` only what its kind has."""
        document: dict[str, Any] = {
            "name": self.name,
            "kind": self.kind,
            "status": self.status,
            "tries": self.tries,
            "started_at": format_time(self.started_at),
            "duration_s": round(self.duration_s, 3),
        }
        for name in SHOWN[self.kind]:
            document[name] = [asdict(entry) for entry in getattr(self, name)]
        if self.schema_changes:
            document["schema_changes"] = list(self.schema_changes)
        if len(self.attempts) > 1:
            document["attempts"] = [each.to_dict() for each in self.attempts]
        if self.notes:
            document["notes"] = list(self.notes)
        return document


@dataclass(slots=True)
class PipelineResult:
    """What became of one pipeline, step by step."""

    name: str
    status: Status
    steps: list[StepResult] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "status": self.status, "steps": [step.to_dict() for step in self.steps]}


@dataclass(slots=True)
class RunResult:
    """What became of a run. started_at: UTC."""

    run_id: str
    environment: str
    status: Status
    started_at: datetime
    duration_s: float = 0.0
    pipelines: list[PipelineResult] = field(default_factory=list)
    errors: list[ErrorDocument] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)  # a plugin that raised or hung, and the like
    slot: str | None = None  # of the pipeline's schedule; none when somebody ran it by hand

    def to_dict(self) -> dict[str, Any]:
        document = {
            "schema_version": SCHEMA_VERSION,
            "command": "run",
            "run_id": self.run_id,
            "environment": self.environment,
            "status": self.status,
            "started_at": format_time(self.started_at),
            "duration_s": round(self.duration_s, 3),
            "pipelines": [pipeline.to_dict() for pipeline in self.pipelines],
            "errors": [asdict(error) for error in self.errors],
            "warnings": list(self.warnings),
        }
        return document if self.slot is None else {**document, "slot": self.slot}
