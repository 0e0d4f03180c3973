"""One resource of a load: its scans are read into its table, its rejects into quarantine, and all are counted."""

from __future__ import annotations

from collections.abc import Mapping
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
from pipeline_cli.bulk.dlt_schema import TableChange, import_ahead
from pipeline_cli.bulk.errors import OrderNeededError
from pipeline_cli.bulk.reader import ScanReader, Workplace
from pipeline_cli.bulk.reading import POSITION, RowShape, metadata_types
from pipeline_cli.bulk.sink import Tally
from pipeline_cli.bulk.state import (
    QUARANTINE,
    add_columns,
    create_table,
    forget_files,
    read_cursor,
    read_files,
    write_cursor,
    write_files,
)
from pipeline_cli.bulk.table_shape import fit_columns, refuse_collisions, require_keys
from pipeline_cli.destinations.base import quote
from pipeline_cli.document import ResourceResult
from pipeline_cli.errors import StepError
from pipeline_cli.gate.rules import GateRules
from pipeline_cli.sources.column_types import ColumnType, column_name
from pipeline_cli.sources.scan import ColumnResource, Known, Scan

_STAGED = ("merge", "scd2")
_VERSIONS: Mapping[str, ColumnType] = {
    VALID_FROM: ("timestamp", None, None),
    VALID_TO: ("timestamp", None, None),
}


