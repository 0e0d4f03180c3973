"""What a protected environment refuses to each command that reads sources, and what it lets it do."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline_cli.ledger import Ledger
from pipeline_cli.ledger.slots import SlotBook
from pipeline_cli.testing import CliResult, make_project
from tests.integration.planning.conftest import DESTINATIONS, World
from tests.warm import start_cli

YEARLY = "0 0 1 1 *"
MANIFEST = f"""
version: 1
name: shop
default_environment: prod
environments: {{prod: {{destination: warehouse, protected: true}}}}
sources:
  api:
    type: python
    path: sources/api.py
    resources:
      events: {{primary_key: id, write_disposition: merge, incremental: {{cursor_path: id, initial_value: 10}}}}
pipelines:
  shop: {{sources: [api], schedule: "{YEARLY}"}}
"""
# A file says what the API has, and another that it is down: neither is a change of the project.
API = """
import pathlib

import dlt

FOLDER = pathlib.Path(__file__).parents[1] / "data"


@dlt.resource(name="events")
def events(at=dlt.sources.incremental("id", initial_value=10)):
    if (FOLDER / "down").exists():
        raise ConnectionError("the API is down")
    ids = map(int, (FOLDER / "ids").read_text().split())
    yield [{"id": id_} for id_ in ids if at.last_value <= id_ and (at.end_value is None or id_ < at.end_value)]
"""
IDS = "SELECT id FROM bronze_api.events ORDER BY id"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An environment that has run events 10 and 11, and whose API has events 1 to 12 now."""
    files = {
        "sources/api.py": API,
        "data/ids": "10 11",
        "destinations/warehouse.yaml": DESTINATIONS["duckdb"],
    }
    world = World(make_project(tmp_path, MANIFEST, files))
    assert world.run("run").exit_code == 0
    (world.root / "data/ids").write_text(" ".join(map(str, range(1, 13))))
    return world


def change(world: World) -> None:
    world.change("pipelines.yaml", "write_disposition: merge", "write_disposition: append")


def change_back(world: World) -> None:
    world.change("pipelines.yaml", "write_disposition: append", "write_disposition: merge")


def check_refused(world: World, refused: CliResult) -> None:
    told = refused.document and [error["code"] for error in refused.document["errors"]]
    assert (refused.exit_code, told) == (10, ["E025"]), refused.stderr
    assert "source api" in refused.stderr
    assert "pipeline-cli plan --out changes.plan, then: pipeline-cli apply" in refused.stderr
    assert world.query(IDS) == [(10,), (11,)]


@pytest.mark.thorough
def test_a_retry_of_a_protected_environment_refuses_what_no_applied_plan_holds(world: World) -> None:
    down = world.root / "data/down"
    down.touch()
    assert world.run("run").exit_code == 1
    down.unlink()
    change(world)
    check_refused(world, world.run("retry", "--json"))
    change_back(world)
    retried = world.run("retry")
    assert retried.exit_code == 0, retried.stderr
    assert world.query(IDS) == [(10,), (11,), (12,)]


def test_a_backfill_of_a_protected_environment_refuses_what_no_applied_plan_holds(world: World) -> None:
    asked = ("backfill", "shop", "--start", "1", "--end", "10", "--json")
    change(world)
    check_refused(world, world.run(*asked))
    change_back(world)
    filled = world.run(*asked)
    assert filled.exit_code == 0, filled.stderr
    assert world.query(IDS) == [(id_,) for id_ in range(1, 12)]


def run_due_slot(world: World) -> tuple[str, str | None, CliResult]:
    """Let a scheduler do the one slot that is due: its outcome, its run's error, and what the scheduler said."""
    ledger = Ledger.open(world.root / ".pipeline/runs.db")
    book = SlotBook(ledger.database, "prod")
    book.decided_until("shop", f"{YEARLY} UTC", datetime.now(UTC) - timedelta(days=366))
    scheduler = start_cli(["schedule", "run"], cwd=world.root)
    give_up = time.monotonic() + 60
    try:
        while not (ended := find_outcomes(world)) and time.monotonic() < give_up:
            time.sleep(0.05)
    finally:
        scheduler.send(signal.SIGINT)
        result = scheduler.wait()
        ledger.close()
    assert len(ended) == 1, result.stderr
    document = json.loads((world.root / ".pipeline/prod/schedule/shop.json").read_text())
    return ended[0], next((error["code"] for error in document["errors"]), None), result


def find_outcomes(world: World) -> list[str]:
    with closing(sqlite3.connect(world.root / ".pipeline/runs.db", timeout=30)) as connection:
        rows = connection.execute("SELECT outcome FROM slots WHERE outcome IS NOT NULL").fetchall()
    return [outcome for (outcome,) in rows]


@pytest.mark.thorough
def test_a_schedule_of_a_protected_environment_refuses_what_no_applied_plan_holds(world: World) -> None:
    change(world)
    outcome, code, result = run_due_slot(world)
    assert (outcome, code) == ("failed", "E025"), result.stderr
    assert "is protected, and no applied plan holds what has changed: source api" in result.stderr
    assert world.query(IDS) == [(10,), (11,)]


@pytest.mark.thorough
def test_a_schedule_of_a_protected_environment_runs_data_as_usual(world: World) -> None:
    outcome, code, result = run_due_slot(world)
    assert (outcome, code) == ("succeeded", None), result.stderr
    assert world.query(IDS) == [(10,), (11,), (12,)]
