"""Which of a page's records are written: those that are new or changed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from pipeline_cli.contracts.reasons import Reason, Record, Rejected, json_path
from pipeline_cli.gate.records import value_at
from pipeline_cli.gate.rules import GateContext, GateRules

_MARKS = 2**23  # bits, 1 MiB


class Selection(Protocol):
    """What is left out of a page because it is there already."""

    def select(self, records: Sequence[Record], hashes: Sequence[str]) -> tuple[list[int], list[Rejected]]:
        """Indexes of the records to write, and those that contradict another record of the load."""
        ...


def open_selection(rules: GateRules, context: GateContext) -> Selection | None:
    """The selection for a resource; None where every record is written."""
    if not rules.primary_key:
        return None
    if rules.disposition == "scd2":
        return _OneVersion(rules)
    if rules.disposition == "merge" and rules.replaces_by_key:
        return _Changed(rules, context)
    return None


class _Changed:
    """For merge: not what the table holds unchanged; of equal keys in a page, the last.

    Memory: 1 MiB, however many records. Keys written in this load are marked in a table of bits, because a later
    record of such a key must be written even where the warehouse holds it unchanged: it takes back the earlier
    one. Two keys with one mark cost a row that is written again, nothing else.
    """

    def __init__(self, rules: GateRules, context: GateContext) -> None:
        self._rules = rules
        self._known = context.known
        self._marks = bytearray(_MARKS // 8)

    def select(self, records: Sequence[Record], hashes: Sequence[str]) -> tuple[list[int], list[Rejected]]:
        last = {_exact_key(record, self._rules.primary_key): index for index, record in enumerate(records)}
        chosen = sorted(last.values())
        known = self._known(self._rules.table, "_record_hash", [hashes[index] for index in chosen])
        return [index for index in chosen if self._is_new(records[index], hashes[index] in known)], []

    def _is_new(self, record: Record, is_known: bool) -> bool:
        mark = hash(_loose_key(record, self._rules.primary_key)) % _MARKS
        if is_known and not self._marks[mark >> 3] & 1 << (mark & 7):
            return False
        self._marks[mark >> 3] |= 1 << (mark & 7)
        return True


class _OneVersion:
    """For scd2: one version of a key in a load. dlt itself leaves out what has not changed, and must see it.

    A second record of a key is the same again, or contradicts the first: dlt would keep both as current.
    Memory: the key's and the content's hash of each record, about 150 bytes.
    """

    def __init__(self, rules: GateRules) -> None:
        self._key = rules.primary_key
        self._seen: dict[int, str] = {}

    def select(self, records: Sequence[Record], hashes: Sequence[str]) -> tuple[list[int], list[Rejected]]:
        chosen, doubtful = [], []
        for index, (record, digest) in enumerate(zip(records, hashes, strict=True)):
            first = self._seen.setdefault(hash(_loose_key(record, self._key)), digest)
            if first is digest:
                chosen.append(index)
            elif first != digest:
                doubtful.append(Rejected(record, (self._contradiction(),)))
        return chosen, doubtful

    def _contradiction(self) -> Reason:
        message = "another record of this load has the same key and other values"
        return Reason(json_path(self._key[:1]), "duplicate_key", message)


def _exact_key(record: Record, names: Sequence[str]) -> tuple[object, ...]:
    """Keys that are equal for certain: 1 and "1" may be two keys, and the database will tell."""
    values = [value_at(record, name) for name in names]
    return tuple((type(value).__name__, str(value)) for value in values)


def _loose_key(record: Record, names: Sequence[str]) -> tuple[str, ...]:
    """Keys that may be equal in the database: 1, 1.0 and "1"."""
    return tuple(_loose(value_at(record, name)) for name in names)


def _loose(value: object) -> str:
    is_whole = isinstance(value, (float, Decimal)) and value == int(value)
    return str(int(value)) if is_whole else str(value)  # type: ignore[call-overload]
