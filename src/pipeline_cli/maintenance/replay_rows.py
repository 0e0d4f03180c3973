"""Rejected records of an API or a Python source, through the gate again and into their tables in one load package.

A replayed row's `_dlt_id` is made of its id in quarantine, so the destination itself says whether it was loaded: a
process that dies between the load and the mark leaves nothing to guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import dlt
from dlt.extract import DltResource, DltSource
from dlt.extract.items_transform import ItemTransform

from pipeline_cli.contracts.json_values import parse_json
from pipeline_cli.contracts.reasons import Record
from pipeline_cli.destinations.base import Connection, quote
from pipeline_cli.errors import LoadError, StepError
from pipeline_cli.failpoints import failpoint
from pipeline_cli.gate.check import CheckStep
from pipeline_cli.gate.records import REJECTED, value_at
from pipeline_cli.gate.rules import GateContext, GateRules
from pipeline_cli.gate.write import WriteStep, _hash
from pipeline_cli.loading.contract_files import read_contracts
from pipeline_cli.loading.intake import _apply_hints, make_rules
from pipeline_cli.loading.load_ids import raise_load_ids
from pipeline_cli.loading.pipeline import dataset_name, open_pipeline
from pipeline_cli.loading.request import IngestRequest
from pipeline_cli.loading.rows import _FILE_FORMATS, _load_package, _recover, _touched, _translated
from pipeline_cli.maintenance.operation import Operation
from pipeline_cli.maintenance.outcomes import Outcome, ReplayResult, mark
from pipeline_cli.maintenance.standing import Candidate, Place, look_up, read_types
from pipeline_cli.manifest.sources import PythonSource, ResourceHints
from pipeline_cli.progress import tell_nobody
from pipeline_cli.quarantine import Rejected, Wanted, read_open
from pipeline_cli.sources.build import open_source
from pipeline_cli.sources.derived import Derived

_PAGE = 500
_SNAPSHOT = (
    "its resource keeps versions of all that the source has: the next run reads the record again, and judges it by "
    "today's contract"
)


class Kept(dict[str, Any]):
    """A record on its way through the gate once more, with what the quarantine knows of it."""

    entry: Rejected


class KeptDerived(Derived):
    entry: Rejected


def replay_rows(operation: Operation, source: str, wanted: Wanted) -> ReplayResult:
    """Replay a source's open records. Raises as `ingest_source` does; then none is marked, and none half loaded."""
    request = IngestRequest(
        operation.project,
        operation.warehouse,
        source,
        operation.run_id,
        cancelled=operation.interruption.cancelled,
    )
    result = ReplayResult()
    with _translated(request):
        pipeline = open_pipeline(operation.project, operation.warehouse, source)
        recovered, result.notes = _recover(request, pipeline)
        result.tables = frozenset((dataset_name(source), table) for table in recovered)
        with open_source(operation.project, source, cancelled=request.cancelled) as found:
            _Replay(request, found, wanted, result).run(pipeline)
    failpoint("replay.loaded")
    mark(operation, dataset_name(source), result)
    return result


