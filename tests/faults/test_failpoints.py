"""The process dies at each named moment, and once more while it recovers: one plain run makes everything whole."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence

import pytest

from pipeline_cli.failpoints import POINTS, VARIABLE
from pipeline_cli.testing import run_cli
from tests.faults.figures import Figures
from tests.faults.recovering import MakeWorld, check_runs_are_closed, recover, start
from tests.faults.world import DISPOSITIONS, World

ROWS = [
    ("extract.end_before",),
    ("extract.committed",),
    ("extract.end_after",),
    ("package.delete_before",),
    ("package.delete_before:2",),
    ("normalize.after",),
    *((f"load.commit_before:{time}",) for time in (1, 2, 3, 4)),
    *((f"load.commit_after:{time}",) for time in (1, 2, 3, 4, 5)),
    ("load.merge_queued:1",),  # of what is merged
    ("load.noted",),
    ("load.after",),
    ("ledger.load_after",),
    ("run.transform_before",),
    ("load.commit_after", "recovery.begin"),
    ("load.commit_after:2", "recovery.removed"),
    ("load.commit_after", "recovery.queued"),
    ("load.commit_after:3", "load.commit_after"),
    ("load.commit_before:2", "load.commit_after:2"),
    ("normalize.after", "recovery.queued", "load.noted"),
    ("load.noted", "recovery.removed", "recovery.loaded"),
    ("extract.end_after", "recovery.removed"),
]
COLUMNS = [
    ("columns.commit_before",),
    ("columns.commit_after",),
    ("ledger.load_after",),
    ("run.transform_before",),
    ("columns.commit_before", "columns.commit_after"),
]


def die_and_recover(world: World, deaths: Sequence[str], figures: Figures) -> list[str]:
    """Grow, die at each point in turn, run once more; what is wrong then."""
    world.grow()
    for death in deaths:
        died = run_cli(["run"], cwd=world.root, env={VARIABLE: death})
        if died.exit_code == 0 and (":" in death or death != deaths[0]):
            break  # a load of fewer transactions, or nothing left to recover
        if died.exit_code != -signal.SIGKILL:
            return [f"{death} was not reached: {died.exit_code} {died.stderr}"]
    return recover(world, ", then ".join(deaths), figures)


@pytest.mark.faults
@pytest.mark.parametrize("disposition", DISPOSITIONS)
@pytest.mark.parametrize("path", ["rows", "api", "columns"])
def test_every_moment(
    make_world: MakeWorld, path: str, disposition: str, destination: str, figures: Figures
) -> None:
    world = make_world(path, disposition, destination)
    start(world)
    wrong = []
    for deaths in COLUMNS if path == "columns" else ROWS:
        wrong += die_and_recover(world, deaths, figures)
    assert not wrong, "\n".join(wrong)
    check_runs_are_closed(world)


def test_the_worst_moments(make_world: MakeWorld, figures: Figures) -> None:
    world = make_world("rows", "append", "duckdb")
    start(world)
    wrong = []
    for deaths in (("load.commit_after:2",), ("load.noted", "recovery.removed"), ("extract.committed",)):
        wrong += die_and_recover(world, deaths, figures)
    assert not wrong, "\n".join(wrong)


def test_a_merge_that_was_queued_waits_for_its_rows_again(make_world: MakeWorld, figures: Figures) -> None:
    """Begun before they are staged, it would end every version that there is."""
    world = make_world("rows", "scd2", "duckdb")
    start(world)
    world.grow()
    jobs = world.root / ".pipeline/dev/dlt/pipelines/things/load/normalized"
    for death, is_queued in (("load.merge_queued", True), ("recovery.queued", False)):
        assert run_cli(["run"], cwd=world.root, env={VARIABLE: death}).exit_code == -signal.SIGKILL
        kinds = {job.suffix for job in jobs.glob("*/new_jobs/*")}
        assert (".sql" in kinds) is is_queued and (".parquet" in kinds or is_queued), kinds
    assert recover(world, "a merge that was queued", figures) == []


@pytest.mark.parametrize("is_normalized", [True, False])
def test_a_package_that_was_half_deleted(
    make_world: MakeWorld, is_normalized: bool, figures: Figures
) -> None:
    world = make_world("rows", "append", "duckdb")
    start(world)
    world.grow()
    death = "package.delete_before:2" if is_normalized else "package.delete_before"
    assert run_cli(["run"], cwd=world.root, env={VARIABLE: death}).exit_code == -signal.SIGKILL
    folder = world.root / ".pipeline/dev/dlt/pipelines/things/normalize/extracted"
    (package,) = folder.iterdir()
    shutil.rmtree(package / "new_jobs")
    assert recover(world, "a package that was half deleted", figures) == []


def test_the_worst_moments_of_columns(make_world: MakeWorld, figures: Figures) -> None:
    world = make_world("columns", "merge", "duckdb")
    start(world)
    wrong = [
        each
        for deaths in (("columns.commit_before",), ("columns.commit_after",))
        for each in die_and_recover(world, deaths, figures)
    ]
    assert not wrong, "\n".join(wrong)


def test_an_unknown_failpoint_is_refused_with_those_there_are(make_world: MakeWorld) -> None:
    refused = run_cli(["run"], cwd=make_world("rows", "append", "duckdb").root, env={VARIABLE: "load.middle"})
    assert refused.exit_code == 2
    assert "load.middle" in refused.stderr and all(point in refused.stderr for point in POINTS)


# What finds a package of an earlier run is taken out of the command.
WITHOUT_RECOVERY = """
import sys
import pipeline_cli.loading.rows as rows

def forget(request, pipeline):
    pipeline.sync_destination()
    return frozenset(), []

rows.recover = forget
from pipeline_cli.cli import main
sys.argv = ["pipeline-cli", "run"]
main()
"""


def test_without_the_recovery_these_tests_fail(make_world: MakeWorld) -> None:
    # The jobs of a load commit in any order: which of the moments is between the rows and dlt's note of them differs.
    told = []
    for number in range(1, 6):
        world = make_world("rows", "append", "duckdb")
        start(world)
        world.grow()
        death = {VARIABLE: f"load.commit_after:{number}"}
        assert run_cli(["run"], cwd=world.root, env=death).exit_code == -signal.SIGKILL
        again = subprocess.run(
            [sys.executable, "-c", WITHOUT_RECOVERY], cwd=world.root, capture_output=True, text=True
        )
        verdict = world.judge()
        if verdict.lost or verdict.doubled:
            return
        told.append(again.stderr)
        shutil.rmtree(world.root)
    raise AssertionError("\n".join(told))
