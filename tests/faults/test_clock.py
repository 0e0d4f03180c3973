"""Clocks that are wrong: an hour back, ten years ahead. Loads are told apart by the time at which they began."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from tests.faults.recovering import MakeWorld
from tests.faults.world import World

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WRONG = {"back": timedelta(hours=-1), "ahead": timedelta(days=3653)}
# A process of its own for each run: dlt's clock never goes back within one.
RUN_AT = """
import sys
import time_machine
time_machine.travel(float(sys.argv[1]), tick=True).start()
from pipeline_cli.cli import main
sys.argv = ["pipeline-cli", "run"]
main()
"""


def run_at(world: World, moment: datetime) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN_AT, str(moment.timestamp())],
        cwd=world.root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.faults
@pytest.mark.parametrize("error", WRONG)
@pytest.mark.parametrize("disposition", ["append", "merge", "scd2"])
@pytest.mark.parametrize("path", ["rows", "api", "columns"])
def test_a_clock_that_is_wrong_for_one_run(
    make_world: MakeWorld, path: str, disposition: str, destination: str, error: str
) -> None:
    """And the working folder gone after it: what was loaded, and until where, has to come from the warehouse."""
    check(make_world(path, disposition, destination), error)


@pytest.mark.parametrize("error", WRONG)
def test_a_clock_that_is_wrong_and_a_new_machine(make_world: MakeWorld, error: str) -> None:
    check(make_world("rows", "append", "duckdb"), error)


def check(world: World, error: str) -> None:
    """Each batch is read by one run, and again by a new machine whose source gives the same records once more."""
    for number, wrong in enumerate((timedelta(0), WRONG[error], timedelta(0))):
        world.grow()
        for moment in (NOW + timedelta(minutes=number) + wrong, NOW + timedelta(minutes=number, seconds=30)):
            run_at(world, moment)
            shutil.rmtree(world.root / ".pipeline" / "dev" / "dlt")
            verdict = world.judge()
            assert (verdict.lost, verdict.doubled) == ({}, {}), moment
