"""What a source changed since the last run: found when its load is known, recorded with the step."""

from __future__ import annotations

from pipeline_cli.drift import add_fields, compare_fields
from pipeline_cli.ledger import Ledger
from pipeline_cli.secrets import mask_tree
from pipeline_cli.steps.ingest import IngestOutcome

_NOTED = 20


def note_drift(
    ledger: Ledger, environment: str, source: str, outcome: IngestOutcome, secrets: frozenset[str]
) -> None:
    """Complete the outcome's schema changes, put them into the step's result, and remember the fields.

    A first load changes nothing; nor does one that failed, whose records are read again.
    """
    if outcome.result.status not in ("succeeded", "unchanged"):
        return
    before = ledger.source_fields(environment, source) if outcome.fields or outcome.schema_changes else {}
    changes = compare_fields(before, outcome.fields, outcome.schema_changes)
    if outcome.fields or outcome.schema_changes:
        known = add_fields(before, outcome.fields, outcome.schema_changes)
        ledger.save_source_fields(environment, source, known)
    outcome.schema_changes = changes
    if not before:
        return
    # dlt's own columns come and go with its versions.
    told = [each for each in changes if not each.column.startswith("_")]
    outcome.result.schema_changes = mask_tree([each.to_dict() for each in told], secrets)
    notes = [str(each) for each in told if each.kind in ("missing", "renamed")]
    more = [f"{len(notes) - _NOTED} more fields are missing or renamed"] if len(notes) > _NOTED else []
    outcome.result.notes += [f"{note}." for note in [*notes[:_NOTED], *more]]
