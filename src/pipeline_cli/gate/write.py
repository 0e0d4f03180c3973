"""The second step of the gate: what goes to the table, what to quarantine, what has not changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import dlt
from dlt.extract.items_transform import ItemTransform

from pipeline_cli.contracts.json_values import plain_json, record_hash
from pipeline_cli.contracts.reasons import Record, Rejected
from pipeline_cli.document import ResourceResult
from pipeline_cli.gate.records import REJECTED, Page, value_at
from pipeline_cli.gate.rejects import for_quarantine, new_rejects
from pipeline_cli.gate.rules import GateContext, GateRules, too_many_rejected


class WriteStep(ItemTransform[Any, Any]):
    """Adds the metadata columns, leaves out what has not changed, sends rejects to quarantine, and counts."""

    placement_affinity: ClassVar[float] = 1.5  # after dlt's incremental (1), before the fork to children (2)

    def __init__(self, rules: GateRules, context: GateContext) -> None:
        super().__init__(lambda item: item)
        self._rules = rules
        self._context = context
        self._moment = datetime.min.replace(tzinfo=UTC)
        self.result = ResourceResult(rules.resource, rules.dataset, rules.table, rules.endpoint)
        self.written = 0  # rows given to dlt, before it drops earlier versions of the same key
        self.has_output = rules.disposition == "replace"  # an empty source empties the table it replaces

    def __call__(self, item: Any, meta: Any = None) -> Iterator[Any]:
        records = [record for record in item if REJECTED not in record]
        rejected = [record[REJECTED] for record in item if REJECTED in record]
        before = self.result.extracted
        self.result.extracted += len(item)
        yield self._page(records, self._next_moment(), first=not before)
        if rejected:
            self._count_rejected(rejected)
            if rows := new_rejects(self._rules, self._context, self.result, rejected, self._moment):
                self.has_output = True
                yield for_quarantine(rows)
        self._context.progress(self._rules.resource, self.result.extracted)

    def _page(self, records: list[Record], moment: datetime, *, first: bool) -> Any:
        if first and not records and self._rules.table not in self._context.tables:
            # A source without records still makes its table, so that models that read it can be built.
            self.has_output = True
            return dlt.mark.materialize_table_schema()
        hashes = [record_hash(record) for record in records]
        kept = self._changed(records, hashes)
        page = Page(self._row(records[index], hashes[index], moment) for index in kept)
        page.received = records
        self.result.deduplicated += len(records) - len(kept)
        self.written += len(page)
        self.has_output = self.has_output or bool(page)
        return page

    def _changed(self, records: list[Record], hashes: list[str]) -> list[int]:
        """Indexes of the records to write: of equal keys the last, and none that the table holds unchanged."""
        if self._rules.disposition not in ("merge", "scd2"):
            return list(range(len(records)))
        last = {tuple(str(value_at(r, k)) for k in self._rules.primary_key): i for i, r in enumerate(records)}
        chosen = sorted(last.values())
        if self._rules.disposition == "scd2":
            return chosen  # dlt closes the versions of records that a load does not hold
        known = self._context.known(self._rules.table, "_record_hash", [hashes[index] for index in chosen])
        return [index for index in chosen if hashes[index] not in known]

    def _row(self, record: Record, digest: str, moment: datetime) -> Record:
        row = {
            **record,
            "_run_id": self._context.run_id,
            "_extracted_at": moment,
            "_source": self._rules.source,
        }
        if self._rules.disposition in ("merge", "scd2"):
            row["_record_hash"] = digest
        if self._rules.keep_raw:
            row["_raw"] = record
            row["_endpoint"] = self._rules.endpoint
            row["_size_bytes"] = len(plain_json(record).encode())
        return row

    def _next_moment(self) -> datetime:
        # Strictly later page by page: of two versions of a key in one load, dlt keeps the later (dedup_sort).
        self._moment = max(datetime.now(UTC), self._moment + timedelta(microseconds=1))
        return self._moment

    def _count_rejected(self, rejected: list[Rejected]) -> None:
        self.result.quarantined += len(rejected)
        limit = self._rules.max_rejected
        # A share is judged when all records are in; a count as soon as it is passed.
        if limit and limit.count is not None and self.result.quarantined > limit.count:
            raise too_many_rejected(self._rules, self.result)


class ReceivedStep(ItemTransform[Any, Any]):
    """First step of a dependent resource: the parent's good records as received, without our columns."""

    placement_affinity: ClassVar[float] = -2

    def __init__(self) -> None:
        super().__init__(lambda item: item)

    def __call__(self, item: Any, meta: Any = None) -> Any:
        return list(item.received) if isinstance(item, Page) and item.received else None
