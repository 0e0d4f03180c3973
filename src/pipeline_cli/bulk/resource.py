"""One resource of a load: its scans are read into its table, its rejects into quarantine, and all are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline_cli.bulk.account import Counts, require_closed
from pipeline_cli.bulk.dispositions import (
    VALID_FROM,
    VALID_TO,
    Destination,
    Merged,
    add_versions,
    empty_table,
    has_twice,
    keep_last,
    merge_rows,
)
from pipeline_cli.bulk.dlt_schema import TableChange
from pipeline_cli.bulk.errors import OrderNeededError
from pipeline_cli.bulk.load_table import LoadTable
from pipeline_cli.bulk.reader import ScanReader, Workplace
from pipeline_cli.bulk.reading import POSITION, RowShape, metadata_types
from pipeline_cli.bulk.sink import Tally
from pipeline_cli.bulk.state import (
    QUARANTINE,
    forget_files,
    read_cursor,
    read_files,
    write_cursor,
    write_files,
)
from pipeline_cli.destinations.base import quote
from pipeline_cli.document import ResourceResult
from pipeline_cli.drift import SchemaChange, TableFields
from pipeline_cli.errors import StepError
from pipeline_cli.gate.rules import GateRules
from pipeline_cli.sources.scan import ColumnResource, ColumnSpec, Known, Scan

_STAGED = ("merge", "scd2")


class ResourceLoad:
    """One resource in one load."""

    def __init__(self, place: Workplace, rules: GateRules, resource: ColumnResource) -> None:
        self._place = place
        self._target = place.target
        self._resource = resource
        is_numbered = rules.resource in place.numbered
        self._shape = RowShape(rules.disposition in _STAGED, rules.keep_raw, is_numbered)
        self._scan_count = 0
        self._has_files = False
        self._is_first = False  # whether the table had no rows before this load
        self._loaded = 0
        self._left_out = 0
        self._inserted = 0  # into the table, before earlier rows of a key went
        self.rules = rules
        self.tally = Tally()
        self._reader = ScanReader(place, rules, self._shape, self.tally, resource)
        self._table = LoadTable(place, rules, self._shape)
        self.fields = TableFields()
        self.touched: set[str] = set()
        self.has_output = False

    @property
    def change(self) -> TableChange | None:
        """What dlt's schema is to know of the table now."""
        return self._table.change

    @property
    def notes(self) -> list[str]:
        return self._table.notes

    # -- the flow --------------------------------------------------------------------------------------------

    def take(self) -> None:
        """Read everything that is new; afterwards the account is closed."""
        with self._resource.scans(self._known()) as scans:
            for scan in scans:
                if self._place.request.cancelled.is_set():
                    raise StepError(
                        "interrupted between two files; nothing of this source was loaded", code="E130"
                    )
                self._load_scan(scan)
        if self._place.request.full_refresh and not self._scan_count:
            self._table.make_room({})  # nothing is there any more to read again
            self.has_output = bool(self._table.columns)
        self._require_order(self._table.staged or self._table.name)
        self._inserted = self._loaded
        if self._table.staged is not None:
            merged = self._merge(self._table.staged)
            self._loaded = self._inserted = merged.written
            self._left_out = merged.left_out
        elif self._shape.is_hashed and self._loaded:
            self._left_out = keep_last(self._target, self._table.name, self._table.keys, self._target.row_id)
            self._loaded -= self._left_out
        if self._loaded or self._table.is_emptied:
            self.touched.add(self.rules.table)
        self._judge_share()

    def _require_order(self, table: str) -> None:
        """What the judge accepted was written behind its scan's other rows: that matters where a key comes twice."""
        is_mixed = self._shape.is_hashed and self.tally.accepted and not self._shape.is_numbered
        if is_mixed and has_twice(self._target, table, self._table.keys):
            self._place.numbered.add(self.rules.resource)
            raise OrderNeededError

    @property
    def _needs_stage(self) -> bool:
        """Rows are compared with those that are there; into an empty table they are merged with themselves alone."""
        is_direct = self._is_first and self.rules.disposition == "merge" and not self._shape.is_numbered
        return self._shape.is_hashed and not is_direct

    def result(self) -> ResourceResult:
        """The account: extracted = loaded + quarantined + deduplicated."""
        result = ResourceResult(self.rules.resource, self.rules.dataset, self.rules.table)
        result.extracted = self.tally.extracted
        result.quarantined = self.tally.quarantined
        result.loaded = self._loaded
        result.deduplicated = self._left_out
        result.repeated = result.deduplicated if self._is_first else 0
        return result

    def require_account(self) -> None:
        """Hold the account against the warehouse's own counts. Raises LoadError where it does not close."""
        only_adds = self.rules.disposition == "append" and not self._place.request.full_refresh
        counts = Counts(self._loaded, self._inserted, only_adds)
        require_closed(self._target, self.result(), self._place.stamp.load_id, counts)

    def _known(self) -> Known:
        dataset, name = self.rules.dataset, self.rules.resource
        if self._place.request.full_refresh:
            return Known()
        there = self._place.tables.get(self.rules.table, {})
        metadata = metadata_types(RowShape(True, True)) | {VALID_FROM: "", VALID_TO: "", "_dlt_id": ""}
        columns = {name: kind for name, kind in there.items() if name not in metadata}
        if self._place.request.window is not None:
            return Known(columns, is_window=True)
        return Known(
            columns, read_files(self._target, dataset, name), read_cursor(self._target, dataset, name)
        )

    def _load_scan(self, scan: Scan) -> None:
        self._has_files = self._has_files or bool(scan.files)
        self.has_output = True
        before, extracted = self.tally.quarantined, self.tally.extracted
        if scan.columns:
            self._load_rows(scan)
            self._count_fields(scan.columns, self.tally.extracted - extracted)
        else:
            self._empty_replaced()
            self._scan_count += 1
            self._reader.read_nothing(scan)
        if self.tally.quarantined > before:
            self.touched.add(QUARANTINE)
        scan.verify()
        self._remember(scan)

    def _empty_replaced(self) -> None:
        """For replace: before the first scan, what was there goes."""
        if self._scan_count or self.rules.disposition != "replace":
            return
        forget_files(self._target, self.rules.dataset, self.rules.resource)
        if self._table.columns and empty_table(self._target, self._table.name):
            self.touched.add(self.rules.table)

    def _load_rows(self, scan: Scan) -> None:
        self._table.prepare(scan.columns)
        self._empty_replaced()
        self._scan_count += 1
        if self._scan_count == 1:
            self._is_first = not self._target.query(f"SELECT 1 FROM {self._table.name} LIMIT 1")
        staged = self._table.stage() if self._needs_stage else None
        fitted = replace(scan, columns=self._table.fit(scan.columns))
        is_ours = self._table.is_made or staged is not None
        written = self._reader.read(
            fitted, staged or self._table.name, is_ours=is_ours, widen=self._table.add_texts
        )
        if staged is None:
            self._loaded += written

    def _remember(self, scan: Scan) -> None:
        dataset, name, stamp = self.rules.dataset, self.rules.resource, self._place.stamp
        if scan.files:
            write_files(self._target, dataset, name, stamp, scan.files)
        cursor = scan.cursor_value()
        if cursor is not None and self._place.request.window is None:
            write_cursor(self._target, dataset, name, stamp, str(cursor))

    def _merge(self, staged: str) -> Merged:
        columns = [name for name in self._table.columns if name not in (VALID_FROM, VALID_TO)]
        order = quote(POSITION) if self._shape.is_numbered else None
        destination = Destination(self._table.name, self._table.keys, columns, order)
        if self.rules.disposition == "merge":
            merged = merge_rows(self._target, staged, destination)
        else:
            # A load of new files says nothing of the keys that stand in others.
            is_whole = self.rules.cursor is None and not self._has_files
            moment = self._place.stamp.extracted_at
            merged = add_versions(self._target, staged, destination, moment, is_whole=is_whole)
        self._target.execute(f"DROP TABLE {staged}")
        return merged

    def _judge_share(self) -> None:
        limit = self.rules.max_rejected
        if limit and not limit.allows(self.tally.quarantined, self.tally.extracted):
            raise self.tally.too_many(self.rules)

    # -- the table -------------------------------------------------------------------------------------------

    @property
    def schema_changes(self) -> list[SchemaChange]:
        """New columns, and those that values did not fit."""
        retyped = [
            SchemaChange("retyped", self.rules.table, name, self._table.columns[name][0], records=count)
            for name, count in self.tally.misfits.items()
        ]
        return self._table.new_columns + retyped

    def _count_fields(self, columns: Sequence[ColumnSpec], rows: int) -> None:
        """A column of a file or a table is there in each of its rows, whatever its values are."""
        self.fields.rows += rows
        for column in columns:
            self.fields.add(column.name, column.data_type, rows)
