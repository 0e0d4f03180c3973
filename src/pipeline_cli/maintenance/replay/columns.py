"""Rejected rows of files and databases, judged again and written in one transaction with their marks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from pipeline_cli.bulk.accepted import AcceptedRow, accepted_scan
from pipeline_cli.bulk.dispositions import VALID_FROM, VALID_TO, Destination, add_versions, merge_rows
from pipeline_cli.bulk.dlt_schema import read_version
from pipeline_cli.bulk.ingest import open_target, workplace
from pipeline_cli.bulk.reading import RowShape, Stamp, build_reading, metadata_types
from pipeline_cli.bulk.rules import column_rules
from pipeline_cli.bulk.spool import Spool
from pipeline_cli.bulk.state import Tables, write_load
from pipeline_cli.bulk.target import Target
from pipeline_cli.contracts.json_values import plain_json
from pipeline_cli.contracts.judge import judge
from pipeline_cli.destinations.base import Connection, quote
from pipeline_cli.document import utc_now
from pipeline_cli.errors import LoadError
from pipeline_cli.failpoints import failpoint
from pipeline_cli.gate.rules import GateRules
from pipeline_cli.loading.pipeline import dataset_name
from pipeline_cli.loading.request import IngestRequest
from pipeline_cli.maintenance.dlt_state import new_load_id
from pipeline_cli.maintenance.operation import Operation
from pipeline_cli.maintenance.replay.fields import key_reasons, read_specs, read_values
from pipeline_cli.maintenance.replay.outcomes import Outcome, ReplayResult, write_outcomes
from pipeline_cli.maintenance.standing import Candidate, Place, look_up, read_types
from pipeline_cli.project import Project
from pipeline_cli.quarantine import Rejected, Wanted, read_open
from pipeline_cli.sources.column_types import column_name
from pipeline_cli.sources.scan import ColumnSpec, Scan

_MALFORMED = "its line has no columns to judge: mend the file, the next run reads it again"
_METADATA = frozenset(metadata_types(RowShape(True, True))) | {VALID_FROM, VALID_TO, "_dlt_id"}


def replay_columns(operation: Operation, source: str, wanted: Wanted) -> ReplayResult:
    """Replay a source's open rows. Raises LoadError; then nothing has changed."""
    request = IngestRequest(operation.project, operation.warehouse, source, operation.run_id)
    result = ReplayResult()
    dataset = dataset_name(source)
    with workplace(request) as folder, open_target(request, folder) as target:
        # What is read is read before the transaction begins: DuckDB's connections see no other's writes.
        with closing(operation.warehouse.connect()) as reader:
            found = list(read_open(reader, dataset, wanted))
            with target.transaction():
                replay = _Replay(operation, source, target, folder, reader, result)
                replay.run(found)
                write_outcomes(target, operation, dataset, result)
                failpoint("replay.commit_before")
        failpoint("replay.loaded")
    return result


@dataclass(frozen=True, slots=True)
class _Row:
    """A row that the gate lets through. row: values by column of the table; specs: of its record's fields."""

    entry: Rejected
    row: Mapping[str, Any]
    specs: tuple[ColumnSpec, ...]
    raw: str


