"""The ledger's own SQL: the same values out of SQLite and of Postgres as went in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import psycopg2
import pytest

from pipeline_cli.errors import LoadError
from pipeline_cli.ledger import Ledger
from pipeline_cli.ledger.connection import Database, shown_address
from pipeline_cli.ledger.schema import Column, Table

ODD = Table(
    "odd",
    [
        Column("id", "id"),
        Column("end"),
        Column("moment", "time", optional=True),
        Column("document", "json", optional=True),
        Column("is_so", "boolean", optional=True),
        Column("share", "float", optional=True),
        Column("large", "bigint", optional=True),
    ],
    key=["id"],
    indexes={"ix_odd_end": ["end"]},
)
MOMENT = datetime(2026, 3, 29, 2, 30, 0, 7, tzinfo=timezone(timedelta(hours=2)))


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A ledger's database with one table more."""
    where = tmp_path / "runs.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    with closing(Ledger.open(where)) as ledger:
        with ledger.database.transaction() as connection:
            for statement in ODD.definition(connection.dialect):
                connection.change(statement)
        yield ledger.database


def test_values_come_out_as_they_went_in(database: Database) -> None:
    rows = [
        {
            "end": "100 % of it's: :name %(name)s \N{SNOWMAN}",
            "moment": MOMENT,
            "document": {"a": [1, None, "ü"], ":b": {}},
            "is_so": False,
            "share": 0.1,
            "large": 2**53 + 1,
        },
        {"end": "", "moment": None, "document": None, "is_so": None, "share": None, "large": None},
        {"end": "list", "moment": MOMENT, "document": [], "is_so": True, "share": 1.0, "large": 0},
    ]
    with database.transaction() as connection:
        connection.insert(ODD, *rows)
    with database.transaction(writes=False) as connection:
        found = connection.rows("SELECT * FROM odd ORDER BY id")
    assert [{name: value for name, value in row.items() if name != "id"} for row in found] == rows
    assert [row.id for row in found] == [1, 2, 3]
    assert found[0].moment.tzinfo is UTC
    assert type(found[0].is_so) is bool


def test_a_tuple_is_all_of_its_values(database: Database) -> None:
    with database.transaction() as connection:
        connection.insert(ODD, *({"end": f"row {number}"} for number in range(30)))
        query = 'SELECT id FROM odd WHERE "end" IN :ends AND id IN :ids ORDER BY id'
        ends = tuple(f"row {number}" for number in range(0, 30, 2))
        assert connection.values(query, ends=ends, ids=(1, 2, 3)) == [1, 3]
        assert connection.values(query, ends=(), ids=(1,)) == []
        assert connection.values(query, ends=("' OR 1 = 1 --",), ids=(1,)) == []


def test_the_greatest_of_times_is_a_time(database: Database) -> None:
    with database.transaction() as connection:
        query = 'SELECT max(moment) AS "at [datetime]" FROM odd'
        assert connection.value(query) is None
        connection.insert(
            ODD, {"end": "", "moment": MOMENT - timedelta(days=1)}, {"end": "", "moment": MOMENT}
        )
        assert connection.rows(query) == [{"at": MOMENT}]
        assert connection.values("SELECT id FROM odd WHERE moment >= :moment", moment=MOMENT) == [2]


def test_a_block_that_raises_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.transaction() as connection:
        connection.insert(ODD, {"end": "gone"})
        raise ZeroDivisionError
    with pytest.raises(Exception, match=r"(?i)null"), database.transaction() as connection:
        connection.insert(ODD, {"end": "gone, too"}, {"end": None})
    with database.transaction(writes=False) as connection:
        assert connection.rows("SELECT * FROM odd") == []


def test_a_key_that_is_there_is_left_or_replaced(database: Database) -> None:
    with database.transaction() as connection:
        assert connection.insert_new(ODD, {"id": 7, "end": "first"})
        assert not connection.insert_new(ODD, {"id": 7, "end": "second"})
        assert connection.value('SELECT "end" FROM odd') == "first"
        connection.replace(ODD, {"id": 7, "end": "third"})
        assert connection.values('SELECT "end" FROM odd') == ["third"]


def test_two_that_read_and_then_write_wait_for_each_other(database: Database) -> None:
    """A SQLite transaction that has read cannot write once another has; it would be refused at once."""
    with database.transaction() as connection:
        connection.insert(ODD, {"id": 1, "end": "", "large": 0})

    def count() -> None:
        for _ in range(20):
            with database.transaction() as connection:
                lock = " FOR UPDATE" if connection.dialect == "postgres" else ""
                found = connection.value(f"SELECT large FROM odd WHERE id = 1{lock}")
                time.sleep(0.001)
                connection.change("UPDATE odd SET large = :large WHERE id = 1", large=found + 1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.transaction(writes=False) as connection:
        assert connection.value("SELECT large FROM odd") == 80


def test_a_connection_that_died_while_nobody_used_it_is_replaced(postgres_url: str) -> None:
    with closing(Ledger.open(postgres_url)) as ledger:
        with closing(psycopg2.connect(postgres_url)) as other:
            other.autocommit = True
            other.cursor().execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert ledger.recent() == []


def test_addresses_as_other_tools_write_them(postgres_url: str, tmp_path: Path) -> None:
    rest = postgres_url.partition("://")[2]
    for scheme in ("postgres", "postgresql", "postgresql+psycopg2"):
        with closing(Ledger.open(f"{scheme}://{rest}")) as ledger:
            assert ledger.recent() == []
    Ledger.open(f"sqlite:///{tmp_path}/somewhere/runs.db").close()
    assert (tmp_path / "somewhere/runs.db").is_file()


def test_another_kind_of_database_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LoadError, match="is in no database that can keep one") as raised:
        Ledger.open("mysql://shop:hunter2secret@db/shop")
    assert (raised.value.code, "hunter2secret" in str(raised.value)) == ("E325", False)


def test_no_password_is_shown() -> None:
    assert (
        shown_address("postgresql://a:s3cret@db:5432/shop?password=s3cret")
        == "postgresql://a:***@db:5432/shop"
    )