class _Replay:
    """The records of one source, resource by resource, into one load package."""

    def __init__(
        self, request: IngestRequest, source: DltSource, wanted: Wanted, result: ReplayResult
    ) -> None:
        self._request = request
        self._source = source
        self._wanted = wanted
        self._result = result
        self._dataset = dataset_name(request.source)
        self._context = GateContext(
            run_id=request.run_id,
            tables=frozenset(name for _, name in request.warehouse.relations([self._dataset])),
            known=lambda table, column, values: set(),
            current_version=lambda table, key: None,
            progress=tell_nobody,
            stop_if_cancelled=self._stop_if_cancelled,
        )

    def _stop_if_cancelled(self) -> None:
        if self._request.cancelled.is_set():
            raise StepError("interrupted; nothing was replayed", code="E130")

    def run(self, pipeline: Any) -> None:
        with closing(self._request.warehouse.connect()) as connection:
            resources, writers = self._open_resources(connection)
            if resources:
                self._load(pipeline, resources, writers, connection)
        for writer in writers:
            rules = writer.rules
            self._result.resources.append(self._result.account(rules.resource, rules.dataset, rules.table))

    def _open_resources(self, connection: Connection) -> tuple[list[DltResource], list[_Writer]]:
        contracts = read_contracts(self._request.project, self._request.source)
        entry = self._request.project.manifest.sources[self._request.source]
        names = dict.fromkeys(each.resource for each in self._open_records(connection, self._wanted))
        resources, writers = [], []
        for name in names:
            original = self._source.resources.get(name)
            if original is None:
                self._hold(connection, name, f"{self._request.source} has no resource {name} any more")
                continue
            rules = make_rules(self._request.source, entry, name, original, contracts.get(name))
            # What was put into quarantine once is not to stop the others now.
            rules = replace(rules, on_violation="warn" if rules.on_violation == "warn" else "quarantine")
            if rules.disposition == "scd2" and rules.cursor is None:
                self._hold(connection, name, _SNAPSHOT)
                continue
            resource = self._open_resource(name, original, entry, rules)
            writer = _Writer(rules, self._context, self._result, self._place(connection, rules), connection)
            resource.add_step(
                CheckStep(rules, self._context, lambda: self._source.schema, resource.compute_table_schema)
            )
            resource.add_step(writer)
            resources.append(resource)
            writers.append(writer)
        return resources, writers

    def _open_records(self, connection: Connection, wanted: Wanted) -> Iterator[Rejected]:
        return read_open(connection, self._dataset, wanted)

    def _hold(self, connection: Connection, name: str, note: str) -> None:
        for each in self._open_records(connection, replace(self._wanted, resource=name)):
            self._result.add(Outcome(each, "held", note))

    def _open_resource(self, name: str, original: DltResource, entry: Any, rules: GateRules) -> DltResource:
        """A resource with the original's hints whose records come from quarantine; it has no cursor to move."""
        is_python = isinstance(entry, PythonSource)
        resource: DltResource = dlt.resource(lambda: self._pages(name, is_python), name=name)
        hints = {key: hint for key, hint in (original._hints or {}).items() if key != "incremental"}
        resource._set_hints(hints)  # type: ignore[arg-type]
        _apply_hints(resource, entry.resources.get(name, ResourceHints()), rules)
        if rules.disposition == "replace":
            resource.apply_hints(write_disposition="append")
        if original.max_table_nesting is not None:
            resource.max_table_nesting = original.max_table_nesting
        return resource

    def _pages(self, name: str, is_python: bool) -> Iterator[list[Record]]:
        page: list[Record] = []
        # A connection of its own: the load's statements stand between two pages.
        with closing(self._request.warehouse.connect()) as connection:
            for each in self._open_records(connection, replace(self._wanted, resource=name)):
                page.append(_to_record(each, is_python))
                if len(page) == _PAGE:
                    yield page
                    page = []
        if page:
            yield page

    def _place(self, connection: Connection, rules: GateRules) -> Place:
        naming = self._source.schema.naming
        types = read_types(connection, rules.dataset, rules.table)
        keys = tuple(naming.normalize_path(name) for name in rules.primary_key)
        cursor = (
            naming.normalize_path(rules.cursor.removeprefix("$.").replace(".", "__"))
            if rules.cursor
            else None
        )
        is_keyed = rules.disposition in ("merge", "scd2") and all(key in types for key in keys)
        return Place(
            rules.dataset,
            rules.table,
            keys if is_keyed else (),
            cursor if cursor in types else None,
            types,
            versions=rules.disposition == "scd2",
        )

    def _load(
        self, pipeline: Any, resources: list[DltResource], writers: list[_Writer], connection: Connection
    ) -> None:
        replayed = DltSource(self._source.schema, self._source.section, resources)
        replayed.root_key = True
        file_format: Any = _FILE_FORMATS[self._request.warehouse.type]
        raise_load_ids(self._request.warehouse, self._dataset)
        pipeline.extract(replayed, loader_file_format=file_format)
        if not any(writer.written for writer in writers):
            pipeline.abort_packages()
            return
        failpoint("replay.extracted")
        normalized = pipeline.normalize()
        info = _load_package(self._request, pipeline)
        self._result.load_ids = list(info.loads_ids)
        counted = [name for name in normalized.row_counts if not name.startswith("_dlt_")]
        self._result.tables |= {(self._dataset, table) for table in _touched(pipeline, counted)}
        for writer in writers:
            writer.check(connection, self._result.load_ids)


