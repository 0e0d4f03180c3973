"""The account of a load: extracted = loaded + quarantined + deduplicated, against what the destination holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pipeline_cli.destinations.base import Connection, Warehouse, quote
from pipeline_cli.document import CheckResult
from pipeline_cli.errors import LoadError
from pipeline_cli.gate.rules import Violation

if TYPE_CHECKING:
    from pipeline_cli.loading.intake import Intake


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
    finally:
        connection.close()


def _count(connection: Connection, dataset: str, table: str, load_ids: Sequence[str]) -> int:
    marks = ", ".join("?" * len(load_ids)) or "NULL"
    statement = f'SELECT count(*) FROM {quote(dataset, table)} WHERE "_dlt_load_id" IN ({marks})'
    ((count,),) = connection.query(statement, list(load_ids))
    return int(count)


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
            hint="This should never happen. Keep the log, and run again: the next run compares by key.",
        )
