"""The account of a load: extracted = loaded + quarantined + deduplicated, against what the destination holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pipeline_cli.destinations.base import Connection, Warehouse, quote
from pipeline_cli.document import CheckResult
from pipeline_cli.errors import LoadError
from pipeline_cli.gate.rejects import QUARANTINE_TABLE
from pipeline_cli.gate.rules import GateRules, Violation
from pipeline_cli.sources.column_types import column_name

if TYPE_CHECKING:
    from pipeline_cli.loading.intake import Intake

_HINT = "This should never happen. Keep the log, and run again: the next run compares by key."


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


def count_loaded(
    warehouse: Warehouse,
    dataset: str,
    intakes: Sequence[Intake],
    load_ids: Sequence[str],
    row_counts: Mapping[str, int],
) -> None:
    """Fill in each resource's `loaded`, counted in the destination, and close its account.

    row_counts: rows a table that dlt normalized. Rows of a merge that are not there as this load's were
    superseded by a later version of the same key in the same load, or (scd2) had not changed.
    Raises LoadError when the account does not close.
    """
    by_table: dict[str, list[Intake]] = {}
    for intake in intakes:
        by_table.setdefault(intake.rules.table, []).append(intake)
    connection = warehouse.connect()
    try:
        for table, group in by_table.items():
            if any(intake.writer.written for intake in group):
                loaded = _count(connection, dataset, table, load_ids)
                _close(dataset, table, group, loaded, row_counts)
                if loaded < sum(intake.writer.written for intake in group):
                    _require_superseded(connection, dataset, table, group[0].rules, load_ids)
        _require_rejects(connection, dataset, load_ids, row_counts)
    finally:
        connection.close()


def _count(connection: Connection, dataset: str, table: str, load_ids: Sequence[str]) -> int:
    marks = ", ".join("?" * len(load_ids)) or "NULL"
    statement = f'SELECT count(*) FROM {quote(dataset, table)} WHERE "_dlt_load_id" IN ({marks})'
    ((count,),) = connection.query(statement, list(load_ids))
    return int(count)


def _require_superseded(
    connection: Connection, dataset: str, table: str, rules: GateRules, load_ids: Sequence[str]
) -> None:
    """Of what a merge was given, every key must be there as this load's, or (scd2) every version.

    dlt leaves what it merged in its staging table, until the next load. Raises LoadError where a row is neither.
    """
    if not rules.replaces_by_key or not rules.primary_key:
        return
    # A version that has not changed is an earlier load's; a key is this load's, or a row of it is lost.
    versions = rules.disposition == "scd2"
    columns = ["_dlt_id"] if versions else [column_name(name) for name in rules.primary_key]
    same = " AND ".join(f"there.{quote(name)} = staged.{quote(name)}" for name in columns)
    marks = ", ".join("?" * len(load_ids))
    this_load = "" if versions else f" AND there._dlt_load_id IN ({marks})"
    statement = (
        f"SELECT count(*) FROM {quote(f'{dataset}_staging', table)} AS staged"
        f" WHERE staged._dlt_load_id IN ({marks}) AND NOT EXISTS"
        f" (SELECT 1 FROM {quote(dataset, table)} AS there WHERE {same}{this_load})"
    )
    ((lost,),) = connection.query(statement, [*load_ids, *([] if versions else load_ids)])
    if lost:
        raise LoadError(
            f"{rules.source}.{rules.resource}: the account does not close: {lost} rows that were merged are not in"
            f" {dataset}.{table}.",
            code="E321",
            hint=_HINT,
        )


def _require_rejects(
    connection: Connection, dataset: str, load_ids: Sequence[str], row_counts: Mapping[str, int]
) -> None:
    """The rejected records of this load stand in quarantine. Raises LoadError where they do not."""
    written = row_counts.get(QUARANTINE_TABLE, 0)
    if written and (held := _count(connection, dataset, QUARANTINE_TABLE, load_ids)) != written:
        raise LoadError(
            f"{dataset}: the account does not close: {written} records were rejected, quarantine holds {held}.",
            code="E321",
            hint=_HINT,
        )


def _close(
    dataset: str, table: str, group: Sequence[Intake], loaded: int, row_counts: Mapping[str, int]
) -> None:
    """The account of one table, nearly always of one resource; of several, the first bear what was superseded."""
    written = sum(intake.writer.written for intake in group)
    kept = sum(intake.writer.kept for intake in group)
    normalized = row_counts.get(table, 0)
    missing = written - loaded
    for intake in group:
        result = intake.writer.result
        superseded = min(missing, intake.writer.written)
        missing -= superseded
        result.loaded = intake.writer.written - superseded
        if intake.rules.disposition in ("merge", "scd2"):
            result.deduplicated += superseded
            result.repeated += superseded
    if normalized != written + kept or missing or not all(each.writer.result.balances for each in group):
        names = ", ".join(f"{intake.rules.source}.{intake.rules.resource}" for intake in group)
        raise LoadError(
            f"{names}: the account does not close: {written} rows written, {normalized - kept} normalized, "
            f"{loaded} in {dataset}.{table}.",
            code="E321",
            hint=_HINT,
        )
