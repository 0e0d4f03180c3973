"""Incremental readings: nothing is lost, nothing is doubled, whatever comes late, tied or without a cursor."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import psycopg2
import pytest

from pipeline_cli.errors import SourceError
from tests.integration.databases.world import DatabaseWorld, account, by_cursor, make_world

Execute = Callable[[str], None]


@pytest.fixture(params=["sqlite", "duckdb", "postgres"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[DatabaseWorld, Execute]]:
    """A world and a way to change its database, one of each kind."""
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
        connection = psycopg2.connect(url)
        connection.autocommit = True
        yield make_world(tmp_path, url), connection.cursor().execute
        connection.close()
        return

    def execute(sql: str) -> None:
        if request.param == "sqlite":
            connection = sqlite3.connect(tmp_path / "shop.db")
            connection.executescript(sql)
        else:
            connection = duckdb.connect(str(tmp_path / "shop.db"))
            connection.execute(sql)
        connection.close()

    yield make_world(tmp_path, f"{request.param}:///shop.db"), execute


TABLE = "CREATE TABLE items (id INTEGER, seen_at TIMESTAMP, note TEXT);"


def test_ties_late_rows_and_changes_are_appended_once(shop: tuple[DatabaseWorld, Execute]) -> None:
    world, execute = shop
    resource = by_cursor(lag=timedelta(hours=1))
    execute(
        TABLE + "INSERT INTO items VALUES (1, '2024-01-01 10:00:00', 'a'), (2, '2024-01-01 12:00:00', 'b')"
    )
    assert account(world.ingest(items=resource)) == (2, 2, 0, 0)
    again = world.ingest(items=resource)
    assert (again.status, account(again)) == ("unchanged", (0, 0, 0, 0))
    # A tie, a late one within the lag, an equal row that is another row, and one beyond the lag.
    execute(
        "INSERT INTO items VALUES (3, '2024-01-01 12:00:00', 'tie'), (4, '2024-01-01 11:30:00', 'late'),"
        " (2, '2024-01-01 12:00:00', 'b'), (5, '2024-01-01 10:30:00', 'too late')"
    )
    assert account(world.ingest(items=resource)) == (3, 3, 0, 0)
    execute("UPDATE items SET note = 'changed' WHERE id = 3")
    assert account(world.ingest(items=resource)) == (1, 1, 0, 0)
    execute("INSERT INTO items VALUES (6, '2024-01-02 00:00:00.5', 'new')")
    assert account(world.ingest(items=resource)) == (1, 1, 0, 0)
    assert world.ingest(items=resource).status == "unchanged"
    assert world.rows("id, note") == [
        (1, "a"), (2, "b"), (2, "b"), (3, "changed"), (3, "tie"), (4, "late"), (6, "new"),
    ]  # fmt: skip


def test_an_integer_cursor_begins_where_it_is_told(shop: tuple[DatabaseWorld, Execute]) -> None:
    world, execute = shop
    resource = by_cursor("id", initial_value=10, write_disposition="merge", primary_key=("id",))
    execute(TABLE + "INSERT INTO items (id, note) VALUES (9, 'early'), (10, 'a'), (100, 'b')")
    assert account(world.ingest(items=resource)) == (2, 2, 0, 0)
    execute("UPDATE items SET note = 'c' WHERE id = 100; ")
    execute("INSERT INTO items (id, note) VALUES (101, 'd')")
    assert account(world.ingest(items=resource)) == (2, 2, 0, 0)
    assert world.rows("id, note") == [(10, "a"), (100, "c"), (101, "d")]


def test_rows_without_a_cursor_are_quarantined_once(shop: tuple[DatabaseWorld, Execute]) -> None:
    world, execute = shop
    execute(
        TABLE
        + "INSERT INTO items VALUES (1, NULL, 'none'), (2, '2024-01-01 00:00:00', 'a'), (3, '9999-12-31 00:00:00', 'x')"
    )
    assert account(world.ingest(items=by_cursor())) == (3, 1, 2, 0)
    assert world.ingest(items=by_cursor()).status == "unchanged"
    execute("INSERT INTO items VALUES (4, '2024-01-02 00:00:00', 'b')")
    assert account(world.ingest(items=by_cursor())) == (1, 1, 0, 0)
    assert world.rows("id") == [(2,), (4,)]
    reasons = "".join(reasons for _, reasons in world.quarantined())
    assert "has no value" in reasons and "far in the future" in reasons


def test_rows_without_a_cursor_are_included_once(shop: tuple[DatabaseWorld, Execute]) -> None:
    world, execute = shop
    resource = by_cursor(on_cursor_value_missing="include")
    execute(TABLE + "INSERT INTO items VALUES (1, NULL, 'none'), (2, '2024-01-01 00:00:00', 'a')")
    assert account(world.ingest(items=resource)) == (2, 2, 0, 0)
    execute("INSERT INTO items (id, note) VALUES (3, 'none')")
    assert account(world.ingest(items=resource)) == (1, 1, 0, 0)
    assert world.rows("id, note") == [(1, "none"), (2, "a"), (3, "none")]


def test_a_failed_load_moves_no_cursor(shop: tuple[DatabaseWorld, Execute]) -> None:
    world, execute = shop
    execute(TABLE + "INSERT INTO items VALUES (1, '2024-01-01 00:00:00', 'a')")
    world.ingest(items=by_cursor())
    execute("INSERT INTO items VALUES (2, '2024-01-02 00:00:00', 'b')")
    other = by_cursor("missing")
    with pytest.raises(SourceError):
        world.ingest(items=by_cursor(), other=other)
    assert world.rows("id") == [(1,)]
    assert account(world.ingest(items=by_cursor())) == (1, 1, 0, 0)


def test_numbers_in_a_text_are_no_cursor(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.executescript("CREATE TABLE items (seen_at TEXT); INSERT INTO items VALUES ('9'), ('10')")
    with pytest.raises(SourceError, match="holds numbers as texts of 1 to 2"):
        make_world(tmp_path, "sqlite:///shop.db").ingest(items=by_cursor())


def test_a_cursor_that_changes_its_type_is_told(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.executescript(
        "CREATE TABLE items (id INTEGER, seen_at TIMESTAMP); INSERT INTO items VALUES (1, '2024-01-01')"
    )
    world = make_world(tmp_path, "sqlite:///shop.db")
    world.ingest(items=by_cursor())
    connection.executescript("DELETE FROM items; INSERT INTO items VALUES (2, 17)")
    with pytest.raises(SourceError, match="the cursor seen_at was timestamp and is bigint now"):
        world.ingest(items=by_cursor())


def test_too_many_ties_are_refused_where_only_hashes_tell_rows_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline_cli.sources.sql_database.bookmark.MOST_REMEMBERED", 2)
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.executescript(
        "CREATE TABLE items (id INTEGER, seen_at INTEGER); INSERT INTO items VALUES (1,5),(2,5),(3,5)"
    )
    world = make_world(tmp_path, "sqlite:///shop.db")
    with pytest.raises(SourceError, match="more than 2 rows stand at the cursor's end"):
        world.ingest(items=by_cursor())
    merged = by_cursor(write_disposition="merge", primary_key=("id",))
    assert account(world.ingest(items=merged)) == (3, 3, 0, 0)
    assert account(world.ingest(items=merged)) == (3, 0, 0, 3)
