"""A host that slept while another took its pipeline over wakes, and writes nothing more."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

import psycopg2
import pytest

from pipeline_cli.failpoints import VARIABLE
from pipeline_cli.testing import run_cli
from tests.faults.figures import Figures
from tests.faults.recovering import MakeWorld, recover, start
from tests.warm import Running, start_cli

LOCKS = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
# Of threads that were stopped between reading the fence and their COMMIT: the next host would have to wait for those.
ABOUT_TO_COMMIT = (
    "SELECT pid FROM pg_locks WHERE relation = to_regclass('pipeline_runs.fences') AND mode = 'RowShareLock'"
)
OTHERS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
    " AND pid <> pg_backend_pid()"
)


@pytest.mark.parametrize(
    ("path", "disposition", "moment"),
    [
        ("rows", "append", "normalize.after"),
        ("rows", "merge", "load.commit_after:2"),
        ("columns", "append", "columns.commit_before"),
    ],
)
def test_a_host_that_wakes_is_fenced(
    make_world: MakeWorld,
    path: str,
    disposition: str,
    moment: str,
    postgres_url: str,
    tmp_path: Path,
    figures: Figures,
) -> None:
    world = make_world(path, disposition, "postgres")
    start(world)
    world.grow()
    old = start_cli(["run"], cwd=world.root, env={VARIABLE: f"{moment}@STOP"})
    _wait_until_stopped(old)
    # With columns, the transaction that is to be fenced is under way; dlt opens new ones after it wakes.
    _end_sessions(postgres_url, f"{LOCKS} UNION {ABOUT_TO_COMMIT}" if path == "columns" else OTHERS)
    new_host = tmp_path / "new host"
    shutil.copytree(world.root, new_host, ignore=shutil.ignore_patterns(".pipeline"))
    taken_over = run_cli(["run"], cwd=new_host)
    assert taken_over.exit_code == 0, taken_over.stderr
    old.send(signal.SIGCONT)
    woken = old.wait()
    assert woken.exit_code == 1, woken.stderr
    assert "was taken over by" in woken.stdout + woken.stderr
    assert not recover(world, "a host that woke", figures)


@pytest.mark.parametrize(
    ("path", "moment"),
    [
        ("rows", "load.commit_after:2"),
        pytest.param("rows", "load.commit_after:3", marks=pytest.mark.faults),
        pytest.param("rows", "load.noted", marks=pytest.mark.faults),
        pytest.param("api", "load.commit_after:2", marks=pytest.mark.faults),
        pytest.param("api", "load.commit_after:4", marks=pytest.mark.faults),
    ],
)
def test_a_host_with_an_older_folder_takes_over(
    make_world: MakeWorld, path: str, moment: str, tmp_path: Path, figures: Figures
) -> None:
    world = make_world(path, "append", "postgres")
    start(world)
    other = tmp_path / "other host"
    shutil.copytree(world.root, other)
    world.grow()
    killed = run_cli(["run"], cwd=world.root, env={VARIABLE: moment})
    assert killed.exit_code == -signal.SIGKILL, killed.stderr
    shutil.copytree(world.root / "sources", other / "sources", dirs_exist_ok=True)
    first, world.root = world.root, other
    assert not recover(world, f"{moment} on another host", figures)
    world.root = first
    assert not recover(world, f"{moment}, back on the first", figures)


def _wait_until_stopped(running: Running) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        state = Path(f"/proc/{running.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state == "T":
            return
        time.sleep(0.02)
    raise AssertionError(f"the run did not come to its failpoint: {running.wait(1).stderr}")


def _end_sessions(url: str, pids: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(pg_terminate_backend(pid)) FROM ({pids}) AS chosen")
        assert cursor.fetchone()[0] >= 1
    connection.close()
