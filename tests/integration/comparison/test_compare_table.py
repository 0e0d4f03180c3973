"""One table of two databases with values that each keeps in its own way, compared as plain Python compares the rows."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline_cli.comparison.sides import Side
from pipeline_cli.comparison.tables import compare_table
from pipeline_cli.destinations.base import Warehouse, literal
from pipeline_cli.destinations.duckdb import DuckDBWarehouse
from pipeline_cli.destinations.postgres import PostgresWarehouse
from pipeline_cli.destinations.postgres_url import parse_url
from pipeline_cli.lineage.catalog import read_catalog

TABLE = ("bronze_shop", "items")
TYPES = {
    "duckdb": (
        "VARCHAR",
        "BIGINT",
        "DECIMAL(18, 3)",
        "DOUBLE",
        "TIMESTAMPTZ",
        "DATE",
        "BOOLEAN",
        "JSON",
        "BLOB",
    ),
    "postgres": ("text", "int8", "numeric(18, 3)", "float8", "timestamptz", "date", "bool", "jsonb", "bytea"),
}
BY_LANGUAGE = "und-x-icu"  # a < B < Z, as bytes are not
COLUMNS = ("name", "number", "price", "ratio", "moment", "day", "paid", "extra", "raw")
Row = tuple[Any, ...]
MakeSide = Callable[[str, Sequence[Row]], Side]


def make_rows(rng: random.Random) -> dict[tuple[str, int], Row]:
    """Rows by their key: texts that languages sort otherwise than bytes, and values of every type."""
    names = ["a", "B", "Z", "ä", "é", "a b", "_", "", "\U0001f600", "\ufffd", "z'z"]
    at = datetime(2026, 1, 1, tzinfo=UTC)
    found: dict[tuple[str, int], Row] = {}
    for name in names:
        for number in rng.sample(range(-50, 50), 20):
            found[name, number] = (
                rng.choice([None, Decimal("1.500"), Decimal(number)]),
                rng.choice([0.1, 1e300, -0.0, math.inf, math.nan, float(number)]),
                at + timedelta(microseconds=rng.randrange(10**12)),
                date(1900, 1, 1) + timedelta(days=rng.randrange(60_000)),
                rng.choice([True, False, None]),
                rng.choice([None, {"b": 1.0, "a": [number, "x"]}, [], "5"]),
                bytes([number % 256, 0, 255]),
            )
    return found


def written(value: Any, kind: str) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"CAST(unhex('{value.hex()}') AS BLOB)" if kind == "BLOB" else f"'\\x{value.hex()}'::bytea"
    if kind.lower() in ("json", "jsonb"):
        return f"CAST({literal(json.dumps(value))} AS {kind})"
    return f"CAST({literal(str(value))} AS {kind.partition(' COLLATE')[0]})"


@pytest.fixture
def make_side(tmp_path: Path, postgres_database: Callable[..., str]) -> Iterator[MakeSide]:
    with ExitStack() as stack:
        made: list[Warehouse] = []

        def make(dialect: str, rows: Sequence[Row]) -> Side:
            warehouse: Warehouse = (
                DuckDBWarehouse("w", tmp_path / f"side_{len(made)}.duckdb", tmp_path)
                if dialect == "duckdb"
                else PostgresWarehouse("w", parse_url(postgres_database()), "shop")
            )
            made.append(warehouse)
            stack.callback(warehouse.release)
            connection = stack.enter_context(closing(warehouse.connect()))
            kinds = TYPES[dialect]
            if dialect == "postgres" and connection.query(
                f"SELECT 1 FROM pg_collation WHERE collname = '{BY_LANGUAGE}'"
            ):
                kinds = (f'text COLLATE "{BY_LANGUAGE}"', *kinds[1:])
            listed = ", ".join(f"{name} {kind}" for name, kind in zip(COLUMNS, kinds, strict=True))
            connection.execute("CREATE SCHEMA bronze_shop")
            connection.execute(f"CREATE TABLE bronze_shop.items ({listed})")
            values = ", ".join(
                f"({', '.join(written(value, kind) for value, kind in zip(row, kinds, strict=True))})"
                for row in rows
            )
            connection.execute(f"INSERT INTO bronze_shop.items VALUES {values}")
            tables = read_catalog(warehouse, ["bronze_shop"], counted=False).tables
            return Side(cast(Any, None), connection, dialect, None, tables, {}, {TABLE: ("name", "number")})

        yield make


PAIRS = pytest.mark.parametrize(
    ("here", "there"),
    [("duckdb", "duckdb"), ("duckdb", "postgres"), ("postgres", "postgres")],
    ids=["files", "file-and-server", "servers"],
)


@PAIRS
def test_what_differs_is_what_was_changed(make_side: MakeSide, here: str, there: str) -> None:
    rng = random.Random(8)
    rows = make_rows(rng)
    keys = sorted(rows)
    rng.shuffle(keys)
    gone, new, changed = keys[:5], keys[5:9], keys[9:16]
    ours = [(*key, *rest) for key, rest in rows.items() if key not in new]
    theirs = [
        (*key, rest[0], rest[1], rest[2] + timedelta(microseconds=key in changed), *rest[3:])
        for key, rest in rows.items()
        if key not in gone
    ]
    rng.shuffle(theirs)
    found = compare_table(make_side(here, ours), make_side(there, theirs), TABLE, "keys")
    assert (found.status, found.columns, found.keys is not None) == ("different", [], True)
    assert found.keys is not None
    assert (found.rows_here, found.rows_there) == (len(rows) - 4, len(rows) - 5)
    assert (found.keys.only_here, found.keys.only_there) == (5, 4)
    assert (found.keys.changed, found.keys.changed_columns) == (7, {"moment": 7})
    assert found.keys.same == len(rows) - 16
    by_bytes = sorted(changed, key=lambda key: (key[0].encode(), key[1]))
    assert found.keys.examples["changed"] == [f"{name}, {number}" for name, number in by_bytes]


@PAIRS
def test_the_same_rows_are_the_same_with_keys_that_come_twice_or_are_empty(
    make_side: MakeSide, here: str, there: str
) -> None:
    rest: Row = (Decimal("1.5"), 0.1, datetime(2026, 1, 1, tzinfo=UTC), None, None, {"a": 1}, b"\0")
    rows: list[Row] = [("a", 1, *rest), ("a", 1, *rest[:-1], b"1"), (None, None, *rest), ("b", None, *rest)]
    one, other = make_side(here, rows), make_side(there, rows[::-1])
    found = compare_table(one, other, TABLE, "keys")
    assert found.keys is not None
    assert (found.status, found.keys.same, found.keys.doubled_here) == ("same", 3, 1)
    # Without a key: as a whole, each row as often as it comes.
    no_key = [
        Side(cast(Any, None), each.connection, each.dialect, None, each.tables, {}, {})
        for each in (one, other)
    ]
    assert compare_table(no_key[0], no_key[1], TABLE, "keys").content_differs is False
    other.connection.execute("UPDATE bronze_shop.items SET price = 2 WHERE name = 'b'")
    assert compare_table(no_key[0], no_key[1], TABLE, "keys").content_differs is True
    assert compare_table(no_key[0], no_key[1], TABLE, "rows").status == "same"
    again = compare_table(one, other, TABLE, "keys").keys
    assert again is not None and again.examples == {"changed": ["b, NULL"]}
