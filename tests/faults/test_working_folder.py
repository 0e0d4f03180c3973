"""dlt's working folder, gone after a kill or with a file that was cut short: by a power cut, a full disk, a copy."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from pipeline_cli.failpoints import VARIABLE
from pipeline_cli.testing import run_cli
from tests.faults.figures import Figures
from tests.faults.recovering import MakeWorld, check_runs_are_closed, recover, start
from tests.faults.world import DISPOSITIONS, PATHS, World

FOLDER = ".pipeline/dev/dlt/pipelines/things"
# Of what an earlier run left; of packages that are loaded nothing is read again.
DEATHS = ("", "extract.end_after", "normalize.after", "load.commit_after:2", "load.noted")
GONE = ("extract.end_after", *(f"load.commit_after:{number}" for number in range(1, 6)), "load.noted")
_VARIES = re.compile(r"\d{6,}\.\d+|(?<=\.)[0-9a-zA-Z_]{10}(?=\.\d)")  # load ids, and those of jobs


def kind_of(file: Path, world: World) -> str:
    return _VARIES.sub("…", str(file.relative_to(world.root / FOLDER)))


def find_files(world: World) -> dict[str, Path]:
    """The files of the working folder by what they are; not those of packages that are loaded, and no empty ones."""
    files = (world.root / FOLDER).rglob("*")
    return {
        kind_of(file, world): file
        for file in files
        if file.is_file() and "loaded" not in file.parts and file.stat().st_size
    }


def cut(file: Path, share: float) -> None:
    """Leave this share of the file, its beginning."""
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])


def leave(world: World, death: str) -> None:
    """Grow; and die there, where a death is said."""
    world.grow()
    if death:
        run_cli(["run"], cwd=world.root, env={VARIABLE: death})


@pytest.mark.faults
@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("disposition", ["append", "merge"])
def test_each_file_cut_short(
    make_world: MakeWorld, path: str, disposition: str, destination: str, death: str, figures: Figures
) -> None:
    if path == "columns" and death:
        return  # it leaves no package
    world = make_world(path, disposition, destination)
    start(world)
    wrong: list[str] = []
    done: set[tuple[str, float]] = set()
    while True:
        leave(world, death)
        found = find_files(world)
        left = [(kind, share) for kind in found for share in (0.0, 0.5) if (kind, share) not in done]
        if not left or wrong:  # a package that is stuck has names of its own with each try
            break
        kind, share = left[0]
        done.add((kind, share))
        cut(found[kind], share)
        wrong += recover(world, f"{kind} cut to {share:.0%} after {death or 'a run'}", figures)
    assert not wrong, "\n".join(wrong)
    assert len(done) >= (4 if path == "columns" else 6), done  # a column source has no versions of packages
    check_runs_are_closed(world)


@pytest.mark.faults
@pytest.mark.parametrize("disposition", DISPOSITIONS)
@pytest.mark.parametrize("path", ["rows", "api"])
def test_killed_and_then_the_folder_removed(
    make_world: MakeWorld, path: str, disposition: str, destination: str, figures: Figures
) -> None:
    world = make_world(path, disposition, destination)
    start(world)
    wrong: list[str] = []
    for death in GONE:
        leave(world, death)
        shutil.rmtree(world.root / ".pipeline/dev/dlt")
        wrong += recover(world, f"{death} without its folder", figures)
    assert not wrong, "\n".join(wrong)


@pytest.mark.faults
def test_killed_in_the_first_load_of_all_and_then_the_folder_removed(
    make_world: MakeWorld, destination: str, figures: Figures
) -> None:
    world = make_world("rows", "append", destination)
    leave(world, "load.commit_after:3")
    shutil.rmtree(world.root / ".pipeline/dev/dlt")
    assert recover(world, "a first load without its folder", figures) == []


def test_a_damaged_folder_is_made_anew_and_the_half_loaded_rows_go(
    make_world: MakeWorld, figures: Figures
) -> None:
    world = make_world("rows", "append", "duckdb")
    start(world)
    leave(world, "load.commit_after:3")
    cut(world.root / FOLDER / "state.json", 0.5)
    told = run_cli(["run"], cwd=world.root)
    assert told.exit_code == 0, told.stderr
    assert f"{FOLDER}/state.json was cut short" in " ".join((told.stdout + told.stderr).split()).replace(
        "\n", ""
    )
    verdict = world.judge()
    assert (verdict.lost, verdict.doubled) == ({}, {})
