"""The first step of the gate: each record is judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from dlt.extract.items_transform import ItemTransform

from pipeline_cli.contracts.exactness import Exactness
from pipeline_cli.contracts.json_values import json_ready, parse_json, plain_json
from pipeline_cli.contracts.reasons import Reason, Record, Rejected, json_path
from pipeline_cli.drift import SchemaChange, SourceFields
from pipeline_cli.gate.by_column import ByColumn
from pipeline_cli.gate.cursor import CursorCheck
from pipeline_cli.gate.records import REJECTED, received_page, to_records, value_at
from pipeline_cli.gate.rules import (
    GateContext,
    GateRules,
    Violation,
    breaks_contract,
    frozen_rules,
    schema_is_frozen,
)
from pipeline_cli.nested.pages import ReceivedPage
from pipeline_cli.sources.derived import Derived, received_of

_SHOWN_VIOLATIONS = 20
_SAMPLE = 100  # records of a first page; a tenth of a second for a thousand


class CheckStep(ItemTransform[Any, Any]):
    """Judges each record of a page; replaces a bad one by a carrier that WriteStep sends to quarantine."""

    placement_affinity: ClassVar[float] = 0.9  # after the user's own steps, before dlt's incremental (1)

    def __init__(
        self,
        rules: GateRules,
        context: GateContext,
        schema: Callable[[], Any],
        table_schema: Callable[[], Any],
        by_column: ByColumn | None = None,
    ) -> None:
        """schema: asked for at the first record, when dlt has put the pipeline's own in the source's place.

        by_column: gets the pages that can be loaded so; None where every record is loaded as a row.
        """
        super().__init__(lambda item: item)
        self._rules = rules
        self._context = context
        self._schema = schema
        self._table_schema = table_schema
        self._exactness: Exactness | None = None
        self._cursor = CursorCheck(rules) if rules.cursor else None
        self._by_column = by_column
        self._frozen = frozen_rules(rules.drift)

    def fields(self) -> SourceFields:
        """The fields of the accepted records, by table."""
        return self._exactness.fields() if self._exactness else {}

    def retyped(self) -> list[SchemaChange]:
        """The columns that some values did not fit."""
        return self._exactness.retyped() if self._exactness else []

    def __call__(self, item: Any, meta: Any = None) -> Any:
        self._context.stop_if_cancelled()
        if self._exactness is None:
            self._exactness = self._open_exactness()
            if self._by_column is not None:
                self._by_column.open(self._exactness)
        received = received_page(item)
        if received is not None and self._accept(received):
            return item
        records = to_records(item if received is None else parse_json(received.body))
        if self._by_column is None:
            return [self._judge(record) for record in records]
        judged = self._judge_page(records, self._by_column)
        # dlt normalizes files in any order, and pages that come by column part the rows of the others into several:
        # it would take a column's type from whichever value comes first.
        self._exactness.columns.pin_all()
        return judged

    def _judge_page(self, records: list[Record], by_column: ByColumn) -> list[Record]:
        """The same verdicts: what one look at all of the page finds to be fine needs no look at each record."""
        if by_column.has_given_up:
            return [self._judge(record) for record in records]
        if not by_column.has_shape and len(records) > _SAMPLE:
            return self._judge_first(records, by_column)
        return self._judge_whole(records, by_column)

    def _judge_first(self, records: list[Record], by_column: ByColumn) -> list[Record]:
        """No page has been read yet: some records, judged one by one, tell what the others are like."""
        judged = [self._judge(record) for record in records[:_SAMPLE]]
        by_column.learn(_accepted(judged))
        if not by_column.has_shape:  # nor would these have one with the others
            return judged + [self._judge(record) for record in records[_SAMPLE:]]
        judged += self._judge_whole(records[_SAMPLE:], by_column)
        by_column.widen(_accepted(judged))
        return judged

    def _judge_whole(self, records: list[Record], by_column: ByColumn) -> list[Record]:
        if not self._has_rules:
            if self._read(by_column, records):
                return list(records)
        else:
            is_fine = [self._may_be_fine(record) for record in records]
            fine = [record for record, yes in zip(records, is_fine, strict=True) if yes]
            if self._read(by_column, fine):
                return [
                    record if yes else self._judge(record)
                    for record, yes in zip(records, is_fine, strict=True)
                ]
        judged = [self._judge(record) for record in records]
        by_column.learn(_accepted(judged))
        return judged

    def _accept(self, received: ReceivedPage) -> bool:
        assert self._by_column is not None and self._exactness is not None
        if not self._by_column.accept(received):
            return False
        self._exactness.count_filled(received.count, self._by_column.filled)
        return True

    @property
    def _has_rules(self) -> bool:
        """Whether a record's own values matter: a contract, a key, a cursor."""
        return bool(self._rules.contract or self._rules.primary_key or self._cursor)

    def _read(self, by_column: ByColumn, records: list[Record]) -> bool:
        """Whether one table holds all of these; then their fields are counted."""
        if not by_column.read(records):
            return False
        assert self._exactness is not None
        self._exactness.count_filled(len(records), by_column.filled)
        return True

    def _may_be_fine(self, record: Record) -> bool:
        is_held = self._rules.contract is None or self._rules.contract.holds(record)
        return is_held and not self._key_reasons(record)

    def _open_exactness(self) -> Exactness:
        from dlt.common.schema.utils import normalize_table_identifiers

        # The declared columns come first: they decide what is JSON, and how many places a decimal has.
        schema = self._schema()
        declared = normalize_table_identifiers(self._table_schema(), schema.naming)
        schema.update_table(declared, normalize_identifiers=False)
        cursor = (self._rules.cursor or "").removeprefix("$.").split(".")[0]
        return Exactness(
            schema,
            self._rules.table,
            drift=self._rules.drift,
            is_there=self._rules.table in self._context.tables,
            keys={*self._rules.primary_key, cursor},
        )

    def _judge(self, record: Record) -> Record:
        assert self._exactness is not None
        broken = self._contract_reasons(record)
        if broken and self._rules.on_violation == "warn":
            self._tell(record, broken)
            self._context.warned[self._rules.resource] += 1
            broken = ()
        if broken and self._rules.on_violation == "fail":
            raise breaks_contract(self._rules, broken[0])
        reasons = broken + self._key_reasons(record)
        reasons += self._exactness.reasons(record, learn=not reasons)
        if not reasons and self._exactness.received is not None:
            return Derived(record, received=received_of(self._exactness.received))
        if not reasons:
            return record
        if self._frozen and (frozen := [each for each in reasons if each.rule in self._frozen]):
            raise schema_is_frozen(self._rules, frozen[0])
        self._tell(record, reasons)
        return {REJECTED: Rejected(record, reasons)}

    def _contract_reasons(self, record: Record) -> tuple[Reason, ...]:
        return self._rules.contract.reasons(json_ready(record)) if self._rules.contract else ()

    def _key_reasons(self, record: Record) -> tuple[Reason, ...]:
        missing = [name for name in self._rules.primary_key if value_at(record, name) is None]
        found = [Reason(json_path((name,)), "primary_key", "the key has no value") for name in missing]
        if self._cursor is not None and not found:
            found.extend(self._cursor.reasons(record))
        return tuple(found)

    def _tell(self, record: Record, reasons: tuple[Reason, ...]) -> None:
        if len(self._context.violations) < _SHOWN_VIOLATIONS:
            self._context.violations.append(
                Violation(self._rules.resource, reasons, plain_json(record)[:2_000])
            )


def _accepted(judged: list[Record]) -> list[Record]:
    return [record for record in judged if REJECTED not in record]
