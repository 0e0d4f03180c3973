"""The rows that are not certainly fine, judged one by one while the statement that read them runs.

DuckDB calls the sink for those rows alone (reading.py): a clean file never comes here, and of a bad one only what
is bad, or written in an uncommon way. The judge is the row path's own, so verdicts and reasons are the same.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline_cli.bulk.accepted import AcceptedRow
from pipeline_cli.bulk.spool import Spool
from pipeline_cli.contracts.json_values import plain_json
from pipeline_cli.contracts.judge import judge
from pipeline_cli.contracts.reasons import Reason, Rejected, json_path
from pipeline_cli.document import ResourceResult
from pipeline_cli.errors import ChecksFailed
from pipeline_cli.gate.rules import (
    GateRules,
    Violation,
    breaks_contract,
    frozen_rules,
    schema_is_frozen,
    too_many_rejected,
)
from pipeline_cli.sources.column_types import column_name
from pipeline_cli.sources.scan import Malformed, Scan, Suspect

# Their lines are looked for together, in one more reading of the file; those beyond are kept without a line.
LOCATED = 20_000
_SHOWN_VIOLATIONS = 20


@dataclass(slots=True)
class Tally:
    """What the rows of one resource came to, over all its scans. written: before duplicates of a key are dropped."""

    written: int = 0
    accepted: int = 0  # of those written, by the judge
    quarantined: int = 0
    warned: int = 0
    violations: list[Violation] = field(default_factory=list)
    misfits: Counter[str] = field(default_factory=Counter)  # rows by the column that a value did not fit

    @property
    def extracted(self) -> int:
        return self.written + self.quarantined

    def too_many(self, rules: GateRules) -> ChecksFailed:
        """The error of more rejected rows than max_rejected allows."""
        result = ResourceResult(rules.resource, rules.dataset, rules.table)
        result.quarantined, result.extracted = self.quarantined, self.extracted
        return too_many_rejected(rules, result, self.violations)


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A rejected row and where it stands."""

    rejected: Rejected
    file: str | None = None
    line: int | None = None
    raw: str | None = None


