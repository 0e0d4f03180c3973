"""Which load of a dataset is under way, noted in the destination while dlt commits its jobs one by one.

The package on this machine tells what a load that died is to have. On another machine, or where the working folder is
gone, the note alone tells that rows of it may stand there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from pipeline_cli.destinations.base import Connection, Warehouse, literal, quote

SCHEMA, TABLE = "pipeline_runs", "open_loads"
_NOTED_BY = ("duckdb", "postgres")  # a statement of BigQuery takes a second, and there are no fences
_TABLE = quote(SCHEMA, TABLE)


@contextmanager
def noted(warehouse: Warehouse, dataset: str, load_ids: Sequence[str]) -> Iterator[None]:
    """Note that the oldest of these packages is being loaded; an error leaves the note, as a crash does."""
    if warehouse.type not in _NOTED_BY or not load_ids:
        yield
        return
    is_new = not knows_open_loads(warehouse)
    with closing(warehouse.connect()) as connection, connection.transaction():
        if is_new:
            _make_table(connection, warehouse)
        forget_open_load(connection, dataset)
        values = f"{literal(dataset)}, {literal(min(load_ids, key=float))}"
        connection.execute(f"INSERT INTO {_TABLE} VALUES ({values})")
    yield
    with closing(warehouse.connect()) as connection, connection.transaction():
        forget_open_load(connection, dataset)


def _make_table(connection: Connection, warehouse: Warehouse) -> None:
    if warehouse.type == "postgres":  # IF NOT EXISTS fails where another session makes it in this moment
        connection.query(f"SELECT pg_advisory_xact_lock(hashtext({literal(f'{SCHEMA}.{TABLE}')}))")
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(SCHEMA)}")
    connection.execute(f"CREATE TABLE IF NOT EXISTS {_TABLE} (dataset text, load_id text)")


def knows_open_loads(warehouse: Warehouse) -> bool:
    """Whether loads into this destination are noted: not yet where none was."""
    return warehouse.type in _NOTED_BY and (SCHEMA, TABLE) in set(warehouse.relations([SCHEMA]))


def find_open_load(connection: Connection, dataset: str) -> str | None:
    """The id of the load that was begun and has not ended; None where all have. The table has to be there."""
    found = connection.query(f"SELECT load_id FROM {_TABLE} WHERE dataset = {literal(dataset)}")
    return str(found[0][0]) if found else None


def forget_open_load(connection: Connection, dataset: str) -> None:
    """The load has ended, or its rows are taken back in this transaction. The table has to be there."""
    connection.execute(f"DELETE FROM {_TABLE} WHERE dataset = {literal(dataset)}")