class _Writer(ItemTransform[Any, Any]):
    """Writes what the gate lets through, unless it is there, or something newer is."""

    placement_affinity: ClassVar[float] = 1.5  # after CheckStep, as the gate's own WriteStep

    def __init__(
        self,
        rules: GateRules,
        context: GateContext,
        result: ReplayResult,
        place: Place,
        connection: Connection,
    ) -> None:
        super().__init__(lambda item: item)
        self.rules = rules
        self._step = WriteStep(rules, context, key_is_typed=False)
        self._result = result
        self._place = place
        self._connection = connection
        self._moment = datetime.min.replace(tzinfo=UTC)
        self._last: dict[tuple[Any, ...], tuple[Candidate, Rejected]] = {}
        self.written: set[str] = set()  # ids of the rows, `_dlt_id`

    def __call__(self, item: Any, meta: Any = None) -> Any:
        good: list[Any] = []
        for record in item:
            if REJECTED in record:
                rejected = record[REJECTED]
                reasons = [reason.to_dict() for reason in rejected.reasons]
                self._result.add(Outcome(rejected.record.entry, "rejected", "it is still bad", reasons))
            else:
                good.append(record)
        return self._choose(good)

    def _choose(self, records: Sequence[Any]) -> list[Record]:
        if self.rules.disposition == "replace":
            return [self._row(each) for each in records if self._belongs(each.entry)]
        if not self._place.keys:
            there = self._there([row_id(each.entry) for each in records])
            for each in records:
                if row_id(each.entry) in there:
                    self._result.add(Outcome(each.entry, "present", "it was loaded by an earlier replay"))
            return [self._row(each) for each in records if row_id(each.entry) not in there]
        candidates = [self._candidate(each) for each in records]
        standings = look_up(self._connection, self._place, candidates)
        rows = []
        for record, candidate, standing in zip(records, candidates, standings, strict=True):
            if standing.is_same:
                self._result.add(Outcome(record.entry, "present", "its table holds it already"))
            elif standing.newer:
                self._result.add(Outcome(record.entry, "superseded", standing.newer))
            elif self._is_last(record.entry, candidate):
                rows.append(self._row(record))
        return rows

    def _is_last(self, entry: Rejected, candidate: Candidate) -> bool:
        """Of several versions of a key in quarantine the last is loaded: they come in the order of their receipt."""
        if not self._place.keys:
            return True
        key = tuple(str(value) for value in candidate.key)
        before = self._last.get(key)
        if before is not None and self.rules.disposition == "scd2":
            self._result.add(
                Outcome(entry, "held", f"{before[1].id} of the same key comes first: replay again")
            )
            return False
        if before is not None and _is_newer(before[0], candidate):
            self._result.add(Outcome(entry, "superseded", f"{before[1].id} of the same key is newer"))
            return False
        if before is not None:
            self._result.add(Outcome(before[1], "superseded", f"{entry.id} of the same key is newer"))
            self.written.discard(self._id_of(before[1], before[0].digest))
        self._last[key] = candidate, entry
        return True

    def _candidate(self, record: Any) -> Candidate:
        key = tuple(value_at(record, name) for name in self.rules.primary_key)
        cursor = value_at(record, self.rules.cursor) if self.rules.cursor else None
        return Candidate(key, cursor, record.entry.rejected_at, _digest(record))

    def _belongs(self, entry: Rejected) -> bool:
        """Whether a record of a table that is replaced is of the load that the table holds."""
        table = quote(self.rules.dataset, self.rules.table)
        [(newest,)] = self._connection.query(f"SELECT max(_extracted_at) FROM {table}")
        [(at_hand,)] = self._connection.query(
            f"SELECT count(*) FROM {table} WHERE _dlt_id = ?", [row_id(entry)]
        )
        if at_hand:
            self._result.add(Outcome(entry, "present", "it was loaded by an earlier replay"))
        elif newest is not None and newest > entry.rejected_at:
            note = "its table has been replaced since, and every run judges all of its records again"
            self._result.add(Outcome(entry, "held", note))
        return not at_hand and (newest is None or newest <= entry.rejected_at)

    def _there(self, ids: Sequence[str]) -> set[str]:
        if not ids or "_dlt_id" not in self._place.types:
            return set()
        marks = ", ".join("?" * len(ids))
        table = quote(self.rules.dataset, self.rules.table)
        found = self._connection.query(f"SELECT _dlt_id FROM {table} WHERE _dlt_id IN ({marks})", list(ids))
        return {str(row[0]) for row in found}

    def _row(self, record: Any) -> Record:
        digest = _digest(record)
        entry = record.entry
        identity = self._id_of(entry, digest)
        # Strictly later row by row: of two versions of a key in one load, dlt keeps the later (dedup_sort).
        self._moment = max(entry.rejected_at, self._moment + timedelta(microseconds=1))
        row = {**self._step._row(record, digest, self._moment), "_dlt_id": identity}
        self.written.add(identity)
        self._result.add(Outcome(entry, "loaded"))
        return row

    def _id_of(self, entry: Rejected, digest: str | None) -> str:
        return str(digest) if self.rules.disposition == "scd2" else row_id(entry)

    def check(self, connection: Connection, load_ids: Sequence[str]) -> None:
        """Count the rows in the destination. Raises LoadError where they are not those that were written."""
        if not self.written:
            return
        marks = ", ".join("?" * len(load_ids))
        table = quote(self.rules.dataset, self.rules.table)
        statement = f"SELECT count(*) FROM {table} WHERE _dlt_load_id IN ({marks})"
        [(count,)] = connection.query(statement, list(load_ids))
        if count != len(self.written):
            raise LoadError(
                f"{self.rules.source}.{self.rules.resource}: {len(self.written)} records were replayed, and"
                f" {table} holds {count} of them.",
                code="E321",
                hint="This should never happen. Nothing was marked as replayed; keep the log.",
            )


def row_id(entry: Rejected) -> str:
    """The `_dlt_id` of the row that a rejected record becomes."""
    return f"q_{entry.id}"


def _digest(record: Any) -> str:
    # Of what was received: a text that came as a time was hashed as one.
    return _hash(record) if isinstance(record, Derived) else record.entry.record_hash


def _to_record(entry: Rejected, is_python: bool) -> Record:
    values = parse_json(entry.record)
    kept: Kept | KeptDerived
    if is_python and isinstance(values.get("_raw"), dict):
        received = values.pop("_raw")
        kept = KeptDerived(values, received=received)
    else:
        kept = Kept(values)
    kept.entry = entry
    return kept


def _is_newer(one: Candidate, other: Candidate) -> bool:
    """Whether the first of two records of one key, the one received first, is the newer by its cursor."""
    try:
        return bool(one.cursor > other.cursor) or (
            one.received_at == other.received_at and not other.cursor > one.cursor
        )
    except TypeError:  # without cursors that can be compared, the later received is the newer
        return one.received_at == other.received_at
