"""`diff ENV` of tables that keep versions, and of a Postgres that somebody else works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from pipeline_cli.testing import CliResult, make_project
from tests.servers.postgres import PostgresServer
from tests.warm import run_cli

pytestmark = pytest.mark.thorough

MANIFEST = """\
version: 1
name: compared
default_environment: dev
environments:
  dev: {destination: duckdb}
  test: {destination: duckdb}
  prod: {destination: postgres}
  stage: {destination: second}
destinations:
  duckdb: {type: duckdb, path: shop.duckdb}
  postgres: {type: postgres, credentials: "${env:FIRST_URL}", lock_timeout: 300ms}
  second: {type: postgres, credentials: "${env:SECOND_URL}"}
sources:
  shop:
    type: filesystem
    bucket_url: data
    resources:
      prices: {primary_key: item, write_disposition: scd2}
pipelines:
  shop: {sources: [shop]}
"""
TABLE = "bronze_shop.prices"
Prices = dict[str, int]
FIRST: Prices = {"a": 1, "b": 2, "c": 3}
# b has a new price, d is new.
NEWEST: Prices = {"a": 1, "b": 20, "c": 3, "d": 4}


class Shop:
    def __init__(self, root: Path, server: PostgresServer) -> None:
        self.root = make_project(root, MANIFEST)
        self.urls = [server.url(server.create_database()) for _ in range(2)]
        self.env = dict(zip(("FIRST_URL", "SECOND_URL"), self.urls, strict=True))

    def load(self, environment: str, *moments: Prices) -> None:
        """The prices of each moment, a run each."""
        for prices in moments:
            lines = [f"{item},{price}" for item, price in prices.items()]
            make_project(self.root, MANIFEST, {"data/prices.csv": "\n".join(["item,price", *lines, ""])})
            assert self.call("run", "--env", environment).exit_code == 0

    def call(self, *arguments: str) -> CliResult:
        return run_cli(arguments, cwd=self.root, env=self.env)

    def compare(self, here: str, there: str) -> dict[str, Any]:
        document = self.call("diff", there, "--env", here, "--json").document
        assert document is not None
        (table,) = document["tables"]
        assert table["table"] == TABLE
        return dict(table)


@pytest.fixture
def shop(tmp_path: Path, postgres_server: PostgresServer) -> Shop:
    return Shop(tmp_path, postgres_server)


def expect(here: Prices, there: Prices) -> tuple[int, int, int, int]:
    both = here.keys() & there.keys()
    changed = sum(here[item] != there[item] for item in both)
    return len(here) - len(both), len(there) - len(both), changed, len(both) - changed


@pytest.mark.parametrize(("here", "there"), [("dev", "test"), ("dev", "prod"), ("prod", "stage")])
def test_of_tables_with_versions_the_current_ones_are_compared(shop: Shop, here: str, there: str) -> None:
    """On DuckDB, between it and Postgres, and on Postgres."""
    shop.load(here, FIRST, NEWEST)
    shop.load(there, FIRST)
    table = shop.compare(here, there)
    keys = table["keys"]
    counted = tuple(keys[name] for name in ("only_here", "only_there", "changed", "same"))
    assert (keys["key"], counted) == (["item"], expect(NEWEST, FIRST))
    assert keys["examples"] == {"only_here": ["d"], "changed": ["b"]}
    assert keys["changed_columns"] == {"price": 1}
    # The first version of b has ended, and is counted.
    assert (table["rows_here"], table["rows_there"]) == (len(NEWEST) + 1, len(FIRST))

    # What stands is alike now; there are as many versions, too.
    shop.load(there, NEWEST)
    assert shop.compare(here, there)["status"] == "same"

    # Two versions more that have ended, and what stands is alike: they are told, and no key differs.
    shop.load(here, {**NEWEST, "a": 100}, NEWEST)
    table = shop.compare(here, there)
    assert (table["status"], table["rows_here"] - table["rows_there"]) == ("different", 2)
    assert (table["keys"]["changed"], table["keys"]["same"]) == (0, len(NEWEST))


@pytest.fixture
def other(shop: Shop) -> Iterator[psycopg2.extensions.connection]:
    """Another session in prod's database."""
    with closing(psycopg2.connect(shop.urls[0], application_name="report of Ann")) as connection:
        yield connection


@pytest.mark.parametrize("locked", [TABLE, "bronze_shop._dlt_version", "pipeline_runs.deployed"])
def test_a_table_that_another_session_has_locked_is_busy_and_both_are_named(
    shop: Shop, other: psycopg2.extensions.connection, locked: str
) -> None:
    shop.load("dev", FIRST)
    shop.load("prod", FIRST)
    with other.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {locked} IN ACCESS EXCLUSIVE MODE")
    for sides in (("prod",), ("dev", "--env", "prod")):
        busy = shop.call("diff", *sides)
        assert busy.exit_code == 75, busy.stdout + busy.stderr
        told = " ".join(busy.stderr.split())
        assert locked in told
        assert f"session {other.info.backend_pid} (report of Ann, user postgres) has locked" in told
        assert "then compare again" in told
        assert "what was begun is rolled back" not in told
    other.rollback()
    assert shop.compare("dev", "prod")["status"] == "same"
