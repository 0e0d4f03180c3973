"""The account of a load: extracted = loaded + quarantined + deduplicated, against what the destination holds.

It is closed before dlt writes the load's own row: with a load that loses a row, no cursor moves. What it is closed
against stands in the load package, so that the run which finishes a package that another left closes it, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline_cli.destinations.base import Connection, quote
from pipeline_cli.document import CheckResult
from pipeline_cli.errors import LoadError
from pipeline_cli.gate.rejects import QUARANTINE_TABLE
from pipeline_cli.gate.rules import Violation
from pipeline_cli.loading.pipeline import tables_below
from pipeline_cli.sources.column_types import column_name

if TYPE_CHECKING:
    from dlt.common.schema import Schema

    from pipeline_cli.loading.intake import Intake

_FILE = "account.json"
_MERGED = ("merge", "scd2")


class AccountError(LoadError):
    """The destination does not hold what it was given."""

    def __init__(self, name: str, difference: str) -> None:
        super().__init__(
            f"{name}: the account does not close: {difference}",
            code="E321",
            hint="Nothing of this source counts as loaded; the next run reads it again. This should never happen: "
            "look for triggers and policies on the table, keep the log.",
        )


@dataclass(frozen=True, slots=True)
class TableAccount:
    """What one load gave to a table, as the gate and dlt's normalizer counted it.

    keys: columns of which the load's last row must be there; none where it replaces more than keys.
    written: rows. kept: rows that only keep dlt from ending a version. normalized: rows in dlt's files.
    children: rows in dlt's files by child table.
    """

    name: str
    resources: str
    disposition: str
    keys: Sequence[str]
    extracted: int
    quarantined: int
    deduplicated: int
    written: int
    kept: int
    normalized: int
    children: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LoadAccount:
    """What one load gave to a dataset. rejected: rows of its quarantine."""

    dataset: str
    tables: Sequence[TableAccount]
    rejected: int

    @classmethod
    def of(
        cls, dataset: str, intakes: Sequence[Intake], row_counts: Mapping[str, int], schema: Schema
    ) -> LoadAccount:
        """row_counts: rows a table that dlt normalized."""
        groups = _by_table(intakes).items()
        tables = [_table_account(name, group, row_counts, schema) for name, group in groups]
        return cls(dataset, tables, row_counts.get(QUARANTINE_TABLE, 0))

    def write(self, package: Path) -> None:
        """Leave it in the folder of the load package that it is about."""
        (package / _FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, package: Path) -> LoadAccount | None:
        """None where the run that extracted the package died before it was counted."""
        file = package / _FILE
        if not file.is_file():
            return None
        stored = json.loads(file.read_text(encoding="utf-8"))
        tables = [TableAccount(**each) for each in stored["tables"]]
        return cls(stored["dataset"], tables, stored["rejected"])

    def close(self, connection: Connection, load_id: str) -> dict[str, int]:
        """The rows of each table that the destination holds as this load's. Raises AccountError."""
        held = {}
        for table in self.tables:
            _require_balance(table)
            if table.written:
                held[table.name] = _close_table(_Held(connection, self.dataset, load_id), table)
        if self.rejected:
            _close_rejects(_Held(connection, self.dataset, load_id), self.rejected)
        return held


def warn_of_contracts(warned: Mapping[str, int], violations: Sequence[Violation]) -> list[CheckResult]:
    """For each resource with `on_violation: warn`: how many records were loaded that break its contract."""
    first = {each.resource: each.reasons[0] for each in reversed(violations)}
    return [
        CheckResult(
            f"contract:{name}",
            "warned",
            "warning",
            count,
            f"{first[name].path}: {first[name].message}" if name in first else None,
        )
        for name, count in warned.items()
    ]


def fill_in_loaded(intakes: Sequence[Intake], held: Mapping[str, int]) -> None:
    """Each resource's `loaded`, from what the destination holds.

    Rows of a merge that are not there as this load's were superseded by a later version of the same key in the same
    load, or (scd2) had not changed. Of several resources of one table the first bear them.
    """
    for table, group in _by_table(intakes).items():
        missing = sum(intake.writer.written for intake in group) - held.get(table, 0)
        for intake in group:
            superseded = min(missing, intake.writer.written)
            missing -= superseded
            result = intake.writer.result
            result.loaded = intake.writer.written - superseded
            result.deduplicated += superseded
            result.repeated += superseded


def _by_table(intakes: Sequence[Intake]) -> dict[str, list[Intake]]:
    found: dict[str, list[Intake]] = {}
    for intake in intakes:
        found.setdefault(intake.rules.table, []).append(intake)
    return found


