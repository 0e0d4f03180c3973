"""Warehouses and places for files are not taken for one another; databases' addresses are secrets, but for files."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.reader import read_manifest
from tests.unit.manifest.helpers import HEAD, TAIL, mistakes, mistakes_of, only, read, write

LAKE = '  lake: {type: filesystem, bucket_url: lake, credentials: {aws_secret_access_key: "${env:LAKE_TOKEN}"}}\n'


def database(keys: str = "", credentials: str = "sqlite:///shop.db") -> str:
    more = f", {keys}" if keys else ""
    entry = f'{{type: sql_database, credentials: "{credentials}", resources: {{orders: {{}}}}{more}}}'
    return f"sources:\n  shop: {entry}\n"


def with_lake(root: Path, source: str, head: str = HEAD) -> Path:
    return write(root, head + LAKE + source + TAIL)


def test_an_environment_cannot_load_into_a_place_for_files(tmp_path: Path) -> None:
    with_lake(tmp_path, "", HEAD.replace("dev: {destination: duck}", "dev: {destination: lake}"))
    mistake = only(mistakes_of(tmp_path, "prod", POSTGRES_URL="postgresql://a:b@c/d"))
    assert (mistake.code, mistake.line, mistake.column) == (codes.WRONG_KIND, 5, 22)
    assert mistake.message == "'lake' is a place for files, not a database to load into."


def test_a_lake_must_be_a_place_for_files(tmp_path: Path) -> None:
    with_lake(tmp_path, database("lake: duck"))
    mistake = only(mistakes_of(tmp_path, LAKE_TOKEN="abcd"))
    assert (mistake.code, mistake.line) == (codes.WRONG_KIND, 13)
    assert mistake.message == "'duck' is a database; a lake is a place for files."
    assert mistake.hint == "Name a destination of type filesystem: lake."


def test_a_lake_that_does_not_exist_is_told_once(tmp_path: Path) -> None:
    with_lake(tmp_path, database("lake: lak"))
    mistake = only(mistakes_of(tmp_path, LAKE_TOKEN="abcd"))
    assert (mistake.code, mistake.hint) == (codes.UNKNOWN_NAME, "Did you mean lake?")


def test_a_lakes_variables_are_needed_where_a_source_uses_it(tmp_path: Path) -> None:
    with_lake(tmp_path, database("lake: lake"))
    assert only(mistakes_of(tmp_path)).code == codes.MISSING_VARIABLE
    assert read_manifest(tmp_path, {}, sources=()).missing == {"destinations.lake": ("LAKE_TOKEN",)} | {
        "destinations.pg": ("POSTGRES_URL",)
    }


@pytest.mark.parametrize(
    "address", ["sqlite:///shop.db", "duckdb:////data/shop.duckdb", "${env:SHOP:-sqlite:///shop.db}"]
)
def test_a_database_file_needs_no_variable(tmp_path: Path, address: str) -> None:
    found = read(tmp_path, database(credentials=address)).manifest.sources["shop"]
    assert found.credentials.endswith(("shop.db", "shop.duckdb"))


@pytest.mark.parametrize(
    "address",
    ["postgresql://shop:pass@db/shop", "mysql+pymysql://db/shop", "sqlite:///shop.db?key=hush",
     "${env:SHOP:-postgresql://shop:pass@db/shop}"],
)  # fmt: skip
def test_a_servers_address_in_plain_text_is_a_mistake(tmp_path: Path, address: str) -> None:
    assert only(mistakes(tmp_path, database(credentials=address))).code == codes.PLAIN_SECRET


def test_a_table_and_a_query_exclude_each_other(tmp_path: Path) -> None:
    body = database().replace("orders: {}", "orders: {table: orders, query: SELECT 1}")
    mistake = only(mistakes(tmp_path, body))
    assert mistake.message.startswith("table and query exclude each other")
