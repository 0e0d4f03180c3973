"""The ingest step: one source into its bronze dataset, and its account checked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from pipeline_cli.document import CheckResult, ErrorDocument, ResourceResult, StepResult
from pipeline_cli.drift import SchemaChange, SourceFields
from pipeline_cli.plan import Step
from pipeline_cli.steps.context import RunContext
from pipeline_cli.steps.errors import describe_error
from pipeline_cli.steps.passing import may_pass

if TYPE_CHECKING:
    from pipeline_cli.load import IngestResult, Violation


@dataclass(slots=True)
class IngestOutcome:
    """What became of an ingest step, and what only the ledger and the plugins want to know."""

    result: StepResult
    load_ids: Sequence[str] = ()
    tables: frozenset[tuple[str, str]] = frozenset()
    schema_changes: Sequence[SchemaChange] = ()
    fields: SourceFields = field(default_factory=dict)
    violations: Sequence[Violation] = field(default_factory=list)


def do_ingest(context: RunContext, step: Step, tries: int) -> IngestOutcome:
    """Ingest the step's source. Never raises: what goes wrong is in the result's errors."""
    outcome = IngestOutcome(StepResult(step.name, "ingest", "running", tries))
    begun = time.monotonic()
    try:
        _fill(outcome, _load(context, step))
    except BaseException as error:  # a thread's last chance; SystemExit of a user's source too
        interrupted = context.cancelled.is_set()
        outcome.result.status = "interrupted" if interrupted else "failed"
        outcome.result.errors += [] if interrupted else describe_error(error, step.name)
        outcome.result.may_pass = not interrupted and may_pass(error)
    outcome.result.duration_s = time.monotonic() - begun
    return outcome


def _load(context: RunContext, step: Step) -> IngestResult:
    from pipeline_cli.load import IngestRequest

    return context.backends.ingest_source(
        IngestRequest(
            project=context.project,
            warehouse=context.warehouse,
            source=step.target,
            run_id=context.run_id,
            full_refresh=context.full_refresh,
            progress=partial(context.progress, step.name),
            cancelled=context.cancelled,
        )
    )


def _fill(outcome: IngestOutcome, loaded: IngestResult) -> None:
    result = outcome.result
    result.status = loaded.status
    result.resources = list(loaded.resources)
    result.checks = list(loaded.checks)
    result.notes = list(loaded.notes)
    outcome.load_ids = loaded.load_ids
    outcome.tables = loaded.loaded_tables
    outcome.schema_changes, outcome.fields = loaded.schema_changes, loaded.fields
    outcome.violations = loaded.violations
    result.errors += [_unbalanced(entry, result.name) for entry in loaded.resources if not entry.balances]
    result.errors += [
        _broken(check, result.name) for check in loaded.checks if check.status in ("failed", "errored")
    ]
    if result.errors:
        result.status = "failed"


def _unbalanced(resource: ResourceResult, step: str) -> ErrorDocument:
    return ErrorDocument(
        code="E340",
        step=step,
        message=(
            f"the account of {resource.name} does not balance: {resource.extracted} extracted, but "
            f"{resource.loaded} loaded + {resource.quarantined} quarantined + "
            f"{resource.deduplicated} deduplicated = "
            f"{resource.loaded + resource.quarantined + resource.deduplicated}"
        ),
        hint=f"Compare {resource.dataset}.{resource.table} with the source before you rely on it.",
    )


def _broken(check: CheckResult, step: str) -> ErrorDocument:
    return ErrorDocument(
        "E400", step, f"check {check.name} {check.status}: {check.message or check.failures}"
    )
