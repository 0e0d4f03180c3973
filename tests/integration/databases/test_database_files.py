"""SQLite and DuckDB files as sources."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import duckdb
import pytest

from pipeline_cli.errors import SourceError
from pipeline_cli.manifest.databases import DatabaseResource
from tests.integration.databases.world import account, make_world


def sqlite(root: Path, script: str) -> None:
    connection = sqlite3.connect(root / "shop.db")
    connection.executescript(script)
    connection.close()


def test_clean_sqlite_columns_have_their_declared_types(tmp_path: Path) -> None:
    sqlite(
        tmp_path,
        "CREATE TABLE items (id INTEGER PRIMARY KEY, name VARCHAR(20), price DECIMAL(10,2), ratio REAL, paid BOOLEAN,"
        " at DATETIME, day DATE, doc JSON, raw BLOB, epoch TIMESTAMP, anything, loose NUMERIC);"
        "INSERT INTO items VALUES (9007199254740993, 'a', 12.34, 0.1, 1, '2024-01-01 10:00:00', '2024-01-02',"
        " '{\"a\":1}', x'00ff', 1700000000, 'x', 0.1);"
        "INSERT INTO items (id, price) VALUES (2, 7);",
    )
    world = make_world(tmp_path, "sqlite:///shop.db")
    assert account(world.ingest(items=DatabaseResource())) == (2, 2, 0, 0)
    assert world.types() == {
        "id": "BIGINT", "name": "VARCHAR", "price": "DECIMAL(10,2)", "ratio": "DOUBLE", "paid": "BOOLEAN",
        "at": "TIMESTAMP WITH TIME ZONE", "day": "DATE", "doc": "JSON", "raw": "BLOB", "epoch": "BIGINT",
        "anything": "VARCHAR", "loose": "DOUBLE",
    }  # fmt: skip
    (row,) = world.query(
        'SELECT id, name, price::text, ratio, paid, "at"::text, day::text, doc, raw, epoch, anything, loose'
        " FROM bronze_shop.items WHERE name = 'a'"
    )
    assert row == (
        9007199254740993, "a", "12.34", 0.1, True, "2024-01-01 10:00:00+00", "2024-01-02", '{"a":1}', b"\x00\xff",
        1700000000, "x", 0.1,
    )  # fmt: skip


def test_a_text_in_an_integer_column_is_kept_as_it_is(tmp_path: Path) -> None:
    sqlite(
        tmp_path,
        "CREATE TABLE items (id INTEGER, n INTEGER);"
        "INSERT INTO items VALUES (1, 5), (2, 'five'), (3, 2.5), (4, NULL), (5, x'ff'), (6, 9223372036854775807);",
    )
    world = make_world(tmp_path, "sqlite:///shop.db")
    assert account(world.ingest(items=DatabaseResource())) == (6, 3, 3, 0)
    assert world.rows("id, n") == [(1, 5), (4, None), (6, 9223372036854775807)]
    records = "".join(record for record, _ in world.quarantined())
    assert "five" in records and "2.5" in records and "ff" in records


def test_a_sqlite_query_is_typed_by_all_of_its_rows(tmp_path: Path) -> None:
    sqlite(tmp_path, "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2), (3)")
    world = make_world(tmp_path, "sqlite:///shop.db")
    query = "SELECT a, a / 2.0 AS half, CASE a WHEN 3 THEN 'x' END AS late, NULL AS none FROM t"
    assert account(world.ingest(items=DatabaseResource(query=query))) == (3, 3, 0, 0)
    assert world.types() == {"a": "BIGINT", "half": "DOUBLE", "late": "VARCHAR", "none": "VARCHAR"}
    assert world.rows("a, half, late") == [(1, 0.5, None), (2, 1.0, None), (3, 1.5, "x")]


def test_every_duckdb_type_arrives_exactly(tmp_path: Path) -> None:
    connection = duckdb.connect(str(tmp_path / "shop.duckdb"))
    connection.execute(
        "CREATE TABLE items AS SELECT 1::TINYINT AS tiny, 18446744073709551615::UBIGINT AS big,"
        " 12345678901234567890123456789::HUGEINT AS huge, 0.1 AS exact, 0.1::DOUBLE AS ratio,"
        " DATE '2024-02-29' AS day,"
        " TIMESTAMP '2024-01-01 12:00:00.123456' AS at, TIMESTAMPTZ '2024-01-01 12:00:00+02' AS zoned,"
        " {'a': [1, 2]} AS doc,"
        " [1, 2] AS list, '00000000-0000-0000-0000-000000000001'::UUID AS key, 'ab'::BLOB AS raw,"
        " TIME '10:00' AS clock,"
        " 'x' AS name, true AS flag, INTERVAL 1 DAY AS span"
    )
    connection.close()
    world = make_world(tmp_path, "duckdb:///shop.duckdb")
    assert account(world.ingest(items=DatabaseResource())) == (1, 1, 0, 0)
    (row,) = world.query(
        'SELECT tiny, big::text, huge::text, exact::text, ratio, day::text, "at"::text, zoned::text, doc, list, key,'
        " raw, clock::text, name, flag, span FROM bronze_shop.items"
    )
    assert row == (
        1, "18446744073709551615", "12345678901234567890123456789", "0.1", 0.1, "2024-02-29",
        "2024-01-01 12:00:00.123456+00", "2024-01-01 10:00:00+00", '{"a":[1,2]}', "[1,2]",
        "00000000-0000-0000-0000-000000000001", b"ab", "10:00:00", "x", True, "1 day",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("credentials", "content", "code"),
    [
        ("sqlite:///nowhere.db", None, "E373"),
        ("sqlite:///../shop.db", None, "E370"),
        ("sqlite:///shop.db", b"no database at all, but long enough to look at" * 50, "E373"),
        ("duckdb:///shop.db", b"no database at all, but long enough to look at" * 500, "E373"),
        ("sqlite:///shop.db", b"", "E374"),
    ],
)
def test_a_file_that_is_no_database_is_told(
    tmp_path: Path, credentials: str, content: bytes | None, code: str
) -> None:
    if content is not None:
        (tmp_path / "shop.db").write_bytes(content)
    with pytest.raises(SourceError) as caught:
        make_world(tmp_path, credentials).ingest(items=DatabaseResource())
    assert caught.value.code == code, caught.value.message


def test_half_a_million_sqlite_rows_arrive_in_chunks(tmp_path: Path) -> None:
    sqlite(
        tmp_path,
        "CREATE TABLE items (id INTEGER, name TEXT);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)"
        " INSERT INTO items SELECT i, 'name ' || i FROM n;",
    )
    world = make_world(tmp_path, "sqlite:///shop.db")
    assert account(world.ingest(items=DatabaseResource(chunk_size=7_000))) == (200_000, 200_000, 0, 0)
    assert world.query("SELECT count(DISTINCT name), sum(id) FROM bronze_shop.items") == [
        (200_000, 20_000_100_000)
    ]