def _table_account(
    name: str, group: Sequence[Intake], row_counts: Mapping[str, int], schema: Schema
) -> TableAccount:
    results = [intake.writer.result for intake in group]
    rules = group[0].rules
    return TableAccount(
        name,
        ", ".join(f"{intake.rules.source}.{intake.rules.resource}" for intake in group),
        rules.disposition,
        [column_name(key) for key in rules.primary_key] if rules.replaces_by_key else [],
        sum(result.extracted for result in results),
        sum(result.quarantined for result in results),
        sum(result.deduplicated for result in results),
        sum(intake.writer.written for intake in group),
        sum(intake.writer.kept for intake in group),
        row_counts.get(name, 0),
        dict(_children(name, row_counts, schema)),
    )


def _children(root: str, row_counts: Mapping[str, int], schema: Schema) -> Iterator[tuple[str, int]]:
    for name in tables_below(schema, root)[1:] if root in schema.tables else ():
        if row_counts.get(name) and "_dlt_root_id" in schema.tables[name]["columns"]:
            yield name, row_counts[name]


@dataclass(frozen=True, slots=True)
class _Held:
    """Counts rows of one load in the destination."""

    connection: Connection
    dataset: str
    load_id: str

    def rows(self, table: str) -> int:
        return self._count(f'{quote(self.dataset, table)} WHERE "_dlt_load_id" = ?', self.load_id)

    def below(self, child: str, root: str, *, staged: bool = False) -> int:
        """Rows of a child table whose root is in the table as this load's; staged: of those in dlt's staging table."""
        there = f'SELECT "_dlt_id" FROM {quote(self.dataset, root)} WHERE "_dlt_load_id" = ?'
        return self._count(f'{self._place(child, staged)} WHERE "_dlt_root_id" IN ({there})', self.load_id)

    def staged(self, table: str) -> int:
        return self._count(self._place(table, staged=True))

    def lost(self, table: TableAccount) -> int:
        """Of what a merge was given, the rows whose key is not there as this load's, or (scd2) whose version is not.

        dlt leaves what it merged in its staging table, until the next load.
        """
        # A version that has not changed is an earlier load's; a key is this load's, or a row of it is lost.
        versions = table.disposition == "scd2"
        columns = ["_dlt_id"] if versions else table.keys
        same = " AND ".join(f"there.{quote(name)} = staged.{quote(name)}" for name in columns)
        this_load = "" if versions else " AND there._dlt_load_id = ?"
        return self._count(
            f"{self._place(table.name, staged=True)} AS staged WHERE staged._dlt_load_id = ? AND NOT EXISTS"
            f" (SELECT 1 FROM {quote(self.dataset, table.name)} AS there WHERE {same}{this_load})",
            *([self.load_id] if versions else [self.load_id, self.load_id]),
        )

    def _place(self, table: str, staged: bool) -> str:
        return quote(f"{self.dataset}_staging" if staged else self.dataset, table)

    def _count(self, where: str, *parameters: str) -> int:
        ((count,),) = self.connection.query(f"SELECT count(*) FROM {where}", list(parameters))
        return int(count)


def _require_balance(table: TableAccount) -> None:
    if table.extracted != table.written + table.quarantined + table.deduplicated:
        raise AccountError(
            table.resources,
            f"{table.extracted} records extracted, but {table.written} written + {table.quarantined} quarantined +"
            f" {table.deduplicated} deduplicated.",
        )


def _close_table(held: _Held, table: TableAccount) -> int:
    """The rows of the table that are this load's. Raises AccountError."""
    place = f"{held.dataset}.{table.name}"
    loaded = held.rows(table.name)
    is_merged = table.disposition in _MERGED
    is_short = loaded < table.written if not is_merged else False
    if table.normalized != table.written + table.kept or loaded > table.written or is_short:
        raise AccountError(
            table.resources,
            f"{table.written} rows written, {table.normalized - table.kept} normalized, {loaded} in {place}.",
        )
    if is_merged and loaded < table.written and table.keys and (lost := held.lost(table)):
        raise AccountError(table.resources, f"{lost} rows that were merged are not in {place}.")
    for child, given in table.children.items():
        _close_child(held, table, child, given)
    return loaded


def _close_child(held: _Held, table: TableAccount, child: str, given: int) -> None:
    """Rows of nested lists: all that were given or, of a merge, those of the rows that it took."""
    wanted = given
    if table.disposition in _MERGED:
        if (staged := held.staged(child)) != given:
            raise AccountError(table.resources, f"{given} rows for {child}, {staged} in its staging table.")
        wanted = held.below(child, table.name, staged=True)
    if (found := held.below(child, table.name)) != wanted:
        raise AccountError(table.resources, f"{wanted} rows for {child}, {found} in {held.dataset}.{child}.")


def _close_rejects(held: _Held, rejected: int) -> None:
    if (found := held.rows(QUARANTINE_TABLE)) != rejected:
        raise AccountError(held.dataset, f"{rejected} records were rejected, quarantine holds {found}.")
