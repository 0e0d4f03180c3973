"""kill -9 at random moments of real runs: one plain re-run, and every record is there once (promises P1, P4, P10).

Not part of `make test`: `make test-faults` runs these. PIPELINE_CLI_KILLS sets the kills of each case.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.testing import make_project, run_cli

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("PIPELINE_CLI_KILLS", "10"))
BATCH = 2_000  # records that the source gains before each kill

MANIFEST = """\
version: 1
name: faults
default_environment: dev
environments: {{dev: {{destination: warehouse}}}}
destinations:
  warehouse: {destination}
sources:
  events:
    type: python
    path: sources/events.py
pipelines:
  events: {{sources: [events]}}
"""

SOURCE = """\
import pathlib

import dlt


@dlt.resource(name="events", write_disposition="{disposition}", primary_key="id")
def events(at=dlt.sources.incremental("id", initial_value=-1)):
    last = int(pathlib.Path(__file__).with_name("last.txt").read_text())
    first = max(at.last_value + 1, 0)
    for start in range(first, last, 500):
        yield [{{"id": n, "lines": [{{"n": n}}, {{"n": -n}}]}} for n in range(start, min(start + 500, last))]
"""


@pytest.fixture(params=["duckdb", "postgres"])
def destination(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def warehouse(
    destination: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[str, dict[str, str], Callable[[str], list[Any]]]]:
    """(the manifest's entry, environment variables, a way to ask SQL) of an empty warehouse."""
    if destination == "duckdb":
        file = tmp_path / "project" / ".pipeline" / "dev" / "warehouse.duckdb"
        yield "{type: duckdb}", {}, lambda sql: _ask_duckdb(file, sql)
    else:
        url = request.getfixturevalue("postgres_url")
        entry = '{type: postgres, credentials: "${env:FAULTS_URL}"}'
        yield entry, {"FAULTS_URL": url}, lambda sql: _ask_postgres(url, sql)


@pytest.mark.parametrize("disposition", ["append", "merge"])
def test_no_record_is_lost_or_doubled_whenever_a_run_is_killed(
    warehouse: tuple[str, dict[str, str], Callable[[str], list[Any]]], disposition: str, tmp_path: Path
) -> None:
    entry, environment, ask = warehouse
    files = {"sources/events.py": SOURCE.format(disposition=disposition), "sources/last.txt": str(BATCH)}
    project = make_project(tmp_path / "project", MANIFEST.format(destination=entry), files)
    assert run_cli(["run"], cwd=project, env=environment).exit_code == 0
    whole_s = _time_of(project, environment)
    chance = random.Random(20261121)
    for kill in range(1, KILLS + 1):
        expected = BATCH * (kill + 1)
        (project / "sources/last.txt").write_text(str(expected))
        moment_s = chance.uniform(0.3, 1.0) * whole_s
        _kill_a_run(project, environment, moment_s)
        again = run_cli(["run", "--json"], cwd=project, env=environment)
        assert again.exit_code == 0, f"kill {kill} at {moment_s:.2f} s: {again.stdout}{again.stderr}"
        found = ask("SELECT count(*), count(DISTINCT id), min(id), max(id) FROM bronze_events.events")
        assert found == [(expected, expected, 0, expected - 1)], f"kill {kill} at {moment_s:.2f} s"
        children = ask("SELECT count(*), count(DISTINCT _dlt_id) FROM bronze_events.events__lines")
        assert children == [(2 * expected, 2 * expected)], f"kill {kill} at {moment_s:.2f} s"
    unfinished = run_cli(["runs", "--json", "--limit", "100"], cwd=project, env=environment)
    assert unfinished.document is not None
    assert "running" not in {run["status"] for run in unfinished.document["runs"]}


def _time_of(project: Path, environment: dict[str, str]) -> float:
    started = time.monotonic()
    run_cli(["run"], cwd=project, env=environment)
    return time.monotonic() - started + 0.8  # what a run takes that has something to load


def _kill_a_run(project: Path, environment: dict[str, str], after_s: float) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", "from pipeline_cli.cli import main; main()", "run"],
        cwd=project,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(after_s)
    run.send_signal(signal.SIGKILL)
    run.wait()


def _ask_duckdb(file: Path, sql: str) -> list[Any]:
    import duckdb

    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def _ask_postgres(url: str, sql: str) -> list[Any]:
    import psycopg2

    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())
    finally:
        connection.close()
