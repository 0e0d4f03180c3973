"""What became of the records that were replayed, and how it is written down."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pipeline_cli.destinations.base import literal, quote
from pipeline_cli.document import ResourceResult, utc_now
from pipeline_cli.gate.rejects import QUARANTINE_TABLE, quarantine_id
from pipeline_cli.maintenance.operation import Operation
from pipeline_cli.quarantine import Rejected
from pipeline_cli.quarantine.decisions import (
    Decision,
    DecisionKind,
    Statements,
    create_sql,
    who,
    write_decisions,
)

# loaded: written by this replay. present: it stood there already. superseded: a newer one of its key stands there.
# rejected: still bad. held: it cannot be replayed, and stays as it is.
OutcomeKind = Literal["loaded", "present", "superseded", "rejected", "held"]
_DECISIONS: dict[OutcomeKind, DecisionKind] = {
    "loaded": "replayed",
    "present": "replayed",
    "superseded": "superseded",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record. note: why, for people; reasons: of one that is still bad."""

    entry: Rejected
    kind: OutcomeKind
    note: str = ""
    reasons: Sequence[dict[str, Any]] = ()


@dataclass(slots=True)
class ReplayResult:
    """What a replay did to one source. tables: (dataset, table) that received rows."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    resources: list[ResourceResult] = field(default_factory=list)
    load_ids: list[str] = field(default_factory=list)
    tables: frozenset[tuple[str, str]] = frozenset()
    notes: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.outcomes[outcome.entry.id] = outcome

    def account(self, resource: str, dataset: str, table: str) -> ResourceResult:
        """The resource's account: extracted = loaded + quarantined + deduplicated, counted by outcome."""
        kinds = Counter(each.kind for each in self.outcomes.values() if each.entry.resource == resource)
        return ResourceResult(
            resource,
            dataset,
            table,
            extracted=kinds.total(),
            loaded=kinds["loaded"],
            quarantined=kinds["rejected"] + kinds["held"],
            deduplicated=kinds["present"] + kinds["superseded"],
        )

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(each.kind for each in self.outcomes.values())
        return {kind: found[kind] for kind in get_args(OutcomeKind)}


def mark(operation: Operation, dataset: str, result: ReplayResult) -> None:
    """Write the decisions, and the new reasons of what is still bad, in one transaction."""
    warehouse = operation.warehouse
    with closing(warehouse.connect()) as connection, warehouse.writing(), connection.transaction():
        write_outcomes(connection, operation, dataset, result)


def write_outcomes(connection: Statements, operation: Operation, dataset: str, result: ReplayResult) -> None:
    """As `mark`, in the transaction that the caller holds."""
    now, by = utc_now(), who()
    found = [
        Decision(each.entry.id, _DECISIONS[each.kind], each.note, by, now, operation.run_id)
        for each in result.outcomes.values()
        if each.kind in _DECISIONS
    ]
    connection.execute(create_sql(dataset))
    write_decisions(connection, dataset, found)
    for outcome in result.outcomes.values():
        if outcome.kind == "rejected" and list(outcome.reasons) != outcome.entry.reasons:
            _write_reasons(connection, dataset, outcome)


def _write_reasons(connection: Statements, dataset: str, outcome: Outcome) -> None:
    """The record stays where it is, with today's reasons, under the id that a run would give it with those."""
    entry, reasons = outcome.entry, list(outcome.reasons)
    table = quote(dataset, QUARANTINE_TABLE)
    new_id = entry.id
    if entry.id == quarantine_id(entry.resource, entry.record_hash, entry.reasons):
        new_id = quarantine_id(entry.resource, entry.record_hash, reasons)
        if connection.query(f"SELECT 1 FROM {table} WHERE id = {literal(new_id)}"):
            # A run has rejected it again since, for these reasons.
            connection.execute(f"DELETE FROM {table} WHERE id = {literal(entry.id)}")
            return
    text = json.dumps(reasons)
    # dlt's column may be of JSON where the text looked like it; a literal takes either type.
    connection.execute(
        f"UPDATE {table} SET reasons = {literal(text)}, id = {literal(new_id)} WHERE id = {literal(entry.id)}"
    )
