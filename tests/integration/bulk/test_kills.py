"""kill -9 while a file is being loaded: nothing of it shows, and one plain re-run loads every row once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.testing import make_project, run_cli

ROWS = 200_000
KILLS = int(os.environ.get("PIPELINE_CLI_KILLS", "10"))
MANIFEST = """\
version: 1
name: kills
default_environment: dev
environments: {{dev: {{destination: warehouse}}}}
destinations:
  warehouse: {destination}
sources:
  files:
    type: filesystem
    bucket_url: data
    resources:
      items: {{file_glob: "*.csv", primary_key: id, write_disposition: {disposition}}}
pipelines:
  files: {{sources: [files]}}
"""


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest, postgres_database: Callable[..., str]) -> str:
    """The manifest's entry; the address of Postgres stands in the environment."""
    if request.param == "duckdb":
        return "{type: duckdb, path: w.duckdb}"
    os.environ["KILLS_URL"] = postgres_database()
    return '{type: postgres, credentials: "${env:KILLS_URL}"}'


def write_file(folder: Path, number: int) -> None:
    """File N: keys 0 to ROWS, with N in each row; under merge it changes all of them."""
    folder.mkdir(exist_ok=True)
    first = number * ROWS
    rows = "".join(f"{first + n},{number},some text of the row {n}\n" for n in range(ROWS))
    (folder / f"file{number}.csv").write_text(f"id,version,text\n{rows}", encoding="utf-8")


def count(root: Path, warehouse: str) -> tuple[int, int]:
    """(rows, distinct keys) of the table; (0, 0) where there is none."""
    statement = "SELECT count(*), count(DISTINCT id) FROM bronze_files.items"
    if "duckdb" in warehouse:
        import duckdb

        file = next(root.glob(".pipeline/dev/w.duckdb"), None)
        if file is None:
            return 0, 0
        connection: Any = duckdb.connect(str(file))
        error: type[Exception] = duckdb.CatalogException
    else:
        import psycopg2

        connection = psycopg2.connect(os.environ["KILLS_URL"])
        error = psycopg2.errors.UndefinedTable
    try:
        cursor = connection.cursor()
        cursor.execute(statement)
        rows, keys = cursor.fetchone()
        return int(rows), int(keys)
    except error:
        return 0, 0
    finally:
        connection.close()


def kill_a_run(root: Path, delay_s: float) -> bool:
    """Start a run, kill it `delay_s` after it began to load; False when it was over before that."""
    program = [sys.executable, "-c", "from pipeline_cli.cli import main; main()", "run"]
    process = subprocess.Popen(program, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    loading = root / ".pipeline" / "dev" / "tmp" / "load_files"
    while process.poll() is None and not loading.exists():
        time.sleep(0.002)
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    return process.wait() != 0


def check_kill(root: Path, warehouse: str, number: int, delay_s: float) -> bool:
    """Kill the load of one more file, and run again; whether the kill came before the end."""
    write_file(root / "data", number)
    before = number * ROWS
    was_killed = kill_a_run(root, delay_s)
    assert count(root, warehouse) in [(before, before), (before + ROWS, before + ROWS)]
    again = run_cli(["run"], cwd=root)
    assert again.exit_code == 0, again.stderr
    assert count(root, warehouse) == (before + ROWS, before + ROWS)
    return was_killed


def test_a_killed_load_leaves_nothing_and_is_made_good(tmp_path: Path, warehouse: str) -> None:
    root = make_project(tmp_path, MANIFEST.format(destination=warehouse, disposition="append"))
    assert check_kill(root, warehouse, 0, delay_s=0.05)
    assert check_kill(root, warehouse, 1, delay_s=0.25)
    assert not list((root / ".pipeline" / "dev" / "tmp").iterdir())


@pytest.mark.faults
@pytest.mark.parametrize("disposition", ["append", "merge"])
def test_kills_at_random_moments(tmp_path: Path, warehouse: str, disposition: str) -> None:
    root = make_project(tmp_path, MANIFEST.format(destination=warehouse, disposition=disposition))
    chance = random.Random(20261121)
    killed = [check_kill(root, warehouse, number, chance.uniform(0, 2)) for number in range(KILLS)]
    assert any(killed)
