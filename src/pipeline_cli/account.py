"""The account of a load: extracted = loaded + quarantined + deduplicated, against what the destination holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline_cli.destinations.base import Connection, Warehouse, quote
from pipeline_cli.errors import LoadError
from pipeline_cli.intake import Intake


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
    with_rows = [intake for intake in intakes if intake.writer.written]
    if not with_rows:
        return
    connection = warehouse.connect()
    try:
        for intake in with_rows:
            _close(connection, dataset, intake, load_ids, row_counts)
    finally:
        connection.close()


def _close(
    connection: Connection,
    dataset: str,
    intake: Intake,
    load_ids: Sequence[str],
    row_counts: Mapping[str, int],
) -> None:
    result, written = intake.writer.result, intake.writer.written
    marks = ", ".join("?" * len(load_ids)) or "NULL"
    table = quote(dataset, result.table)
    ((loaded,),) = connection.query(
        f'SELECT count(*) FROM {table} WHERE "_dlt_load_id" IN ({marks})',
        list(load_ids),
    )
    result.loaded = int(loaded)
    if intake.rules.disposition in ("merge", "scd2"):
        result.deduplicated += written - result.loaded
    normalized = row_counts.get(result.table, 0)
    if normalized != written + intake.writer.kept or not result.balances or result.loaded > written:
        raise LoadError(
            f"{intake.rules.source}.{result.name}: the account does not close: {result.extracted} extracted, "
            f"{written} written, {normalized} normalized, {result.loaded} in {dataset}.{result.table}, "
            f"{result.quarantined} quarantined, {result.deduplicated} deduplicated.",
            code="E321",
            hint="This should never happen. Keep the log, and run again: the next run compares by key.",
        )
