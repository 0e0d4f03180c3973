"""A machine that gives too little: memory, or the right to write in the working folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline_cli.testing import CliResult
from tests.faults.figures import Figures
from tests.faults.recovering import MakeWorld, check_runs_are_closed, recover, start
from tests.faults.world import World

COMMAND = Path(sys.executable).with_name("pipeline-cli")
MEMORY_MB = (150, 300, 400, 500, 600, 700, 800, 900, 1_000, 1_200)
every_path = pytest.mark.parametrize("path", ["rows", "api", "columns"])


def run_under(prefix: list[str], world: World) -> CliResult:
    done = subprocess.run(
        [*prefix, str(COMMAND), "run"], cwd=world.root, capture_output=True, text=True, timeout=180
    )
    return CliResult(done.returncode, done.stdout, done.stderr, None)


@pytest.mark.faults
@every_path
def test_a_limit_of_memory(make_world: MakeWorld, path: str, destination: str, figures: Figures) -> None:
    """From too little up to enough; told in a sentence, but for where a library (OpenBLAS) ends the process itself."""
    world = make_world(path, "append", destination)
    start(world)
    told, wrong = [], []
    for memory_mb in MEMORY_MB:
        world.grow()
        done = run_under(["prlimit", f"--as={memory_mb << 20}"], world)
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        assert done.exit_code != 3, done.stderr + done.stdout
        said = " ".join((done.stdout + done.stderr).split())
        told.append(done.exit_code == 1 and "there is not enough memory" in said)
        wrong += recover(world, f"a limit of {memory_mb} MB", figures)
    assert not wrong, "\n".join(wrong)
    assert any(told)
    check_runs_are_closed(world)


@pytest.mark.parametrize(
    ("folder", "code"),
    [
        pytest.param(".", "E325", marks=pytest.mark.thorough),
        pytest.param(".pipeline/dev", "E302", marks=pytest.mark.thorough),
        (".pipeline/dev/dlt", "E302"),
    ],
)
def test_a_working_folder_that_cannot_be_written(
    make_world: MakeWorld, folder: str, code: str, figures: Figures
) -> None:
    """Read-only for this one command: in a namespace of its own, which the kernel gives to anybody."""
    world = make_world("rows", "append", "duckdb")
    start(world)
    world.grow()
    place = (world.root / folder).resolve()
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && cd "$PWD" && exec "$@"'
    refused = run_under(["unshare", "-rm", "sh", "-c", script, str(place)], world)
    told = " ".join((refused.stdout + refused.stderr).split())
    assert refused.exit_code == 1, told
    assert code in told and "Read-only file system" in told, told
    assert str(place) in told.replace(" ", ""), "a long path is parted between two lines"
    assert "right to write" in told or "may write there" in told
    assert "Traceback" not in told
    assert recover(world, f"a read-only {folder}", figures) == []