class Sink:
    """Takes the suspects of one scan. `accepted`: rows (by column name); `rejected()`: the others."""

    def __init__(self, rules: GateRules, scan: Scan, tally: Tally, folder: Path) -> None:
        self._rules = rules
        self._scan = scan
        self._names = [column.source for column in scan.columns]
        self._tally = tally
        self._lock = threading.Lock()
        self._frozen = frozen_rules(rules.drift)
        keys = [column_name(name) for name in (*rules.primary_key, (rules.cursor or "").removeprefix("$."))]
        self._keys = keys if rules.drift.data_type == "evolve" else None
        self._located: list[tuple[Suspect, Rejected]] = []
        self._more = Spool(folder / "rejected")
        self.accepted = Spool(folder / "accepted")
        self.variants: dict[str, None] = {}  # columns with a value that is kept as a text in another
        self.taken = 0  # rows that came here; each is accepted or rejected
        self.rejected_count = 0
        self.given: int | None = scan.row_count  # rows, as the source counts them; None where it does not
        self.error: Exception | None = None

    @property
    def function(self) -> tuple[Callable[..., Any], str]:
        """What the statement calls, and the kind of function that it is to DuckDB.

        It takes (file, line, position, row) and gives false: the statement writes none of its rows. Texts come one by
        one: an array has to go back through Arrow's scanner, which waits for ever for a thread that a machine without
        memory does not give. Values of other kinds come in arrays, which hold them exactly (infinity, nanoseconds).
        """
        is_typed = any(column.encoding == "typed" for column in self._scan.columns)
        return (self._take_batch, "arrow") if is_typed else (self._take_row, "native")

    def _take_batch(self, files: Any, lines: Any, positions: Any, rows: Any) -> Any:
        import pyarrow

        self._take(files.to_pylist(), lines.to_pylist(), positions.to_pylist(), _to_rows(rows))
        return pyarrow.array([False] * len(rows))

    def _take_row(self, file: str | None, line: str | None, position: int, row: Mapping[str, Any]) -> bool:
        self._take((file,), (line,), (position,), (tuple(row.values()),))
        return False

    def count_given(self, tell: Callable[[int], None]) -> Callable[[int], None]:
        """What counts the rows that the source hands out, and tells of them."""
        self.given = 0

        def count(rows: int) -> None:
            self.given = (self.given or 0) + rows
            tell(rows)

        return count

    def _take(
        self,
        files: Sequence[str | None],
        lines: Sequence[str | None],
        positions: Sequence[int],
        rows: Sequence[Sequence[Any]],
    ) -> None:
        try:
            with self._lock:
                for file, line, position, row in zip(files, lines, positions, rows, strict=True):
                    suspect = Suspect(dict(zip(self._names, row, strict=True)), file, line)
                    if (fine := self._judge(suspect)) is not None:
                        raw = plain_json(suspect.values) if line is None else line
                        self.accepted.add([AcceptedRow(fine, file, raw, position)])
                    self.taken += 1
        except Exception as error:
            self.error = self.error or error  # DuckDB would give it back as a text
            raise

    def _judge(self, suspect: Suspect) -> Mapping[str, Any] | None:
        """The row to write, or None for one that is kept as rejected."""
        verdict = judge(self._rules.contract, self._scan.columns, suspect.values, self._keys)
        self._tally.misfits.update(verdict.misfits)
        if self._frozen and (frozen := [each for each in verdict.inexact if each.rule in self._frozen]):
            raise schema_is_frozen(self._rules, frozen[0], _standing(suspect))
        broken = verdict.broken
        if broken and self._rules.on_violation == "fail":
            raise breaks_contract(self._rules, broken[0], _standing(suspect))
        if broken and self._rules.on_violation == "warn":
            self._tell(verdict.record, broken)
            self._tally.warned += 1
            broken = ()
        reasons = broken + self._key_reasons(verdict.record)
        reasons = reasons or verdict.inexact
        if not reasons:
            if self._keys is not None:
                self.variants.update(dict.fromkeys(verdict.misfits))
            return verdict.row
        is_text = all(column.encoding == "text" for column in self._scan.columns)
        received = {name: value for name, value in suspect.values.items() if value is not None}
        self._reject(suspect, Rejected(received if is_text else verdict.record, reasons))
        return None

    def _key_reasons(self, record: Mapping[str, Any]) -> tuple[Reason, ...]:
        keys = {column_name(name) for name in self._rules.primary_key}
        empty = [
            column.source
            for column in self._scan.columns
            if column.name in keys and record.get(column.source) is None
        ]
        return tuple(Reason(json_path((name,)), "primary_key", "the key has no value") for name in empty)

    def _reject(self, suspect: Suspect, rejected: Rejected) -> None:
        self._tell(rejected.record, rejected.reasons)
        self._count()
        self.rejected_count += 1
        if len(self._located) < LOCATED and self._scan.locate is not None:
            self._located.append((suspect, rejected))
        else:
            self._more.add([RejectedRow(rejected, suspect.file, None, suspect.raw)])

    def _count(self) -> None:
        self._tally.quarantined += 1
        limit = self._rules.max_rejected
        if limit and limit.count is not None and self._tally.quarantined > limit.count:
            raise self._tally.too_many(self._rules)

    def _tell(self, record: Mapping[str, Any], reasons: tuple[Reason, ...]) -> None:
        if len(self._tally.violations) < _SHOWN_VIOLATIONS:
            self._tally.violations.append(
                Violation(self._rules.resource, reasons, plain_json(record)[:2_000])
            )

    def add_malformed(self, lines: Sequence[Malformed]) -> None:
        """Lines that the reader left out: they count as extracted and rejected."""
        for each in lines:
            reason = Reason("$", each.rule, each.message)
            rejected = Rejected({"raw": each.raw}, (reason,))
            self._tell(rejected.record, rejected.reasons)
            self._count()
            self._more.add([RejectedRow(rejected, each.file, each.line, each.raw)])

    @property
    def has_rejected(self) -> bool:
        return bool(self._located or self._more.count)

    def rejected(self) -> Iterator[list[RejectedRow]]:
        """Everything rejected, in batches, with the lines that could be found."""
        if self._located:
            assert self._scan.locate is not None
            found = self._scan.locate([suspect for suspect, _ in self._located])
            yield [
                RejectedRow(
                    rejected, suspect.file, place.line if place else None, place.raw if place else suspect.raw
                )
                for (suspect, rejected), place in zip(self._located, found, strict=True)
            ]
        yield from self._more.batches()


def _standing(suspect: Suspect) -> str:
    """' of contacts.csv', for a message; nothing where there is no file."""
    return f" of {suspect.file}" if suspect.file else ""


def _to_rows(rows: Any) -> list[tuple[Any, ...]]:
    """The values of each row; a column that Python has no values for (a time in the year 300000) as texts."""
    return list(zip(*(_to_values(field) for field in rows.flatten()), strict=True))


def _to_values(column: Any) -> list[Any]:
    import pyarrow

    try:
        return list(column.to_pylist())
    except (OverflowError, ValueError):
        return list(column.cast(pyarrow.string()).to_pylist())
