"""A MariaDB database as source. `make test-faults` runs these: the server may have to be fetched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pymysql
import pytest
from sqlalchemy.engine import make_url

from pipeline_cli.errors import SourceError
from pipeline_cli.manifest.databases import DatabaseResource
from tests.integration.databases.world import DatabaseWorld, account, by_cursor, make_world
from tests.servers.mariadb import PASSWORD, run_mariadb

pytestmark = [pytest.mark.faults, pytest.mark.network]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with run_mariadb() as found:
        yield found


@pytest.fixture
def world(address: str, tmp_path: Path) -> DatabaseWorld:
    execute(address, "DROP TABLE IF EXISTS items")
    return make_world(tmp_path, address)


def execute(address: str, *statements: str) -> None:
    url = make_url(address)
    connection = pymysql.connect(
        host=url.host,
        port=url.port,
        user=url.username,
        password=url.password,
        database=url.database,
        autocommit=True,
    )
    with connection.cursor() as cursor:
        cursor.execute("SET sql_mode = ''")
        for statement in statements:
            cursor.execute(statement)
    connection.close()


def test_every_type_arrives_exactly(world: DatabaseWorld) -> None:
    execute(
        world.credentials,
        "CREATE TABLE items (id BIGINT, big BIGINT UNSIGNED, tiny TINYINT(1), amount DECIMAL(12,2), ratio DOUBLE,"
        " name VARCHAR(50), note TEXT, seen DATETIME(6), day DATE, clock TIME, doc JSON, raw VARBINARY(9), bits BIT(9),"
        " mood ENUM('sad', 'happy'), made YEAR, code CHAR(4)) DEFAULT CHARSET utf8mb4",
        "INSERT INTO items VALUES (-9223372036854775808, 18446744073709551615, 2, -9999999999.99, 0.1, 'a\\'\\\\%s é',"
        " '', '2024-02-29 12:00:00.123456', '2024-02-29', '23:59:59', '{\"a\": 1}', x'00ff', b'100000001', 'happy',"
        " 2024, 'ab')",
    )
    assert account(world.ingest(items=DatabaseResource())) == (1, 1, 0, 0)
    (row,) = world.query(
        "SELECT id, big::text, tiny, amount::text, ratio, name, note, seen::text, day::text, clock::text, doc, raw,"
        " bits, mood, made, code FROM bronze_shop.items"
    )
    assert row == (
        -9223372036854775808, "18446744073709551615", 2, "-9999999999.99", 0.1, "a'\\%s é", "",
        "2024-02-29 12:00:00.123456+00", "2024-02-29", "23:59:59", '{"a": 1}', b"\x00\xff", 257, "happy", 2024, "ab",
    )  # fmt: skip
    assert world.types()["amount"] == "DECIMAL(12,2)"


def test_dates_that_are_none_are_quarantined(world: DatabaseWorld) -> None:
    execute(
        world.credentials,
        "CREATE TABLE items (id INT, seen DATETIME, clock TIME)",
        "INSERT INTO items VALUES (1, '0000-00-00 00:00:00', NULL), (2, '2024-01-01', '10:00'), (3, NULL, '838:59:59')",
    )
    assert account(world.ingest(items=DatabaseResource())) == (3, 1, 2, 0)
    records = "".join(record for record, _ in world.quarantined())
    assert "0000-00-00" in records and "838:59:59" in records


def test_new_rows_are_appended_once(world: DatabaseWorld) -> None:
    resource = by_cursor("seen", lag=timedelta(hours=1))
    execute(
        world.credentials,
        "CREATE TABLE items (id INT, seen DATETIME)",
        "INSERT INTO items VALUES (1, '2024-01-01 10:00:00'), (2, NULL)",
    )
    assert account(world.ingest(items=resource)) == (2, 1, 1, 0)
    execute(
        world.credentials, "INSERT INTO items VALUES (3, '2024-01-01 10:00:00'), (4, '2024-01-01 09:30:00')"
    )
    assert account(world.ingest(items=resource)) == (2, 2, 0, 0)
    assert world.ingest(items=resource).status == "unchanged"
    assert world.rows("id") == [(1,), (3,), (4,)]


def test_what_cannot_be_read_is_told_apart(world: DatabaseWorld) -> None:
    found = {}
    address = world.credentials
    for name, credentials, resource in (
        ("table", address, DatabaseResource()),
        ("query", address, DatabaseResource(query="SELEC 1")),
        ("login", address.replace(PASSWORD, "hush-hush"), DatabaseResource()),
        ("database", address.removesuffix("shop") + "nowhere", DatabaseResource()),
        ("server", address.replace(address.split(":")[-1], "1/shop"), DatabaseResource()),
    ):
        world.credentials = credentials
        with pytest.raises(SourceError) as caught:
            world.ingest(items=resource)
        shown = f"{caught.value.message} {caught.value.hint}"
        assert PASSWORD not in shown and "hush" not in shown
        found[name] = caught.value.code
    assert found == {"table": "E374", "query": "E376", "login": "E372", "database": "E375", "server": "E371"}
