"""Runs that are interrupted, terminated, killed, or find their pipeline held."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline_cli.errors import Busy
from pipeline_cli.run import open_ledger
from tests.unit.run.world import World, make_world, statuses

Start = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a run in a process, and wait until it is in the given phase."""
    begun: list[subprocess.Popen[str]] = []

    def run(phase: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.unit.run.child", str(tmp_path), phase]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3])
        begun.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        return child

    yield run
    for child in begun:
        child.kill()
        child.communicate()


def steps_of_last_run(world: World) -> dict[str, str]:
    with open_ledger(world.project) as ledger:
        run_id = ledger.recent()[0].run_id
        (pipeline,) = ledger.document(run_id)["pipelines"]
        assert ledger.recent()[0].status == "interrupted"
        return {step["name"]: step["status"] for step in pipeline["steps"]}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("phase", ["ingest", "transform"])
def test_first_signal_ends_the_run_as_interrupted(
    world: World, start: Start, phase: str, number: signal.Signals, code: int
) -> None:
    child = start(phase)
    child.send_signal(number)
    assert child.wait(20) == code
    expected = {"ingest:api": "interrupted", "transform:marts": "skipped", "test:marts": "skipped"}
    if phase == "transform":
        expected |= {"ingest:api": "succeeded", "transform:marts": "interrupted"}
    assert steps_of_last_run(world) == expected
    world.run()  # no lock is left


def test_second_signal_does_not_wait_for_a_source_that_is_deaf(world: World, start: Start) -> None:
    child = start("deaf")
    child.send_signal(signal.SIGINT)
    time.sleep(1)
    assert child.poll() is None
    begun = time.monotonic()
    child.send_signal(signal.SIGINT)
    assert child.wait(20) == 130
    assert time.monotonic() - begun < 3
    assert steps_of_last_run(world)["ingest:api"] == "interrupted"


def test_killed_run_is_closed_by_the_next_and_its_load_is_transformed(world: World, start: Start) -> None:
    child = start("loaded")
    child.send_signal(signal.SIGKILL)
    child.wait(20)
    world.loader.news = {}
    result = world.run()
    assert statuses(result)["transform:marts"] == "succeeded"
    with open_ledger(world.project) as ledger:
        killed = ledger.recent()[1]
        assert killed.status == "interrupted"
        document = ledger.document(killed.run_id)
    assert f"process {child.pid}" in document["errors"][0]["message"]
    assert [step["status"] for step in document["pipelines"][0]["steps"]] == [
        "interrupted",
        "skipped",
        "skipped",
    ]


def test_killed_run_can_be_retried(world: World, start: Start) -> None:
    child = start("transform")
    child.send_signal(signal.SIGKILL)
    child.wait(20)
    result = world.run(retry_of="last")
    assert statuses(result) == {"transform:marts": "succeeded", "test:marts": "succeeded"}


def test_run_of_a_held_pipeline_is_busy_and_names_the_holder(world: World, start: Start) -> None:
    child = start("ingest")
    with pytest.raises(Busy) as raised:
        world.run()
    assert f"process {child.pid} on " in raised.value.message
    assert "(run)" in raised.value.message
    with open_ledger(world.project) as ledger:
        assert [run.status for run in ledger.recent()] == ["running"]  # and it was not closed as abandoned
    os.kill(child.pid, signal.SIGKILL)
    child.wait(20)
    assert world.run().status == "succeeded"
