"""Those that load the files: pipeline-cli, the database by itself, dlt by hand, sling and ingestr.

Each works on a folder or database of its own, made before and taken away after, outside the time; and each is
held to the number of rows that it should have loaded.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from benchmarks.files import COLUMNS, METADATA, NAMES
from benchmarks.measure import Command, Contender, MeasuringError
from benchmarks.peers import Peer, ingestr_command, sling_command
from benchmarks.projects import POSTGRES_URL, Orders, make_orders_project, run_command_of
from benchmarks.workshop import Workshop

BY_HAND = Path(__file__).parent / "by_hand"
OURS = "pipeline-cli"
OUR_TABLE = "bronze_files.orders"


def script(name: str, *arguments: str | Path) -> list[str]:
    return [sys.executable, str(BY_HAND / name), *map(str, arguments)]


def ours(shop: Workshop, destination: str, rows: int, orders: Orders, name: str = OURS) -> Contender:
    """`pipeline-cli run` in a new project with one new file."""

    def prepare(number: int) -> Command:
        folder = shop.new_folder("ours")
        inbox = make_orders_project(folder, destination, orders)
        os.link(shop.orders(rows), inbox / "orders.csv")
        database, url = shop.new_database() if destination == "postgres" else ("", "")
        warehouse = url or folder / ".pipeline/dev/warehouse.duckdb"

        def after() -> None:
            expect_rows(warehouse, OUR_TABLE, rows)
            clean(shop, folder, database)

        return Command(run_command_of(), folder, shop.env(**{POSTGRES_URL: url}), after)

    return Contender(name, prepare)


def create_table_as(shop: Workshop, rows: int) -> Contender:
    """DuckDB alone, with the types and the metadata columns given."""

    def prepare(number: int) -> Command:
        folder = shop.new_folder("ctas")
        warehouse = folder / "warehouse.duckdb"
        types = ", ".join(f"'{name}': '{kind}'" for name, kind, _, _ in COLUMNS)
        metadata = ", ".join(f"'{value}'::{kind} AS {name}" for name, kind, _, value in METADATA)
        read = f"read_csv('{shop.orders(rows)}', header = true, columns = {{{types}}})"
        statement = f"CREATE TABLE {OUR_TABLE} AS SELECT *, {metadata} FROM {read}"

        def after() -> None:
            expect_rows(warehouse, OUR_TABLE, rows)
            clean(shop, folder)

        return Command(
            script("duckdb_sql.py", warehouse, "CREATE SCHEMA bronze_files", statement),
            folder,
            shop.env(),
            after,
        )

    return Contender("CREATE TABLE AS", prepare)


def copy_from(shop: Workshop, rows: int, *, metadata: bool = True) -> Contender:
    """One COPY FROM of the file; the metadata columns, where there are any, by their defaults."""

    def prepare(number: int) -> Command:
        folder = shop.new_folder("copy")
        database, url = shop.new_database()
        columns = [f"{name} {kind}" for name, _, kind, _ in COLUMNS]
        columns += [f"{name} {kind} DEFAULT '{value}'" for name, _, kind, value in METADATA if metadata]
        create = f"CREATE SCHEMA bronze_files; CREATE TABLE {OUR_TABLE} ({', '.join(columns)})"
        copy = f"COPY {OUR_TABLE} ({', '.join(NAMES)}) FROM STDIN (FORMAT csv, HEADER)"

        def after() -> None:
            expect_rows(url, OUR_TABLE, rows)
            clean(shop, folder, database)

        argv = script("copy_from.py", url, shop.orders(rows), create, copy)
        return Command(argv, folder, shop.env(), after)

    return Contender("COPY FROM" if metadata else "COPY FROM, 12 columns only", prepare)


def by_dlt(shop: Workshop, destination: str, rows: int) -> Contender:
    def argv(source: Path, target: str) -> list[str]:
        return script("dlt_file.py", source, destination, target.removeprefix("duckdb://"))

    return _other(shop, destination, rows, Peer("dlt by hand", Path(sys.executable), {}), OUR_TABLE, argv)


def by_sling(shop: Workshop, destination: str, rows: int, peer: Peer) -> Contender:
    return _other(
        shop, destination, rows, peer, "orders", lambda source, target: sling_command(peer, source, target)
    )


def by_ingestr(shop: Workshop, destination: str, rows: int, peer: Peer) -> Contender:
    def argv(source: Path, target: str) -> list[str]:
        return ingestr_command(peer, source, target.replace("duckdb://", "duckdb:///"))

    return _other(shop, destination, rows, peer, "orders", argv)


def _other(
    shop: Workshop,
    destination: str,
    rows: int,
    peer: Peer,
    table: str,
    argv: Callable[[Path, str], list[str]],
) -> Contender:
    """A program that is given the file and the address of an empty DuckDB file or database."""

    def prepare(number: int) -> Command:
        folder = shop.new_folder(peer.title.split()[0])
        database, url = shop.new_database() if destination == "postgres" else ("", "")
        warehouse = folder / "warehouse.duckdb"
        target = url or f"duckdb://{warehouse}"

        def after() -> None:
            expect_rows(url or warehouse, table, rows)
            clean(shop, folder, database)

        return Command(argv(shop.orders(rows), target), folder, shop.env(**peer.env), after)

    return Contender(peer.title, prepare, shop.peer_rounds)


def clean(shop: Workshop, folder: Path, database: str = "") -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if database:
        shop.server.drop_database(database)


def expect_rows(warehouse: str | Path, table: str, rows: int) -> None:
    """Raises MeasuringError where the table has another number of rows."""
    count = f"SELECT count(*) FROM {table}"
    if isinstance(warehouse, Path):
        import duckdb

        with duckdb.connect(str(warehouse), read_only=True) as connection:
            found = connection.execute(count).fetchone()
    else:
        import psycopg2

        with closing(psycopg2.connect(warehouse)) as connection, connection.cursor() as cursor:
            cursor.execute(count)
            found = cursor.fetchone()
    if found != (rows,):
        raise MeasuringError(f"{table} in {warehouse} has {found} rows, not {rows:,}")