class ResourceLoad:
    """One resource in one load."""

    def __init__(self, place: Workplace, rules: GateRules, resource: ColumnResource) -> None:
        self._place = place
        self._target = place.target
        self._resource = resource
        is_numbered = rules.resource in place.numbered
        self._shape = RowShape(rules.disposition in _STAGED, rules.keep_raw, is_numbered)
        self._staged: str | None = None
        self._scan_count = 0
        self._has_files = False
        self._is_first = False  # whether the table had no rows before this load
        self._is_made = False  # the table, by this load: nobody else sees it yet
        self._loaded = 0
        self._left_out = 0
        self._inserted = 0  # into the table, before earlier rows of a key went
        self.rules = rules
        self.tally = Tally()
        self._reader = ScanReader(place, rules, self._shape, self.tally, resource)
        self.change: TableChange | None = None
        self.schema_changes: list[str] = []
        self.notes: list[str] = []
        self.touched: set[str] = set()
        self.has_output = False

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
            self._make_room({})  # nothing is there any more to read again
            self.has_output = bool(self._there())
        table = self._staged or quote(self.rules.dataset, self.rules.table)
        self._require_order(table)
        self._inserted = self._loaded
        if self._staged is not None:
            merged = self._merge(self._staged)
            self._loaded = self._inserted = merged.written
            self._left_out = merged.left_out
        elif self._shape.is_hashed and self._loaded:
            self._left_out = keep_last(self._target, table, self._keys, self._target.row_id)
            self._loaded -= self._left_out
        if self._loaded:
            self.touched.add(self.rules.table)
        self._judge_share()

    def _require_order(self, table: str) -> None:
        """What the judge accepted was written behind its scan's other rows: that matters where a key comes twice."""
        is_mixed = self._shape.is_hashed and self.tally.accepted and not self._shape.is_numbered
        if is_mixed and has_twice(self._target, table, self._keys):
            self._place.numbered.add(self.rules.resource)
            raise OrderNeededError

    @property
    def _needs_stage(self) -> bool:
        """Rows are compared with those that are there; into an empty table they are merged with themselves alone."""
        is_direct = self._is_first and self.rules.disposition == "merge" and not self._shape.is_numbered
        return self._shape.is_hashed and not is_direct

    @property
    def _keys(self) -> tuple[str, ...]:
        return tuple(column_name(name) for name in self.rules.primary_key)

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
        counts = Counts(self._loaded, self._inserted, self.rules.disposition == "append")
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
        before = self.tally.quarantined
        if scan.columns:
            self._load_rows(scan)
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
        if self._there() and empty_table(self._target, quote(self.rules.dataset, self.rules.table)):
            self.touched.add(self.rules.table)

    def _load_rows(self, scan: Scan) -> None:
        table = self._prepare_table(scan)
        self._empty_replaced()
        self._scan_count += 1
        if self._scan_count == 1:
            self._is_first = not self._target.query(f"SELECT 1 FROM {table} LIMIT 1")
        if self._needs_stage and self._staged is None:
            self._staged = self._create_staged(table)
        fitted = replace(scan, columns=fit_columns(scan.columns, self._there(), self.rules))
        is_ours = self._is_made or self._staged is not None
        written = self._reader.read(fitted, self._staged or table, is_ours=is_ours)
        if self._staged is None:
            self._loaded += written

    def _create_staged(self, table: str) -> str:
        # No table of ours begins with _staged, so none is taken for another.
        staged = self._target.create_like(f"_staged_{self.rules.table}", table)
        if self._shape.is_numbered:
            self._target.execute(f"ALTER TABLE {staged} ADD COLUMN {quote(POSITION)} BIGINT")
        return staged

    def _remember(self, scan: Scan) -> None:
        dataset, name, stamp = self.rules.dataset, self.rules.resource, self._place.stamp
        if scan.files:
            write_files(self._target, dataset, name, stamp, scan.files)
        cursor = scan.cursor_value()
        if cursor is not None and self._place.request.window is None:
            write_cursor(self._target, dataset, name, stamp, str(cursor))

    def _merge(self, staged: str) -> Merged:
        table = quote(self.rules.dataset, self.rules.table)
        columns = [name for name in self._there() if name not in (VALID_FROM, VALID_TO)]
        order = quote(POSITION) if self._shape.is_numbered else None
        destination = Destination(table, self._keys, columns, order)
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

    def _there(self) -> Mapping[str, ColumnType]:
        return self._place.tables.get(self.rules.table, {})

    def _prepare_table(self, scan: Scan) -> str:
        """Make the table, or add the columns that are new; its quoted name."""
        refuse_collisions(scan.columns, self.rules)
        require_keys(scan.columns, self.rules)
        dataset, name = self.rules.dataset, self.rules.table
        wanted: dict[str, ColumnType] = {
            column.name: (column.data_type, column.precision, column.scale) for column in scan.columns
        }
        wanted |= _VERSIONS if self.rules.disposition == "scd2" else {}
        wanted |= {key: (kind, None, None) for key, kind in metadata_types(self._shape).items()}
        if not self._scan_count and self._place.request.full_refresh:
            self._make_room(wanted)
        there = self._there()
        missing = {key: kind for key, kind in wanted.items() if key not in there}
        if not there:
            create_table(self._target, dataset, name, wanted)
            self._is_made = True
        elif missing:
            # A staged table was made without them.
            self._staged = None if self._staged is None else self._widen_staged(missing)
            add_columns(self._target, dataset, name, missing)
        if missing:
            import_ahead()
            self._place.tables[name] = {**there, **missing}
            if there:
                self.notes.append(f"New columns of {dataset}.{name}: {', '.join(missing)}.")
            self.schema_changes += [f"{name}.{key} {kind[0]}" for key, kind in missing.items()]
            self.change = TableChange(
                name,
                self.rules.resource,
                self._place.tables[name],
                self._keys,
                self.rules.disposition,
            )
        return quote(dataset, name)

    def _widen_staged(self, missing: Mapping[str, ColumnType]) -> str:
        assert self._staged is not None
        for key, kind in missing.items():
            self._target.execute(
                f"ALTER TABLE {self._staged} ADD COLUMN {quote(key)} {self._target.sql_type(kind)}"
            )
        return self._staged

    def _make_room(self, wanted: Mapping[str, ColumnType]) -> None:
        """For --full-refresh: an empty table where the columns are as before, else none."""
        there = self._there()
        if not there:
            return
        self.touched.add(self.rules.table)
        table = quote(self.rules.dataset, self.rules.table)
        if all(
            self._target.sql_type(there.get(key, kind)) == self._target.sql_type(kind)
            for key, kind in wanted.items()
        ):
            empty_table(self._target, table)
        else:
            self._target.execute(f"DROP TABLE {table}")
            del self._place.tables[self.rules.table]
