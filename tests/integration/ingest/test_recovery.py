"""Killed, refused or taken away in the middle: after a plain re-run every row is there once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline_cli.destinations.postgres import PostgresDestination
from pipeline_cli.errors import LoadError, SourceError
from pipeline_cli.manifest.sources import RestResource
from tests.integration.ingest.world import World

REPOSITORY = Path(__file__).parents[3]

# Ingests as far as `stop` says, then dies as if by kill -9.
DYING = """
import os, signal, sys
from pathlib import Path
from dlt.pipeline.pipeline import Pipeline
from pipeline_cli.destinations.duckdb import DuckDBDestination
from pipeline_cli.destinations.postgres import PostgresDestination
from pipeline_cli.manifest.sources import RestResource
from tests.integration.ingest.world import World

root, url, postgres, disposition, stop = sys.argv[1:]

class Api:
    pass

api = Api()
api.url = url
destination = PostgresDestination("postgres", postgres) if postgres else DuckDBDestination("duckdb")
world = World(Path(root), api, destination, run_count=int(os.environ.get("RUN", "1")))
world.rest(items=RestResource(primary_key=("id",) if disposition == "merge" else (), write_disposition=disposition))

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

if stop == "normalize":
    Pipeline.normalize = die
elif stop == "load":
    Pipeline.load = die
else:  # after COMMIT of a job's rows, before its file is marked as done
    from dlt.common.storages.load_package import PackageStorage
    PackageStorage.complete_job = die
world.ingest()
"""


def kill(world: World, disposition: str, stop: str) -> None:
    postgres = world.destination.credentials if isinstance(world.destination, PostgresDestination) else ""
    done = subprocess.run(
        [sys.executable, "-c", DYING, str(world.root), world.api.url, postgres, disposition, stop],
        cwd=REPOSITORY,
        env={**os.environ, "RUN": str(world.run_count)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2_000:]
    world.run_count += 1


@pytest.mark.parametrize("disposition", ["append", "merge"])
@pytest.mark.parametrize("stop", ["normalize", "load", "committed"])
def test_killed_in_a_load_every_row_is_there_once_after_a_re_run(
    world: World, disposition: str, stop: str
) -> None:
    key = ("id",) if disposition == "merge" else ()
    world.rest(items=RestResource(primary_key=key, write_disposition=disposition))  # type: ignore[arg-type]
    if disposition == "merge":  # a second load; append tries the first ever
        world.api.data["/items"] = [{"id": number, "tags": []} for number in range(10)]
        world.ingest()
    world.api.data["/items"] = [{"id": number, "tags": ["a", "b"]} for number in range(20)]
    kill(world, disposition, stop)
    if disposition == "append":  # what was extracted is loaded first; the source has nothing new to say
        world.api.data["/items"] = []
    result = world.ingest()
    assert result.notes == ["The load that an earlier run left unfinished was completed first."]
    assert ("bronze_shop", "items") in result.loaded_tables
    assert [number for (number,) in world.rows("id")] == sorted(range(20), key=lambda n: repr((n,)))
    assert world.query("SELECT count(*), count(DISTINCT _dlt_id) FROM bronze_shop.items__tags") == [(40, 40)]


def test_killed_in_a_load_then_without_a_working_folder_nothing_is_doubled(world: World) -> None:
    world.rest(items=RestResource(primary_key=("id",), write_disposition="merge"))
    world.api.data["/items"] = [{"id": number, "tags": ["a"]} for number in range(5)]
    kill(world, "merge", "committed")
    world.drop_working_folder()
    world.ingest()
    assert [number for (number,) in world.rows("id")] == [0, 1, 2, 3, 4]
    assert world.query("SELECT count(*) FROM bronze_shop.items__tags") == [(5,)]


def test_a_source_killed_while_it_is_read_leaves_nothing_behind(duck: World) -> None:
    code = (
        "import dlt, os\n\n@dlt.resource\ndef items():\n    yield [{'id': 1}]\n    os.kill(os.getpid(), 9)\n"
    )
    script = DYING.replace("world.rest(", f"world.python({code!r}); (lambda **_: None)(")
    done = subprocess.run(
        [sys.executable, "-c", script, str(duck.root), duck.api.url, "", "append", "never"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2_000:]
    duck.python(code.replace("os.kill(os.getpid(), 9)", "pass"))
    assert duck.account(duck.ingest()) == (1, 1, 0, 0)
    assert duck.rows("id") == [(1,)]


def test_a_load_that_can_never_succeed_is_read_again(world: World) -> None:
    world.rest(items=RestResource(primary_key=("id",), write_disposition="merge"))
    world.api.data["/items"] = [{"id": 1, "v": 1}]
    world.ingest()
    world.execute("ALTER TABLE bronze_shop.items DROP COLUMN v")
    world.api.data["/items"] = [{"id": 2, "v": 2}]
    for _ in range(2):
        with pytest.raises(LoadError) as failed:
            world.ingest()
        assert "--full-refresh" in str(failed.value.hint)
    world.execute("ALTER TABLE bronze_shop.items ADD COLUMN v bigint")
    world.ingest()
    assert [number for (number,) in world.rows("id")] == [1, 2]


@pytest.mark.parametrize("world", ["postgres"], indirect=True)
def test_a_postgres_that_is_down_is_named_without_its_password(world: World) -> None:
    assert isinstance(world.destination, PostgresDestination)
    address = world.destination.credentials
    world.destination = PostgresDestination("postgres", "postgresql://ann:s3cr3t-canary@127.0.0.1:9/shop")
    world.rest(items=RestResource())
    world.api.data["/items"] = [{"id": 1}]
    with pytest.raises(LoadError, match=r"127.0.0.1:9/shop") as failed:
        world.ingest()
    assert "s3cr3t" not in f"{failed.value.message}{failed.value.hint}"
    world.destination = PostgresDestination("postgres", address)
    assert world.account(world.ingest()) == (1, 1, 0, 0)


@pytest.mark.parametrize("world", ["postgres"], indirect=True)
def test_a_refused_write_is_told_and_nothing_is_lost(world: World) -> None:
    world.rest(items=RestResource(primary_key=("id",), write_disposition="merge"))
    world.api.data["/items"] = [{"id": 1}]
    world.ingest()
    # The tests' user is a superuser, whom no grant stops: a trigger refuses in its place.
    world.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RAISE insufficient_privilege USING MESSAGE = ''permission denied for table items''; END'"
    )
    world.execute("CREATE TRIGGER refuse BEFORE INSERT ON bronze_shop.items EXECUTE FUNCTION refuse()")
    world.api.data["/items"] = [{"id": 1}, {"id": 2}]
    with pytest.raises(LoadError, match="permission denied for table items"):
        world.ingest()
    world.execute("DROP TRIGGER refuse ON bronze_shop.items")
    world.ingest()
    assert [number for (number,) in world.rows("id")] == [1, 2]


def test_a_source_that_is_down_at_first_leaves_nothing(world: World) -> None:
    world.rest(items=RestResource(endpoint="not/there"))
    with pytest.raises(SourceError, match=r"/not/there answered 404"):
        world.ingest()
    assert world.tables() == set()
