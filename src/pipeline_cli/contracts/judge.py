"""What the row check says of one row of a column source: the last word on rows that SQL is not certain of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline_cli.contracts.contract import Contract
from pipeline_cli.contracts.decode import ABSENT, decode
from pipeline_cli.contracts.reasons import Reason, Record, json_path
from pipeline_cli.sources.scan import ColumnSpec


@dataclass(frozen=True, slots=True)
class Judgement:
    """record: as the contract sees it, by source name; an absent value has no key.

    reasons: the contract's where it is broken, else those of exactness; empty when the row is fine.
    row: Python values by column name, of all columns; meaningless where `inexact` has reasons.
    inexact: the reasons of exactness, also where the contract is broken (for on_violation: warn); broken: the
    contract's alone.
    """

    record: Record
    reasons: tuple[Reason, ...]
    row: dict[str, Any]
    inexact: tuple[Reason, ...] = ()
    broken: tuple[Reason, ...] = ()


def judge(contract: Contract | None, columns: Sequence[ColumnSpec], values: Mapping[str, Any]) -> Judgement:
    """Judge one row. values: the raw values by source name, as the relation gives them (see `Suspect`)."""
    record: Record = {}
    row: dict[str, Any] = {}
    inexact: list[Reason] = []
    for spec in columns:
        decoded = decode(spec, values.get(spec.source))
        row[spec.name] = decoded.stored
        if decoded.seen is not ABSENT:
            record[spec.source] = decoded.seen
        if decoded.problem is not None:
            inexact.append(Reason(json_path((spec.source,)), *decoded.problem))
    broken = contract.reasons(record) if contract else ()
    return Judgement(record, broken or tuple(inexact), row, tuple(inexact), broken)
