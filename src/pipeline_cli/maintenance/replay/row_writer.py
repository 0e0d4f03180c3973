"""The last step of a replay by rows: what the gate lets through, unless it is there, or something newer is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from dlt.extract.items_transform import ItemTransform

from pipeline_cli.contracts.json_values import parse_json
from pipeline_cli.contracts.reasons import Record
from pipeline_cli.destinations.base import Connection, quote
from pipeline_cli.errors import LoadError
from pipeline_cli.gate.records import REJECTED, value_at
from pipeline_cli.gate.rules import GateContext, GateRules
from pipeline_cli.gate.write import WriteStep, hash_record
from pipeline_cli.maintenance.replay.outcomes import Outcome, ReplayResult
from pipeline_cli.maintenance.standing import Candidate, Place, look_up
from pipeline_cli.quarantine import Rejected
from pipeline_cli.sources.derived import Derived


class Kept(dict[str, Any]):
    """A record on its way through the gate once more, with what the quarantine knows of it."""

    entry: Rejected


class KeptDerived(Derived):
    entry: Rejected


def received_again(entry: Rejected, is_python: bool) -> Record:
    """The record of an entry, as its source gave it."""
    values = parse_json(entry.record)
    kept: Kept | KeptDerived
    if is_python and isinstance(values.get("_raw"), dict):
        received = values.pop("_raw")
        kept = KeptDerived(values, received=received)
    else:
        kept = Kept(values)
    kept.entry = entry
    return kept


class ReplayWriter(ItemTransform[Any, Any]):
    """Writes the records of one resource. written: the `_dlt_id` of each row that it has written."""

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
        self.written: set[str] = set()

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
        row = {**self._step.row(record, digest, self._moment), "_dlt_id": identity}
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
    return hash_record(record) if isinstance(record, Derived) else record.entry.record_hash


def _is_newer(one: Candidate, other: Candidate) -> bool:
    """Whether the first of two records of one key, the one received first, is the newer by its cursor."""
    try:
        return bool(one.cursor > other.cursor) or (
            one.received_at == other.received_at and not other.cursor > one.cursor
        )
    except TypeError:  # without cursors that can be compared, the later received is the newer
        return one.received_at == other.received_at
