"""Real runs that are killed, terminated, cut off from their database or out of disk at random moments.

Not part of `make test`: `make test-faults` runs these. PIPELINE_CLI_KILLS sets the kills of each of 24 cases.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline_cli.testing import run_cli
from tests.faults.figures import Figures
from tests.faults.recovering import MakeWorld, check_runs_are_closed, recover, start
from tests.faults.world import DISPOSITIONS, PATHS, World
from tests.servers.postgres import run_postgres
from tests.warm import Running, start_cli

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("PIPELINE_CLI_KILLS", "21"))  # 504 in all
TERMINATIONS = 5
RESTARTS = 5

every_path = pytest.mark.parametrize("path", PATHS)
every_disposition = pytest.mark.parametrize("disposition", DISPOSITIONS)


def strike(
    world: World, tries: int, figures: Figures, blow: Callable[[Running], None], codes: set[int]
) -> None:
    """Grow, start a run, strike it at a random moment of its usual duration, recover; so many times."""
    start(world)
    world.grow()
    begun = time.monotonic()
    assert run_cli(["run"], cwd=world.root).exit_code == 0
    whole_s = time.monotonic() - begun
    chance = random.Random(f"{world.path} {world.disposition}")
    wrong = []
    for _ in range(tries):
        world.grow()
        moment_s = chance.uniform(0.05, 1.0) * whole_s
        running = start_cli(["run"], cwd=world.root)
        time.sleep(moment_s)
        blow(running)
        ended = running.wait()
        if ended.exit_code not in codes:
            wrong.append(f"at {moment_s:.2f} s: exit code {ended.exit_code}: {ended.stderr}")
        wrong += recover(world, f"a blow at {moment_s:.2f} of {whole_s:.2f} s", figures)
    assert not wrong, "\n".join(wrong)
    check_runs_are_closed(world)


@every_path
@every_disposition
def test_killed(
    make_world: MakeWorld, path: str, disposition: str, destination: str, figures: Figures
) -> None:
    world = make_world(path, disposition, destination)
    strike(world, KILLS, figures, lambda running: running.send(signal.SIGKILL), {-signal.SIGKILL, 0})


@every_path
@every_disposition
def test_terminated(
    make_world: MakeWorld, path: str, disposition: str, destination: str, figures: Figures
) -> None:
    world = make_world(path, disposition, destination)
    # Before the command listens, the signal ends the process as it ends any.
    codes = {143, 0, -signal.SIGTERM}
    strike(world, TERMINATIONS, figures, lambda running: running.send(signal.SIGTERM), codes)


@every_path
@every_disposition
def test_postgres_is_restarted(
    make_world: MakeWorld, path: str, disposition: str, figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_postgres(keeps_commits=True) as server:
        name = server.create_database()
        world = make_world(path, disposition, server.url(name))
        strike(world, RESTARTS, figures, lambda _running: server.restart(), {0, 1})


@every_path
@pytest.mark.parametrize("disposition", ["append", "merge"])
def test_the_disk_is_full(path: str, disposition: str, tmp_path: Path, figures: Figures) -> None:
    """In a small file system of its own, which a namespace of the kernel gives to anybody."""
    program = [sys.executable, "-m", "tests.faults.full_disk", str(tmp_path), path, disposition]
    done = subprocess.run(["unshare", "-rm", *program], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    figures.update(told["figures"])
    assert told["failed"] > 0, "no run was out of disk"
    assert not told["wrong"], "\n".join(told["wrong"])
