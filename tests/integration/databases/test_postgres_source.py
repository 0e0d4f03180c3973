"""A PostgreSQL database as source: every value exact, one snapshot, and failures that say what failed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from pipeline_cli.errors import SourceError
from pipeline_cli.manifest.databases import DatabaseResource
from tests.integration.databases.world import DatabaseWorld, account, by_cursor, make_world
from tests.servers.postgres import PASSWORD, PostgresServer

TYPES = """
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE DOMAIN price AS numeric(12,2);
CREATE TABLE items (
    id bigint, small int2, ratio float8, amount numeric(12,2), total price, free numeric, huge numeric(40,20),
    name text, code char(4), flag boolean, day date, at timestamptz, local timestamp, clock time, doc jsonb,
    raw bytea, tags text[], key uuid, feeling mood, span interval, net inet
);
INSERT INTO items VALUES (
    9223372036854775807, -32768, 0.1, 9999999999.99, 0.01, 123456789012345678901234.5678, 0.12345678901234567890,
    E'a,"b"\\n\\\\.', 'ab', true, '2024-02-29', '2024-01-01 12:00:00.123456+02', '2024-01-01 12:00', '23:59:59.5',
    '{"a": [1, 2]}', '\\x00ff', '{a,NULL,"b c"}', '00000000-0000-0000-0000-000000000001', 'happy', '1 day', '10.0.0.1'
);
INSERT INTO items (id, name, flag) VALUES (2, '', false);
"""


class Shop:
    """A database of its own, and the world that reads it."""

    def __init__(self, url: str, root: Path) -> None:
        self.connection = psycopg2.connect(url)
        self.connection.autocommit = True
        self.world = make_world(root, url)

    def execute(self, sql: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)


@pytest.fixture
def shop(postgres_url: str, tmp_path: Path) -> Any:
    found = Shop(postgres_url, tmp_path)
    yield found
    found.connection.close()


@pytest.fixture
def world(shop: Shop) -> DatabaseWorld:
    return shop.world


def test_every_type_arrives_exactly(shop: Shop, world: DatabaseWorld) -> None:
    shop.execute(TYPES)
    assert account(world.ingest(items=DatabaseResource())) == (2, 2, 0, 0)
    assert world.types() == {
        "id": "BIGINT", "small": "BIGINT", "ratio": "DOUBLE", "amount": "DECIMAL(12,2)", "total": "DECIMAL(12,2)",
        "free": "DECIMAL(38,9)", "huge": "VARCHAR", "name": "VARCHAR", "code": "VARCHAR", "flag": "BOOLEAN",
        "day": "DATE", "at": "TIMESTAMP WITH TIME ZONE", "local": "TIMESTAMP WITH TIME ZONE", "clock": "TIME",
        "doc": "JSON", "raw": "BLOB", "tags": "JSON", "key": "VARCHAR", "feeling": "VARCHAR", "span": "VARCHAR",
        "net": "VARCHAR",
    }  # fmt: skip
    (row,) = world.query(
        'SELECT id, small, ratio, amount::text, total::text, free::text, huge, name, code, flag, day::text, "at"::text,'
        " local::text, clock::text, doc, raw, tags, key, feeling, span, net FROM bronze_shop.items WHERE id <> 2"
    )
    assert row == (
        9223372036854775807, -32768, 0.1, "9999999999.99", "0.01", "123456789012345678901234.567800000",
        "0.12345678901234567890", 'a,"b"\n\\.', "ab  ", True, "2024-02-29", "2024-01-01 10:00:00.123456+00",
        "2024-01-01 12:00:00+00", "23:59:59.5", '{"a": [1, 2]}', b"\x00\xff", '["a",null,"b c"]',
        "00000000-0000-0000-0000-000000000001", "happy", "1 day", "10.0.0.1",
    )  # fmt: skip
    empty = world.query('SELECT name, code, raw, "at" FROM bronze_shop.items WHERE id = 2')
    assert empty == [("", None, None, None)]


def test_a_single_column_of_nulls_loses_no_row(shop: Shop, world: DatabaseWorld) -> None:
    shop.execute("CREATE TABLE items (name text); INSERT INTO items VALUES (NULL), (''), (NULL), ('a')")
    assert account(world.ingest(items=DatabaseResource())) == (4, 4, 0, 0)
    assert world.rows("name") == [("",), ("a",), (None,), (None,)]


def test_infinity_and_nan_are_quarantined_and_the_rest_is_loaded(shop: Shop, world: DatabaseWorld) -> None:
    shop.execute(
        "CREATE TABLE items (id int, at timestamptz, day date, amount numeric(8,2), clock time);"
        "INSERT INTO items VALUES (1, '2024-01-01', '2024-01-01', 1.50, '10:00');"
        "INSERT INTO items (id, at) VALUES (2, 'infinity'), (6, '0044-03-15 BC');"
        "INSERT INTO items (id, day) VALUES (3, '-infinity'); INSERT INTO items (id, amount) VALUES (4, 'NaN');"
        "INSERT INTO items (id, clock) VALUES (5, '24:00')"
    )
    assert account(world.ingest(items=DatabaseResource())) == (6, 1, 5, 0)
    assert world.query(
        'SELECT id, "at"::text, day::text, amount::text, clock::text FROM bronze_shop.items'
    ) == [(1, "2024-01-01 00:00:00+00", "2024-01-01", "1.50", "10:00:00")]
    assert "infinity" in world.quarantined()[0][0]


def test_tables_of_one_source_are_read_from_one_snapshot(shop: Shop, world: DatabaseWorld) -> None:
    shop.execute("CREATE TABLE a (id int); CREATE TABLE b (id int); INSERT INTO a VALUES (1)")
    source = world.project(resources={"a": DatabaseResource(), "b": DatabaseResource()})
    from pipeline_cli.sources.build import open_columns
    from pipeline_cli.sources.scan import Known

    opened = open_columns(source, "shop")
    counts = []
    with opened.session():
        for resource in opened.resources:
            with resource.scans(Known()) as scans:
                for scan in scans:
                    (reader,) = scan.objects.values()
                    counts.append(reader.read_all().num_rows)
            shop.execute("INSERT INTO b VALUES (1)")
    assert counts == [1, 0]


def test_a_query_with_chosen_columns_is_read(shop: Shop, world: DatabaseWorld) -> None:
    shop.execute(
        "CREATE SCHEMA x; CREATE TABLE x.t (a int, b numeric); INSERT INTO x.t VALUES (1, 2.5), (2, 3)"
    )
    query = "SELECT a, avg(b) AS mean, 1 AS extra FROM x.t GROUP BY a; "
    world.ingest(items=DatabaseResource(query=query, excluded_columns=("extra",)))
    assert world.types() == {"a": "BIGINT", "mean": "DECIMAL(38,16)"}
    world.ingest("x", t=DatabaseResource(included_columns=("a",)))
    assert world.rows("a", "t") == [(1,), (2,)]


@pytest.mark.parametrize(
    ("resource", "code", "said"),
    [
        (DatabaseResource(), "E374", "items does not exist"),
        (DatabaseResource(table="hidden"), "E375", "no permission to read hidden"),
        (DatabaseResource(query="SELEC 1"), "E376", "syntax error"),
        (DatabaseResource(query="SELECT 1 AS a, 2 AS a"), "E344", "two columns are called 'a'"),
        (DatabaseResource(query="SELECT 1 AS a", included_columns=("b",)), "E376", "has no column 'b'"),
        (by_cursor("b", query="SELECT 1 AS a"), "E377", "the cursor 'b' is not one of its columns"),
    ],
)
def test_what_cannot_be_read_is_told_apart(
    shop: Shop,
    postgres_server: PostgresServer,
    world: DatabaseWorld,
    resource: DatabaseResource,
    code: str,
    said: str,
) -> None:
    shop.execute(
        "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'reader-pass'; CREATE TABLE hidden (id int)"
    )
    world.credentials = world.credentials.replace(
        world.credentials.split("//")[1].split("@")[0], "reader:reader-pass"
    )
    with pytest.raises(SourceError) as caught:
        world.ingest(items=resource)
    assert caught.value.code == code
    assert said in caught.value.message
    assert "reader-pass" not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda url: url.replace("canary-", "wrong-"), "refuses the user or the password"),
        (lambda url: url[: url.rindex("/")] + "/nowhere", "has no such database"),
        (lambda url: url[: url.rindex(":")] + ":1/x", "is not answering"),
        (lambda url: "postgresql://nobody", "lacks"),
        (lambda url: "nonsense", "is no URL"),
        (lambda url: "oracle99://u:hush@h/d", "SQLAlchemy knows no such database"),
    ],
)
def test_an_address_that_does_not_lead_there_is_told_without_the_password(
    world: DatabaseWorld, change: Callable[[str], str], said: str
) -> None:
    world.credentials = change(world.credentials)
    with pytest.raises(SourceError) as caught:
        world.ingest(items=DatabaseResource())
    shown = f"{caught.value.message}{caught.value.hint}"
    assert said in shown
    assert PASSWORD not in shown and "hush" not in shown


def test_a_server_that_breaks_off_loads_nothing(shop: Shop, world: DatabaseWorld) -> None:
    shop.execute("CREATE TABLE items (id int)")
    world.ingest(items=DatabaseResource())
    # The 90,000th row of a query fails: the rows before it have been sent by then.
    query = "SELECT n AS id, 1 / (90000 - n) AS x FROM generate_series(1, 100000) AS n"
    with pytest.raises(SourceError, match="division by zero"):
        world.ingest(items=DatabaseResource(query=query))
    assert world.rows("id") == []


def test_more_rows_than_a_chunk_arrive_once_each(shop: Shop, world: DatabaseWorld) -> None:
    shop.execute(
        "CREATE TABLE items AS SELECT n AS id, repeat('x', 100) AS pad FROM generate_series(1, 300000) AS n"
    )
    assert account(world.ingest(items=DatabaseResource())) == (300_000, 300_000, 0, 0)
    assert world.query("SELECT count(*), sum(id) FROM bronze_shop.items") == [(300_000, 45_000_150_000)]
