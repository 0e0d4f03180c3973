"""The second step of the gate: what goes to the table, what to quarantine, what has not changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import dlt
from dlt.extract.items_transform import ItemTransform

from pipeline_cli.contracts.json_values import plain_json, record_hash
from pipeline_cli.contracts.reasons import Record, Rejected
from pipeline_cli.document import ResourceResult
from pipeline_cli.gate.by_column import ByColumn
from pipeline_cli.gate.records import REJECTED, Page, received_page, value_at
from pipeline_cli.gate.rejects import for_quarantine, new_rejects
from pipeline_cli.gate.rules import GateContext, GateRules, too_many_rejected
from pipeline_cli.gate.selection import open_selection
from pipeline_cli.nested.pages import PageTable, ReceivedPage
from pipeline_cli.progress import Progress
from pipeline_cli.sources.derived import received_of

if TYPE_CHECKING:
    from pipeline_cli.nested.stamping import Stamped

_MICROSECOND = timedelta(microseconds=1)


class WriteStep(ItemTransform[Any, Any]):
    """Adds the metadata columns, leaves out what has not changed, sends rejects to quarantine, and counts."""

    placement_affinity: ClassVar[float] = 1.5  # after dlt's incremental (1), before the fork to children (2)

    def __init__(
        self,
        rules: GateRules,
        context: GateContext,
        *,
        key_is_typed: bool,
        by_column: ByColumn | None = None,
    ) -> None:
        """key_is_typed: whether the columns of the key have types without any record; then a table can be empty."""
        super().__init__(lambda item: item)
        self._rules = rules
        self._context = context
        self._moment = datetime.min.replace(tzinfo=UTC)
        self._key_is_typed = key_is_typed
        self._by_column = by_column
        self._needs_hash = rules.disposition in ("merge", "scd2")
        self._selection = open_selection(rules, context)
        self.result = ResourceResult(rules.resource, rules.dataset, rules.table, rules.endpoint)
        self.written = 0  # rows given to dlt, before it drops earlier versions of the same key
        self.by_column_count = 0  # of these, how many by column
        self.kept = 0  # rows that only keep dlt from ending a version
        self.has_output = rules.disposition == "replace"  # an empty source empties the table it replaces

    def __call__(self, item: Any, meta: Any = None) -> Iterator[Any]:
        if (received := received_page(item)) is not None:
            yield from self._write_received(received)
            self._context.progress(Progress(self._rules.resource, self.result.extracted))
            return
        records = [record for record in item if REJECTED not in record]
        rejected = [record[REJECTED] for record in item if REJECTED in record]
        before = self.result.extracted
        self.result.extracted += len(item)
        yield from self._write(records, rejected, first=not before)
        if rejected:
            self._count_rejected(rejected)
            if rows := new_rejects(self._rules, self._context, self.result, rejected, self._next_moment()):
                self.has_output = True
                yield for_quarantine(rows)
        self._context.progress(Progress(self._rules.resource, self.result.extracted))

    def _write_received(self, received: ReceivedPage) -> Iterator[Any]:
        """A page of which all records are written, and none has been decoded."""
        table = self._by_column.take() if self._by_column else None
        assert self._by_column is not None and table is not None
        count = received.count
        self.result.extracted += count
        self.written += count
        self.by_column_count += count
        self.has_output = True
        stamped = self._stamp(table, None, self._next_moments(count), ())
        with self._by_column.spool.imported(self._rules.table, stamped.table, stamped.whole) as file:
            yield file

    def _write(self, records: list[Record], rejected: list[Rejected], *, first: bool) -> Iterator[Any]:
        table = self._by_column.take() if self._by_column else None
        if first and not records and self._needs_empty_load():
            self.has_output = True
            yield dlt.mark.materialize_table_schema()
            return
        hashes = self._hashes(records)
        chosen = self._select(records, hashes, rejected)
        first_at = self._next_moments(len(records))
        of_table, as_rows = _split(records, chosen, table)
        stamped = self._stamp(table, of_table, first_at, hashes) if table is not None and of_table else None
        page = Page(
            self.row(records[index], hashes[index], first_at + index * _MICROSECOND) for index in as_rows
        )
        page.received = records
        self.written += len(page) + len(of_table)
        self.by_column_count += len(of_table)
        page.extend(self._versions_to_keep(rejected))
        self.has_output = self.has_output or bool(page) or bool(of_table)
        yield page
        if stamped is not None and self._by_column is not None:
            with self._by_column.spool.imported(self._rules.table, stamped.table, stamped.whole) as file:
                yield file

    def _hashes(self, records: Sequence[Record]) -> list[str]:
        """Of each record; empty texts where nothing needs them."""
        if not self._needs_hash and self._selection is None:
            return [""] * len(records)
        return [hash_record(record) for record in records]

    def _stamp(
        self,
        table: PageTable,
        of_table: Mapping[int, int] | None,
        first_at: datetime,
        hashes: Sequence[str],
    ) -> Stamped:
        """of_table: a row of the table by the index of its record; None where all rows are their own.

        first_at: the moment of the page's first record.
        """
        # Imported here: a run with nothing new stamps none.
        from pipeline_cli.nested.stamping import Moments, keep_raw, stamp_rows

        every_row = range(table.table.num_rows)
        indexes, rows = (every_row, every_row) if of_table is None else (of_table, list(of_table.values()))
        digests = {}
        if self._needs_hash:
            digests["_record_hash"] = [hashes[index] for index in indexes]
        if self._rules.disposition == "scd2":
            digests["_dlt_id"] = digests["_record_hash"]
        constants = {"_run_id": self._context.run_id, "_source": self._rules.source}
        stamped = stamp_rows(table, rows, constants, Moments(first_at, indexes), digests)
        if self._rules.keep_raw:
            return keep_raw(stamped, [table.records[row] for row in rows], self._rules.endpoint)
        return stamped

    def _needs_empty_load(self) -> bool:
        """Whether a source without records has something to load.

        Its table, so that models that read it can be built; for scd2, the end of the versions that it had.
        """
        if self._rules.table in self._context.tables:
            return self._rules.disposition == "scd2" and self._rules.cursor is None
        return self._key_is_typed

    def _select(self, records: list[Record], hashes: list[str], rejected: list[Rejected]) -> Sequence[int]:
        """Indexes of the records to write; of the others the doubtful are added to `rejected`."""
        if self._selection is None:
            return range(len(records))
        chosen, doubtful = self._selection.select(records, hashes)
        rejected.extend(doubtful)
        left_out = len(records) - len(chosen) - len(doubtful)
        self.result.deduplicated += left_out
        if self._rules.table not in self._context.tables:
            self.result.repeated += left_out
        return chosen

    def _versions_to_keep(self, rejected: list[Rejected]) -> list[Record]:
        """For scd2: rows that stand for the current versions of rejected records.

        dlt ends the versions that a load does not hold. These records are there; only their next version is not.
        """
        if not rejected or self._rules.disposition != "scd2" or self._rules.cursor is not None:
            return []
        kept = []
        for each in rejected:
            key = {name: value_at(each.record, name) for name in self._rules.primary_key}
            if digest := self._context.current_version(self._rules.table, key):
                kept.append({**self.row(key, digest, self._next_moment()), "_dlt_id": digest})
        self.kept += len(kept)
        return kept

    def row(self, record: Record, digest: str, moment: datetime) -> Record:
        """The record with our own columns. digest: of the record; moment: when it was received, UTC."""
        row = {
            **record,
            "_run_id": self._context.run_id,
            "_extracted_at": moment,
            "_source": self._rules.source,
        }
        if self._rules.disposition in ("merge", "scd2"):
            row["_record_hash"] = digest
        if self._rules.disposition == "scd2":
            # The version's own id: child rows take theirs from it, so those of an unchanged record are known.
            row["_dlt_id"] = digest
        if self._rules.keep_raw:
            raw = received_of(record)
            row["_raw"] = raw
            row["_endpoint"] = self._rules.endpoint
            row["_size_bytes"] = len(plain_json(raw).encode())
        return row

    def _next_moment(self) -> datetime:
        # Strictly later row by row: of two versions of a key in one load, dlt keeps the later (dedup_sort).
        self._moment = max(datetime.now(UTC), self._moment + _MICROSECOND)
        return self._moment

    def _next_moments(self, count: int) -> datetime:
        """The first of so many moments, a microsecond apart."""
        first = self._next_moment()
        self._moment = first + count * _MICROSECOND
        return first

    def _count_rejected(self, rejected: list[Rejected]) -> None:
        self.result.quarantined += len(rejected)
        limit = self._rules.max_rejected
        # A share is judged when all records are in; a count as soon as it is passed.
        if limit and limit.count is not None and self.result.quarantined > limit.count:
            raise too_many_rejected(self._rules, self.result, self._context.violations)


class ReceivedStep(ItemTransform[Any, Any]):
    """First step of a dependent resource: the parent's good records as received, without our columns."""

    placement_affinity: ClassVar[float] = -2

    def __init__(self) -> None:
        super().__init__(lambda item: item)

    def __call__(self, item: Any, meta: Any = None) -> Any:
        return list(item.received) if isinstance(item, Page) and item.received else None


def _split(
    records: Sequence[Record], chosen: Sequence[int], table: PageTable | None
) -> tuple[dict[int, int], Sequence[int]]:
    """The chosen records that are rows of the table, with their row there, and those that are not."""
    if table is None:
        return {}, chosen
    row_of = {id(record): row for row, record in enumerate(table.records)}
    of_table = {index: row_of[id(records[index])] for index in chosen if id(records[index]) in row_of}
    return of_table, [index for index in chosen if index not in of_table]


def hash_record(record: Record) -> str:
    """A derived record is another one when what it was made of is."""
    received = received_of(record)
    return record_hash(record if received is record else {"": received, **record})
