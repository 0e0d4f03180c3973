"""A Postgres that somebody else works on: a table is locked, a grant is taken, a column is dropped between two runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg2
import pytest

from pipeline_cli.testing import run_cli
from tests.faults.figures import Figures
from tests.faults.recovering import MakeWorld, recover, start
from tests.faults.world import World
from tests.servers.postgres import PostgresServer
from tests.warm import start_cli

every_path = pytest.mark.parametrize("path", ["rows", "api", "columns"])
LOADER, PASSWORD = "loader", "loader-pa55word"
LOCK = "LOCK TABLE bronze_things.items IN ACCESS EXCLUSIVE MODE"


@pytest.fixture
def other(postgres_url: str) -> Iterator[psycopg2.extensions.connection]:
    """A session of the database's owner."""
    connection = psycopg2.connect(postgres_url, application_name="report of Ann")
    yield connection
    connection.close()


def execute(connection: psycopg2.extensions.connection, sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def set_lock_timeout(world: World, timeout: str) -> None:
    manifest = world.root / "pipelines.yaml"
    text = manifest.read_text()
    assert '_URL}"}' in text
    manifest.write_text(text.replace('_URL}"}', f'_URL}}", lock_timeout: {timeout}}}'))


def refuse_while_locked(
    world: World, other: psycopg2.extensions.connection, tries: int, figures: Figures
) -> None:
    """Runs against a locked table fail, naming who has locked it; the next one without the lock makes it good."""
    start(world)
    set_lock_timeout(world, "300ms")
    world.grow()
    execute(other, LOCK)
    for _ in range(tries):
        refused = run_cli(["run", "--json"], cwd=world.root)
        assert refused.exit_code == 1, refused.stdout + refused.stderr
        assert refused.document is not None
        ((error, *_),) = [refused.document["errors"]]
        assert error["code"] == "E328", error
        assert "waited 0.3 s for bronze_things.items, which session" in error["message"]
        assert f"{other.info.backend_pid} (report of Ann, user postgres) has locked" in error["message"]
        assert f"pg_terminate_backend({other.info.backend_pid})" in error["hint"]
    other.rollback()
    assert recover(world, "a locked table", figures) == []


def test_a_locked_table_ends_the_run_and_its_holder_is_named(
    make_world: MakeWorld, postgres_url: str, other: psycopg2.extensions.connection, figures: Figures
) -> None:
    refuse_while_locked(make_world("api", "append", postgres_url), other, 2, figures)


@pytest.mark.faults
@every_path
@pytest.mark.parametrize("disposition", ["append", "merge", "replace", "scd2"])
def test_a_locked_table_loses_nothing(
    make_world: MakeWorld,
    path: str,
    disposition: str,
    postgres_url: str,
    other: psycopg2.extensions.connection,
    figures: Figures,
) -> None:
    refuse_while_locked(make_world(path, disposition, postgres_url), other, 2, figures)


@pytest.mark.faults
@every_path
@pytest.mark.parametrize("disposition", ["append", "merge"])
def test_a_table_that_is_locked_for_a_while_is_waited_for(
    make_world: MakeWorld,
    path: str,
    disposition: str,
    postgres_url: str,
    other: psycopg2.extensions.connection,
) -> None:
    world = make_world(path, disposition, postgres_url)
    start(world)
    world.grow()
    execute(other, LOCK)
    running = start_cli(["run"], cwd=world.root)
    time.sleep(4)
    assert running.process.is_alive(), "the run waits"
    other.rollback()
    assert running.wait().exit_code == 0
    verdict = world.judge()
    assert (verdict.lost, verdict.doubled) == ({}, {})


@pytest.fixture
def loader_url(postgres_url: str, postgres_server: PostgresServer) -> str:
    """The address for a user who owns nothing but what it makes."""
    database = urlsplit(postgres_url).path.lstrip("/")
    postgres_server.execute(
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{LOADER}')"
        f" THEN CREATE ROLE {LOADER} LOGIN PASSWORD '{PASSWORD}'; END IF; END $$"
    )
    postgres_server.execute(f"GRANT CREATE ON DATABASE {database} TO {LOADER}")
    parts = urlsplit(postgres_url)
    return f"postgresql://{LOADER}:{PASSWORD}@{parts.hostname}:{parts.port}/{database}"


@pytest.mark.faults
@every_path
def test_a_grant_that_is_taken_is_told_and_nothing_is_lost(
    make_world: MakeWorld,
    path: str,
    loader_url: str,
    other: psycopg2.extensions.connection,
    figures: Figures,
) -> None:
    other.autocommit = True
    world = make_world(path, "append", loader_url)
    start(world)
    world.grow()
    execute(other, "ALTER TABLE bronze_things.items OWNER TO postgres")
    execute(other, f"GRANT SELECT ON bronze_things.items TO {LOADER}")
    for _ in range(2):
        refused = run_cli(["run"], cwd=world.root)
        assert refused.exit_code == 1
        told = " ".join((refused.stdout + refused.stderr).split())
        assert "permission denied for table items" in told or "must be owner of table items" in told, told
        assert "Traceback" not in told and PASSWORD not in told
    execute(other, f"ALTER TABLE bronze_things.items OWNER TO {LOADER}")
    assert recover(world, "a grant that was taken", figures) == []


@pytest.mark.faults
@every_path
def test_a_column_that_was_dropped_loses_no_other_value(
    make_world: MakeWorld,
    path: str,
    postgres_url: str,
    other: psycopg2.extensions.connection,
    figures: Figures,
) -> None:
    other.autocommit = True
    world = make_world(path, "append", postgres_url)
    start(world)
    world.grow()
    execute(other, "CREATE TABLE kept AS SELECT id, version FROM bronze_things.items")
    execute(other, "ALTER TABLE bronze_things.items DROP COLUMN version")
    told = run_cli(["run"], cwd=world.root)
    assert "Traceback" not in told.stdout + told.stderr
    if told.exit_code:  # put back by hand, as the message says
        execute(other, "ALTER TABLE bronze_things.items ADD COLUMN version bigint")
    execute(
        other,
        "UPDATE bronze_things.items SET version = kept.version FROM kept WHERE kept.id = items.id",
    )
    assert recover(world, "a column that was dropped", figures) == []
