"""Postgres warehouses on a real server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.destinations.exceptions import DatabaseTerminalException

from pipeline_cli.destinations import postgres_lock
from pipeline_cli.destinations.postgres import PostgresWarehouse
from pipeline_cli.destinations.postgres_url import parse_url
from pipeline_cli.errors import Busy, LoadError
from tests.servers.postgres import PASSWORD, URL_PASSWORD, PostgresServer
from tests.servers.postgres_proxy import CommitCutter, Moment


def open_postgres(url: str) -> PostgresWarehouse:
    return PostgresWarehouse("postgres", parse_url(url), "shop")


@pytest.fixture(params=[False, True], ids=["tcp", "socket"])
def warehouse(request: pytest.FixtureRequest, postgres_database: Callable[..., str]) -> PostgresWarehouse:
    return open_postgres(postgres_database(over_socket=request.param))


def test_question_marks_are_placeholders_and_literals_stay(warehouse: PostgresWarehouse) -> None:
    connection = warehouse.connect()
    rows = connection.query("SELECT ?, 'a?%b', '{\"k\": 1}'::jsonb ?? 'k', 7 % 4 -- what?\n", ["x"])
    assert rows == [("x", "a?%b", True, 3)]
    assert connection.query("SELECT 'a?%s'") == [("a?%s",)]
    connection.close()


def test_transaction_is_undone_when_its_block_fails(warehouse: PostgresWarehouse) -> None:
    connection = warehouse.connect()
    connection.execute("CREATE TABLE t (a integer)")
    with pytest.raises(LoadError, match="division by zero"), connection.transaction():
        connection.execute("INSERT INTO t VALUES (?)", [1])
        connection.execute("SELECT 1 / 0")
    assert connection.query("SELECT count(*) FROM t") == [(0,)]
    connection.close()


def test_times_are_utc(warehouse: PostgresWarehouse) -> None:
    connection = warehouse.connect()
    assert connection.query("SELECT current_setting('TimeZone')") == [("UTC",)]
    connection.close()


def test_dlt_loads_and_relations_lists_the_tables(warehouse: PostgresWarehouse, tmp_path: Path) -> None:
    pipeline = dlt.pipeline(
        "api", destination=warehouse.dlt_destination(), dataset_name="bronze_api", pipelines_dir=str(tmp_path)
    )
    pipeline.run([{"id": 1}], table_name="items", write_disposition="replace")
    assert ("bronze_api", "items") in set(warehouse.relations(["bronze_api"]))
    assert pipeline.destination.destination_name == "postgres"


def test_plain_dlt_command_reaches_the_destination(postgres_url: str, tmp_path: Path) -> None:
    warehouse = open_postgres(postgres_url)
    pipeline = dlt.pipeline(
        "api", destination=warehouse.dlt_destination(), dataset_name="bronze_api", pipelines_dir=str(tmp_path)
    )
    pipeline.run([{"id": 1}], table_name="items")
    command = [
        Path(sys.executable).parent / "dlt",
        "pipeline",
        "--pipelines-dir",
        str(tmp_path),
        "api",
        "sync",
    ]
    environ = {**os.environ, **warehouse.dlt_environment(), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    done = subprocess.run(
        command, env=environ, cwd=tmp_path, capture_output=True, text=True, input="y\n", timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr


def test_check_accepts_a_database_that_can_be_written(warehouse: PostgresWarehouse) -> None:
    warehouse.check()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ((URL_PASSWORD, "wrong-canary"), "refuses the user or the password"),
        (("/test_", "/missing_"), "has no such database"),
        (("postgres:", "nobody_here:"), "refuses the user or the password"),
    ],
)
def test_check_says_what_is_refused_without_the_password(
    postgres_url: str, change: tuple[str, str], expected: str
) -> None:
    with pytest.raises(LoadError, match=expected) as caught:
        open_postgres(postgres_url.replace(*change)).check()
    assert caught.value.hint
    assert "canary" not in f"{caught.value.message}{caught.value.hint}{caught.value.__cause__}"


def test_check_says_that_the_server_is_down() -> None:
    with pytest.raises(LoadError, match=r"127\.0\.0\.1:1/shop is not answering"):
        open_postgres("postgresql://u:canary@127.0.0.1:1/shop").check()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """The port of a server that accepts and then says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_check_gives_up_on_a_silent_server_in_time(silent_port: int) -> None:
    with pytest.raises(LoadError, match="did not answer in time"):
        open_postgres(f"postgresql://u:canary@127.0.0.1:{silent_port}/shop?connect_timeout=2").check()