class _Replay:
    """The rows of one source, resource by resource, inside one transaction."""

    def __init__(
        self,
        operation: Operation,
        source: str,
        target: Target,
        folder: Path,
        reader: Connection,
        result: ReplayResult,
    ) -> None:
        self._project: Project = operation.project
        self._source = source
        self._target = target
        self._folder = folder
        self._reader = reader
        self._result = result
        self._dataset = dataset_name(source)
        self._tables: Tables = target.table_columns(self._dataset)
        self._stamp = Stamp(source, operation.run_id, new_load_id(target, self._dataset), utc_now())

    def run(self, found: Sequence[Rejected]) -> None:
        rules = column_rules(self._project, self._source)
        by_resource: dict[str, list[Rejected]] = {}
        for each in found:
            by_resource.setdefault(each.resource, []).append(each)
        written = 0
        for name, entries in by_resource.items():
            known = rules.get(name)
            if known is None:
                self._hold(entries, f"{self._source} has no resource {name} any more")
            elif known.table not in self._tables:
                self._hold(
                    entries, f"there is no table {self._dataset}.{known.table}: run its pipeline first"
                )
            else:
                written += self._replay(known, entries)
                account = self._result.account(name, self._dataset, known.table)
                self._result.resources.append(account)
        if written:
            schema_hash, _ = read_version(self._target, self._dataset, self._source)
            write_load(self._target, self._dataset, self._stamp, schema_hash)
            self._result.load_ids = [self._stamp.load_id]

    def _hold(self, entries: Sequence[Rejected], note: str) -> None:
        for each in entries:
            self._result.add(Outcome(each, "held", note))

    def _replay(self, rules: GateRules, entries: Sequence[Rejected]) -> int:
        """Judge and write one resource's rows; how many were written."""
        rows = list(self._judge(rules, entries))
        rows = [row for row, note in self._choose(rules, rows) if self._keep(row, note)]
        if not rows:
            return 0
        table = quote(self._dataset, rules.table)
        staged = self._stage(rules, rows)
        written = self._write(rules, staged, table)
        self._target.execute(f"DROP TABLE {staged}")
        self._check(rules, written)
        self._result.tables |= {(self._dataset, rules.table)}
        for row in rows:
            self._result.add(Outcome(row.entry, "loaded" if written else "present"))
        return written

    def _keep(self, row: _Row, note: tuple[str, str] | None) -> bool:
        if note is not None:
            kind, text = note
            self._result.add(Outcome(row.entry, kind, text))  # type: ignore[arg-type]
        return note is None

    # -- the judge -------------------------------------------------------------------------------------------

    def _judge(self, rules: GateRules, entries: Sequence[Rejected]) -> Iterator[_Row]:
        hints = self._project.manifest.sources[self._source].resources[rules.resource]
        there = {key: kind for key, kind in self._tables[rules.table].items() if key not in _METADATA}
        for entry in entries:
            values = read_values(entry, hints)
            if values is None:
                self._result.add(Outcome(entry, "held", _MALFORMED))
                continue
            specs = tuple(read_specs(values[0], values[1], hints, rules, there))
            lacking = [spec.source for spec in specs if spec.name not in there]
            if lacking:
                text = f"its table has no column {lacking[0]}"
                self._result.add(Outcome(entry, "held", text))
                continue
            verdict = judge(rules.contract, specs, values[0])
            broken = () if rules.on_violation == "warn" else verdict.broken
            reasons = broken + key_reasons(rules, specs, verdict.record) or verdict.inexact
            if reasons:
                told = [reason.to_dict() for reason in reasons]
                self._result.add(Outcome(entry, "rejected", "it is still bad", told))
            else:
                yield _Row(entry, verdict.row, specs, entry.raw or plain_json(values[0]))

    # -- what is newer ---------------------------------------------------------------------------------------

    def _choose(
        self, rules: GateRules, rows: Sequence[_Row]
    ) -> Iterator[tuple[_Row, tuple[str, str] | None]]:
        """Each row with what keeps it from being written: (kind of outcome, why)."""
        if rules.disposition == "append":
            yield from ((row, None) for row in rows)
        elif rules.disposition == "replace":
            newest = self._target.query(
                f"SELECT max(_extracted_at) FROM {quote(self._dataset, rules.table)}"
            )[0][0]
            for row in rows:
                is_old = newest is not None and newest > row.entry.rejected_at
                note = "its table has been replaced since: pipeline-cli run --full-refresh judges all of it again"
                yield row, ("held", note) if is_old else None
        else:
            yield from self._choose_by_key(rules, rows)

    def _choose_by_key(
        self, rules: GateRules, rows: Sequence[_Row]
    ) -> Iterator[tuple[_Row, tuple[str, str] | None]]:
        types = read_types(self._reader, self._dataset, rules.table)
        keys = tuple(column_name(name) for name in rules.primary_key)
        cursor = column_name(rules.cursor.removeprefix("$.")) if rules.cursor else None
        place = Place(
            self._dataset,
            rules.table,
            keys,
            cursor if cursor in types else None,
            types,
            rules.disposition == "scd2",
        )
        candidates = [
            Candidate(
                tuple(row.row[key] for key in keys),
                row.row.get(cursor) if cursor else None,
                row.entry.rejected_at,
            )
            for row in rows
        ]
        last: dict[tuple[str, ...], int] = {}
        for index, candidate in enumerate(candidates):
            key = tuple(map(str, candidate.key))
            if key not in last or _ranks(candidate) >= _ranks(candidates[last[key]]):
                last[key] = index
        for index, standing in enumerate(look_up(self._reader, place, candidates)):
            winner = last[tuple(map(str, candidates[index].key))]
            if standing.newer:
                yield rows[index], ("superseded", standing.newer)
            elif winner != index:
                yield rows[index], ("superseded", f"{rows[winner].entry.id} of the same key is newer")
            else:
                yield rows[index], None

    # -- the table -------------------------------------------------------------------------------------------

    def _stage(self, rules: GateRules, rows: Sequence[_Row]) -> str:
        """A temporary table like the resource's, with the rows; each as it was received then."""
        staged = self._target.create_like(f"_staged_{rules.table}", quote(self._dataset, rules.table))
        shape = RowShape(rules.disposition in ("merge", "scd2"), rules.keep_raw)
        for number, (_, group) in enumerate(groupby(rows, lambda row: (row.entry.rejected_at, row.specs))):
            self._write_alike(f"replay_{rules.table}_{number}", list(group), staged, shape)
        return staged

    def _write_alike(self, name: str, rows: Sequence[_Row], staged: str, shape: RowShape) -> None:
        """Rows of the same columns and time of receipt, by the statement that a load writes accepted rows with."""
        spool = Spool(self._folder / name)
        spool.add([AcceptedRow(row.row, row.entry.file, row.raw, index) for index, row in enumerate(rows)])
        stamp = replace(self._stamp, extracted_at=rows[0].entry.rejected_at)
        for scan in accepted_scan(Scan("", rows[0].specs), spool, self._target.engine):
            reading = build_reading(scan, stamp, shape)
            self._target.write(reading, staged, is_ordered=True, is_ours=True)

    def _write(self, rules: GateRules, staged: str, table: str) -> int:
        columns = [name for name in self._tables[rules.table] if name not in (VALID_FROM, VALID_TO)]
        keys = tuple(column_name(name) for name in rules.primary_key)
        destination = Destination(table, keys, columns)
        if rules.disposition == "merge":
            return merge_rows(self._target, staged, destination).written
        if rules.disposition == "scd2":
            return add_versions(
                self._target, staged, destination, self._stamp.extracted_at, is_whole=False
            ).written
        names = ", ".join(quote(name) for name in columns)
        return self._target.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {staged}")

    def _check(self, rules: GateRules, written: int) -> None:
        table = quote(self._dataset, rules.table)
        statement = f"SELECT count(*) FROM {table} WHERE _dlt_load_id = '{self._stamp.load_id}'"
        count = int(self._target.query(statement)[0][0])
        if count != written:
            raise LoadError(
                f"{self._source}.{rules.resource}: {written} rows were replayed, and {table} holds {count} of them.",
                code="E321",
                hint="This should never happen. Nothing was changed; keep the log.",
            )


def _ranks(candidate: Candidate) -> tuple[Any, ...]:
    """By cursor, then by the time of receipt; a row without a cursor comes before those that have one."""
    cursor = candidate.cursor
    return (cursor is not None, cursor if cursor is not None else 0, candidate.received_at)
