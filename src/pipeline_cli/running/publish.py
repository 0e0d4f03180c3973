"""The ledger's runs, copied into the warehouse, so that SQL and dashboards can read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

from pipeline_cli.destinations.base import Connection, Warehouse, quote
from pipeline_cli.ledger import Ledger
from pipeline_cli.ledger.export import ExportedTable
from pipeline_cli.project import Project

SCHEMA = "pipeline_runs"
# A warehouse that has none yet is given the history, up to this many runs.
MOST_RUNS = 1_000
ROWS_A_STATEMENT = 500
TABLES = frozenset({"runs", "steps", "loads", "checks", "models"})


def publish(ledger: Ledger, warehouse: Warehouse, project: Project) -> None:
    """Copy the closed runs that the warehouse does not have to its schema `pipeline_runs`, by run_id.

    All in one transaction: a run is there whole or not at all. Raises what the warehouse raises.
    """
    there = {name for _, name in warehouse.relations([SCHEMA])}
    complete = there >= TABLES
    run_ids = ledger.unpublished(project.environment_name, again=not complete)[-MOST_RUNS:]
    if not run_ids:
        return
    tables = ledger.export(run_ids)
    with closing(warehouse.connect()) as connection, warehouse.writing(), connection.transaction():
        if not complete:
            _create(connection, tables)
        for table in tables:
            _replace_rows(connection, table, run_ids)
    ledger.mark_published(run_ids)


def _create(connection: Connection, tables: Sequence[ExportedTable]) -> None:
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(SCHEMA)}")
    for table in tables:
        columns = ", ".join(f"{quote(name)} {sql_type}" for name, sql_type in table.columns.items())
        connection.execute(f"CREATE TABLE IF NOT EXISTS {quote(SCHEMA, table.name)} ({columns})")


def _replace_rows(connection: Connection, table: ExportedTable, run_ids: Sequence[str]) -> None:
    name = quote(SCHEMA, table.name)
    marks = ", ".join("?" for _ in run_ids)
    connection.execute(f"DELETE FROM {name} WHERE run_id IN ({marks})", list(run_ids))
    columns = ", ".join(quote(column) for column in table.columns)
    row = ", ".join(f"CAST(? AS {sql_type})" for sql_type in table.columns.values())
    for rows in _batches(table.rows):
        values = ", ".join(f"({row})" for _ in rows)
        statement = f"INSERT INTO {name} ({columns}) VALUES {values}"
        connection.execute(statement, [value for entry in rows for value in entry])


def _batches(rows: Sequence[Sequence[object]]) -> Iterator[Sequence[Sequence[object]]]:
    for begin in range(0, len(rows), ROWS_A_STATEMENT):
        yield rows[begin : begin + ROWS_A_STATEMENT]