def test_check_asks_for_the_grant_that_is_missing(postgres_server: PostgresServer, postgres_url: str) -> None:
    database = postgres_url.rpartition("/")[2]
    postgres_server.execute("DROP ROLE IF EXISTS reader")
    postgres_server.execute("CREATE ROLE reader LOGIN PASSWORD 'pw'")
    with pytest.raises(LoadError, match="user reader may not create schemas") as caught:
        open_postgres(f"postgresql://reader:pw@127.0.0.1:{postgres_server.port}/{database}").check()
    assert "GRANT CREATE ON DATABASE" in str(caught.value.hint)
    postgres_server.execute("DROP ROLE reader")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://u@h/db", "lacks password"),
        ("postgresql://u:canary@h", "lacks database"),
        ("mysql://u:canary@h/db", "does not begin with"),
        ("postgresql://u:canary@h:port/db", "cannot be read"),
        ("postgresql://u:canary@h/db?connect_timeout=soon", "cannot be read"),
    ],
)
def test_unusable_address_is_told_without_being_shown(url: str, why: str) -> None:
    with pytest.raises(LoadError, match=why) as caught:
        parse_url(url)
    assert "canary" not in caught.value.message


def test_pipeline_lock_names_its_holder(postgres_url: str) -> None:
    warehouse = open_postgres(postgres_url)
    with warehouse.lock_pipeline("orders", "run 42"):
        with warehouse.lock_pipeline("other"):
            pass
        with (
            pytest.raises(Busy, match=r"pipeline orders is held .* run 42"),
            open_postgres(postgres_url).lock_pipeline("orders"),
        ):
            pytest.fail("the lock was given twice")
    with warehouse.lock_pipeline("orders"):
        pass


def test_pipeline_lock_can_be_waited_for(postgres_url: str) -> None:
    warehouse = open_postgres(postgres_url)
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with warehouse.lock_pipeline("orders"):
            taken.set()
            done.wait(0.5)

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait(5)
    with warehouse.lock_pipeline("orders", wait_s=10):
        pass
    thread.join()


@pytest.mark.parametrize("moment", ["before the lock", "before the fence"])
def test_a_server_that_goes_away_while_a_lock_is_taken(
    postgres_url: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = postgres_lock.take_lock

    def take_lock(connection: Any, project: str, pipeline: str) -> str | None:
        found = take(connection, project, pipeline) if moment == "before the fence" else None
        with closing(open_postgres(postgres_url).connect()) as other:
            other.query("SELECT pg_terminate_backend(?)", [connection.info.backend_pid])
        return take(connection, project, pipeline) if moment == "before the lock" else found

    monkeypatch.setattr(postgres_lock, "take_lock", take_lock)
    with (
        pytest.raises(LoadError, match=r"cannot be reached: (server closed|terminating)") as caught,
        open_postgres(postgres_url).lock_pipeline("orders"),
    ):
        pytest.fail("the lock was given")
    assert caught.value.code == "E321"


def test_what_dlt_may_do_is_what_its_own_destination_says(postgres_url: str) -> None:
    settings = {"destination_name": "postgres", "replace_strategy": "insert-from-staging"}
    own = dlt.destinations.postgres(credentials=postgres_url, **settings)
    ours = open_postgres(postgres_url).dlt_destination()
    expected = own.capabilities()
    for _ in range(2):
        said = ours.capabilities()
        assert {key: str(said[key]) for key in said} == {key: str(expected[key]) for key in expected}
        said["max_identifier_length"] = 1  # whoever asks may change what it got


@pytest.mark.parametrize("moment", ["before", "after"])
def test_dlt_does_not_try_again_after_a_commit_that_nobody_heard_of(
    postgres_url: str, tmp_path: Path, moment: Moment
) -> None:
    """It may have been done: the rows would stand in their staging table twice."""
    with CommitCutter(postgres_url) as proxy:
        destination = open_postgres(proxy.url).dlt_destination()
        pipeline = dlt.pipeline("api", destination=destination, pipelines_dir=str(tmp_path))
        proxy.cut(moment, 1)
        with (
            pytest.raises(DatabaseTerminalException, match="the connection broke during a COMMIT"),
            pipeline.sql_client() as client,
            client.begin_transaction(),
        ):
            client.execute_sql("CREATE TABLE public.staged (id integer)")
    assert proxy.cuts == 1
    connection = open_postgres(postgres_url).connect()
    assert connection.query("SELECT to_regclass('public.staged') IS NOT NULL") == [(moment == "after",)]
    connection.close()
