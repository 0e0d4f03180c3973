"""`schedule run` as a process of its own, with real runs on a real DuckDB file."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.ledger import Ledger
from pipeline_cli.ledger.slots import SlotBook
from pipeline_cli.testing import make_project, run_cli

MANIFEST = """
version: 1
name: shop
default_environment: dev
environments: {dev: {destination: duckdb}}
destinations: {duckdb: {type: duckdb, path: warehouse.duckdb}}
sources:
  things: {type: python, path: sources/things.py}
  broken: {type: python, path: sources/broken.py}
pipelines:
  broken: {sources: [broken], schedule: "0 0 1 1 *"}
  shop: {sources: [things], schedule: "0 0 1 1 *"}
"""
THINGS = """
import os, time
import dlt

@dlt.resource
def things():
    yield {"at": time.time()}
    if os.environ.get("SLOW"):
        time.sleep(60)
"""
BROKEN = """
import os, signal
import dlt

@dlt.resource
def broken():
    os.kill(os.getpid(), signal.SIGKILL)
    yield {}
"""
FILES = {"sources/things.py": THINGS, "sources/broken.py": BROKEN}


def make_due(project: Path, *pipelines: str) -> None:
    """One slot of each pipeline is missed: the schedule was looked at before the last New Year."""
    ledger = Ledger.open(project / ".pipeline" / "runs.db")
    book = SlotBook(ledger.database, "dev")
    for name in pipelines:
        book.decided_until(name, "0 0 1 1 * UTC", datetime.now(UTC) - timedelta(days=366))
    ledger.close()


def slots(project: Path) -> list[tuple[str, str, str | None, str | None]]:
    return ask(project, "SELECT pipeline, status, outcome, run_id FROM slots ORDER BY pipeline")


def runs(project: Path) -> list[str]:
    return [row[0] for row in ask(project, "SELECT status FROM runs ORDER BY started_at")]


def ask(project: Path, query: str) -> list[Any]:
    connection = sqlite3.connect(project / ".pipeline" / "runs.db", timeout=30)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def wait_until(met: Callable[[], bool], seconds: float = 60) -> None:
    give_up = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < give_up
        time.sleep(0.01)


@contextmanager
def scheduler(project: Path, *options: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    code = "from pipeline_cli.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "schedule", "run", *options],
        cwd=project,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()


def children_of(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in found.split()]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path, MANIFEST, FILES)


@pytest.mark.parametrize("child_dies", [True, False])
def test_a_kill_between_taking_a_slot_and_running_it_neither_loses_nor_doubles_it(
    project: Path, child_dies: bool
) -> None:
    make_due(project, "shop")
    with scheduler(project) as first:
        wait_until(lambda: [slot[1] for slot in slots(project)] == ["taken"] and children_of(first.pid) != [])
        (child,) = children_of(first.pid)
        os.kill(first.pid, signal.SIGKILL)
        if child_dies:
            os.kill(child, signal.SIGKILL)
        first.wait()
    assert (runs(project), [slot[1] for slot in slots(project)]) == ([], ["taken"])
    with scheduler(project) as second:
        wait_until(lambda: [slot[1] for slot in slots(project)] == ["ended"])
        time.sleep(2)
        second.send_signal(signal.SIGTERM)
        assert second.wait(30) == 143
    assert runs(project) == ["succeeded"]
    (slot,) = slots(project)
    assert slot[:3] == ("shop", "ended", "succeeded")
    document = run_cli(["runs", "show", "--json"], cwd=project).document
    assert document is not None and document["slot"] == f"{datetime.now(UTC):%Y}-01-01T00:00:00Z"


def test_two_schedulers_do_not_double_a_slot(project: Path) -> None:
    make_due(project, "shop")
    with scheduler(project) as first, scheduler(project) as second:
        wait_until(lambda: [slot[1] for slot in slots(project)] == ["ended"])
        time.sleep(6)
        for process in (first, second):
            process.send_signal(signal.SIGINT)
        assert [first.wait(30), second.wait(30)] == [130, 130]
    assert runs(project) == ["succeeded"]


def test_a_run_that_kills_its_own_process_harms_nothing_else(project: Path) -> None:
    make_due(project, "broken", "shop")
    with scheduler(project, "--json") as process:
        wait_until(lambda: [slot[1] for slot in slots(project)] == ["ended", "ended"])
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 143
    assert [slot[:3] for slot in slots(project)] == [
        ("broken", "ended", "interrupted"),
        ("shop", "ended", "succeeded"),
    ]
    assert "broken: interrupted" in err and "its process was killed (SIGKILL)" in err
    document = json.loads(out)
    assert document["slots"] == {"interrupted": 1, "succeeded": 1}
    assert document["command"] == "schedule run"


def test_a_signal_stops_the_run_as_run_is_stopped_and_the_slot_is_run_later(project: Path) -> None:
    make_due(project, "shop")
    with scheduler(project, SLOW="1") as process:
        wait_until(lambda: runs(project) == ["running"])
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=40)
    assert process.returncode == 130
    assert runs(project) == ["interrupted"]
    assert "the next scheduler runs the slot again" in err
    with scheduler(project):
        wait_until(lambda: runs(project) == ["interrupted", "succeeded"])


def test_a_change_of_the_manifest_is_seen_while_the_scheduler_runs(project: Path) -> None:
    with scheduler(project) as process:
        wait_until(lambda: (project / ".pipeline" / "runs.db").exists())
        time.sleep(1)
        manifest = project / "pipelines.yaml"
        manifest.write_text(
            MANIFEST.replace('shop: {sources: [things], schedule: "0 0 1 1 *"}', "shop: {sorces: []}")
        )
        time.sleep(2.5)
        every_minute = MANIFEST.replace('[things], schedule: "0 0 1 1 *"', '[things], schedule: "* * * * *"')
        manifest.write_text(every_minute)
        wait_until(lambda: ("* * * * * UTC",) in ask(project, "SELECT expression FROM schedules"))
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=40)
    assert "No slot is run until this is mended: pipelines.yaml:12: " in err
    assert "The manifest is right again." in err


def test_without_a_schedule_there_is_nothing_to_run(tmp_path: Path) -> None:
    result = run_cli(["schedule", "run"], cwd=make_project(tmp_path))
    assert result.exit_code == 2
    assert "No pipeline has a schedule" in result.stderr and "Traceback" not in result.stderr
