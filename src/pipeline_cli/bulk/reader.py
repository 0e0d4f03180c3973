"""Reading one scan into a table: the statement, its sink, the rows that the judge accepted, the rejects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from pipeline_cli.bulk.accepted import accepted_scan
from pipeline_cli.bulk.account import require_all_read
from pipeline_cli.bulk.errors import explain
from pipeline_cli.bulk.reading import Gate, RowShape, Stamp, build_reading, describe_received
from pipeline_cli.bulk.sink import RejectedRow, Sink, Tally
from pipeline_cli.bulk.state import QUARANTINE, STATE_TABLES, Tables, write_rejects
from pipeline_cli.bulk.target import Target
from pipeline_cli.bulk.watching import Watcher, counted
from pipeline_cli.contracts.json_values import record_hash
from pipeline_cli.contracts.predicates import compile_predicates
from pipeline_cli.gate.rejects import quarantine_row
from pipeline_cli.gate.rules import GateRules
from pipeline_cli.loading.request import IngestRequest
from pipeline_cli.sources.column_types import column_name, variant_name
from pipeline_cli.sources.scan import ColumnResource, ColumnSpec, Scan

_NUMBERS = count(1)  # functions are the instance's, and several sources may be loaded by one process


@dataclass(frozen=True, slots=True)
class Workplace:
    """What the resources of one load share.

    tables: of the dataset, kept up to date as they are made. numbered: the resources whose rows are to be numbered.
    """

    request: IngestRequest
    target: Target
    stamp: Stamp
    folder: Path
    tables: Tables
    numbered: set[str]


class ScanReader:
    """Reads the scans of one resource, one after the other."""

    def __init__(
        self, place: Workplace, rules: GateRules, shape: RowShape, tally: Tally, resource: ColumnResource
    ) -> None:
        self._place = place
        self._resource = resource
        self._target = place.target
        self._rules = rules
        self._shape = shape
        self._tally = tally
        self._watcher = Watcher(rules.resource, place.request.progress, place.request.cancelled)
        self._where = f"{rules.source}.{rules.resource}"
        self._scan_count = 0
        self._reject_count = 0
        self._same: Counter[tuple[str | None, str]] = Counter()  # rejected rows by their file and content

    def read(self, scan: Scan, table: str, *, is_ours: bool, widen: Callable[[Sequence[str]], None]) -> int:
        """Write the scan's good rows into `table` and its rejects into quarantine. Returns the rows written.

        is_ours: nobody else sees the table before the commit. widen: adds text columns to it.
        """
        self._scan_count += 1
        folder = self._place.folder / f"{self._rules.table}_{self._scan_count}"
        folder.mkdir()
        engine = self._target.engine
        sink = Sink(self._rules, scan, self._tally, folder)
        with self._watcher.watch(engine, scan) as tell, self._registered(scan, sink, tell) as gate:
            written = self._write(scan, table, gate, sink, is_ours)
        require_all_read(self._where, sink.given, written + sink.taken)
        require_all_read(self._where, sink.taken, sink.accepted.count + sink.rejected_count)
        variants = [variant_name(name) for name in sink.variants]
        if variants:
            widen(variants)
        columns = [*scan.columns, *(ColumnSpec(name, name, "text") for name in variants)]
        for again in accepted_scan(replace(scan, columns=columns), sink.accepted, engine):
            written += self._write(again, table, None, sink, is_ours)
        sink.add_malformed(scan.malformed(engine))
        self._tally.written += written
        self._tally.accepted += sink.accepted.count
        self._watcher.records = self._tally.extracted
        self._quarantine(sink)
        return written

    def read_nothing(self, scan: Scan) -> None:
        """A scan without a single column: if it has lines, they are malformed."""
        folder = self._place.folder / f"{self._rules.table}_nothing"
        folder.mkdir(exist_ok=True)
        sink = Sink(self._rules, scan, self._tally, folder)
        sink.add_malformed(scan.malformed(self._target.engine))
        self._quarantine(sink)

    def _write(self, scan: Scan, table: str, gate: Gate | None, sink: Sink, is_ours: bool) -> int:
        reading = build_reading(scan, self._place.stamp, self._shape, gate, number=self._scan_count)
        try:
            return self._target.write(reading, table, is_ordered=self._shape.is_hashed, is_ours=is_ours)
        except Exception as error:
            raise sink.error or explain(self._resource, error, scan) from error

    @contextmanager
    def _registered(self, scan: Scan, sink: Sink, tell: Callable[[int], None]) -> Iterator[Gate]:
        """What the statement refers to, known to the engine while it runs."""
        engine = self._target.engine
        predicates = compile_predicates(self._rules.contract, scan.columns)
        name = f"sink_{next(_NUMBERS)}"
        with ExitStack() as stack:
            for view, found in scan.objects.items():
                is_reader = hasattr(found, "read_next_batch")
                engine.register(view, counted(found, sink.count_given(tell)) if is_reader else found)
                stack.callback(_quietly, engine.unregister, view)
            described = engine.execute(f"DESCRIBE {describe_received(scan)}").fetchall()
            row = f"STRUCT({', '.join(f'{column} {kind}' for column, kind, *_ in described)})"
            function, kind = sink.function
            parameters = ["VARCHAR", "VARCHAR", "BIGINT", row]
            functions: dict[str, tuple[Any, Any, str]] = {name: (function, parameters, kind)}
            functions |= {
                key: (each.function, each.parameters, "arrow") for key, each in predicates.functions.items()
            }
            for key, (function, parameters, kind) in functions.items():
                engine.create_function(
                    key,
                    function,
                    parameters,
                    "BOOLEAN",
                    type=kind,
                    null_handling="special",
                    side_effects=key == name,
                )
                stack.callback(_quietly, engine.remove_function, key)
            yield Gate(predicates, name, self._keys(scan))

    def _keys(self, scan: Scan) -> Sequence[int]:
        wanted = {column_name(name) for name in self._rules.primary_key}
        return [index for index, column in enumerate(scan.columns) if column.name in wanted]

    # -- quarantine ------------------------------------------------------------------------------------------

    def _quarantine(self, sink: Sink) -> None:
        if not sink.has_rejected:
            return
        is_new = self._rules.disposition == "append"
        write_rejects(self._target, self._rules.dataset, self._rows(sink.rejected()), is_new=is_new)

    def _rows(self, batches: Iterable[Sequence[RejectedRow]]) -> Iterator[tuple[Any, ...]]:
        stamp = self._place.stamp
        for each in (row for batch in batches for row in batch):
            occurrence = self._occurrence(each)
            row = quarantine_row(self._rules, stamp.run_id, each.rejected, stamp.extracted_at, occurrence)
            row |= {"file": each.file, "line": each.line, "raw": each.raw, "_dlt_load_id": stamp.load_id}
            yield tuple(_storable(row[name]) for name in STATE_TABLES[QUARANTINE])

    def _occurrence(self, row: RejectedRow) -> list[str | int] | None:
        """Without a key the same record may rightly come twice, so each is kept, once a run.

        With one, each is kept that a file has, whatever its line is when the file is read again.
        """
        self._reject_count += 1
        if self._rules.disposition == "append":
            return [self._place.stamp.run_id, self._reject_count]
        same = (row.file, record_hash(row.rejected.record))
        self._same[same] += 1
        number = self._same[same]
        if row.file is not None:
            return [row.file, number]
        # The first is as it would be in any load; those that are the same again are told apart by their number.
        return [number] if number > 1 else None


def _quietly(forget: Callable[[str], Any], name: str) -> None:
    """After an error the transaction takes no statement any more; the name is no other load's."""
    import duckdb

    with suppress(duckdb.Error):
        forget(name)


def _storable(value: Any) -> Any:
    return value.replace("\x00", "\\u0000") if isinstance(value, str) else value
