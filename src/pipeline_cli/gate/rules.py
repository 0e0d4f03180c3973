"""What the gate holds records to, and what all resources of one ingest share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline_cli.contracts.contract import Contract
from pipeline_cli.contracts.reasons import Reason
from pipeline_cli.document import ResourceResult
from pipeline_cli.drift import NEW_COLUMN, NEW_TABLE, OTHER_TYPE
from pipeline_cli.errors import ChecksFailed
from pipeline_cli.manifest.models import Limit
from pipeline_cli.manifest.sources import SchemaContract
from pipeline_cli.nested.spool import SpoolFolder
from pipeline_cli.progress import TellProgress


@dataclass(frozen=True, slots=True)
class GateRules:
    """What the gate holds one resource's records to. cursor: the field's path, None without incremental."""

    source: str
    resource: str
    dataset: str
    table: str
    disposition: str  # append, merge, replace, scd2
    primary_key: tuple[str, ...] = ()
    # Whether a row stands for its key alone, so that an unchanged one may be left out: not with a merge_key,
    # by which a load replaces more than it holds.
    replaces_by_key: bool = True
    contract: Contract | None = None
    on_violation: str = "quarantine"
    max_rejected: Limit | None = None
    cursor: str | None = None
    cursor_required: bool = True
    cursor_start: Any = None  # the initial value, for its type
    keep_raw: bool = False
    endpoint: str | None = None
    drift: SchemaContract = field(default_factory=SchemaContract)


@dataclass(frozen=True, slots=True)
class Violation:
    """A rejected record as plugins and the log see it."""

    resource: str
    reasons: tuple[Reason, ...]
    record: str


@dataclass(slots=True)
class GateContext:
    """What all resources of one ingest share. known: which of these hashes the table (or quarantine) holds."""

    run_id: str
    tables: frozenset[str]  # those the dataset has already
    known: Callable[[str, str, Sequence[str]], set[str]]
    current_version: Callable[[str, Mapping[str, Any]], str | None]  # of (table, key): its row's id
    progress: TellProgress
    stop_if_cancelled: Callable[[], None]
    spool: SpoolFolder | None = None  # of pages that are loaded by column; None where all are rows
    violations: list[Violation] = field(default_factory=list)
    warned: Counter[str] = field(default_factory=Counter)  # records loaded though they break a contract


def breaks_contract(rules: GateRules, reason: Reason, where: str = "") -> ChecksFailed:
    """The error of a record under on_violation: fail. where: " of contacts.csv"."""
    return ChecksFailed(
        f"{rules.source}.{rules.resource}: a record{where} breaks its contract: "
        f"{reason.path} {reason.message}. Nothing of this source was loaded.",
        code="E410",
        hint="Mend the source or the contract, or use on_violation: quarantine.",
    )


def schema_is_frozen(rules: GateRules, reason: Reason, where: str = "") -> ChecksFailed:
    """The error of a record that the table has no place for, under `schema_contract: freeze`."""
    frozen = {NEW_TABLE: "tables", NEW_COLUMN: "columns"}.get(reason.rule, "data_type")
    return ChecksFailed(
        f"{rules.source}.{rules.resource}: a record{where} is not as its table is, and schema_contract freezes "
        f"{frozen}: {reason.path} {reason.message}. Nothing of this source was loaded.",
        code="E413",
        hint="Mend the source, declare the field (columns: or the contract), or say evolve or quarantine.",
    )


def frozen_rules(drift: SchemaContract) -> frozenset[str]:
    """The rules whose breach fails the load."""
    said = {NEW_TABLE: drift.tables, NEW_COLUMN: drift.columns, **dict.fromkeys(OTHER_TYPE, drift.data_type)}
    return frozenset(rule for rule, what in said.items() if what == "freeze")


def too_many_rejected(
    rules: GateRules, result: ResourceResult, violations: Sequence[Violation]
) -> ChecksFailed:
    """The error of a resource beyond its max_rejected, with the first record's reasons; nothing is loaded."""
    limit = rules.max_rejected
    allowed = (
        "none" if limit is None else str(limit.count) if limit.count is not None else f"{limit.share:.4%}"
    )
    return ChecksFailed(
        f"{rules.source}.{rules.resource}: {result.quarantined} of {result.extracted} records are rejected, more than "
        f"max_rejected allows ({allowed.replace('.0000%', '%')}). {_first(rules, violations)}"
        "Nothing of this source was loaded.",
        code="E411",
        hint="Mend the source or the contract, or raise max_rejected: rejected records go to quarantine then.",
    )


def _first(rules: GateRules, violations: Sequence[Violation]) -> str:
    """The first rejected record of the resource, in a sentence."""
    first = next((each for each in violations if each.resource == rules.resource), None)
    if first is None:
        return ""
    reasons = "; ".join(f"{reason.path}: {reason.message}" for reason in first.reasons[:3])
    record = first.record if len(first.record) <= 120 else first.record[:119] + "…"
    return f"The first: {reasons}, in {record}. "
