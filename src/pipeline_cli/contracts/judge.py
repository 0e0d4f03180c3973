"""What the row check says of one row of a column source: the last word on rows that SQL is not certain of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline_cli.contracts.contract import Contract
from pipeline_cli.contracts.decode import ABSENT, decode
from pipeline_cli.contracts.json_values import plain_json
from pipeline_cli.contracts.reasons import Reason, Record, json_path
from pipeline_cli.drift import NEW_COLUMN, OTHER_TYPE
from pipeline_cli.sources.column_types import variant_name
from pipeline_cli.sources.scan import ColumnSpec


@dataclass(frozen=True, slots=True)
class Judgement:
    """record: as the contract sees it, by source name; an absent value has no key.

    reasons: the contract's where it is broken, else those of exactness; empty when the row is fine.
    row: Python values by column name, of all columns; meaningless where `inexact` has reasons.
    inexact: the reasons of exactness, also where the contract is broken (for on_violation: warn); broken: the
    contract's alone. misfits: the columns whose type is not the value's.
    """

    record: Record
    reasons: tuple[Reason, ...]
    row: dict[str, Any]
    inexact: tuple[Reason, ...] = ()
    broken: tuple[Reason, ...] = ()
    misfits: tuple[str, ...] = ()


def judge(
    contract: Contract | None,
    columns: Sequence[ColumnSpec],
    values: Mapping[str, Any],
    keys: Collection[str] | None = None,
) -> Judgement:
    """Judge one row. values: the raw values by source name, as the relation gives them (see `Suspect`).

    keys: with these, a value of another type is kept as a text in a column of its own, but for these columns'.
    """
    misfits: list[str] = []
    record: Record = {}
    row: dict[str, Any] = {}
    inexact: list[Reason] = []
    for spec in columns:
        decoded = decode(spec, values.get(spec.source))
        if spec.is_refused and decoded.seen is not ABSENT and decoded.seen is not None:
            inexact.append(
                Reason(json_path((spec.source,)), NEW_COLUMN, f"the table has no column {spec.name}")
            )
            record[spec.source] = decoded.seen
            continue
        row[spec.name] = decoded.stored
        if decoded.seen is not ABSENT:
            record[spec.source] = decoded.seen
        if decoded.problem is None:
            continue
        if decoded.problem[0] in OTHER_TYPE:
            misfits.append(spec.name)
        if decoded.problem[0] in OTHER_TYPE and keys is not None and spec.name not in keys:
            text = decoded.seen if isinstance(decoded.seen, str) else plain_json(decoded.seen)
            row |= {spec.name: None, variant_name(spec.name): text}
        else:
            inexact.append(Reason(json_path((spec.source,)), *decoded.problem))
    broken = contract.reasons(record) if contract else ()
    return Judgement(record, broken or tuple(inexact), row, tuple(inexact), broken, tuple(misfits))
