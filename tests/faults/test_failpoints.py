"""The process dies at each named moment, and once more while it recovers: one plain run makes everything whole."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence

import pytest

from pipeline_cli.failpoints import POINTS, VARIABLE
from pipeline_cli.testing import run_cli
from tests.faults.conftest import Figures
from tests.faults.world import DISPOSITIONS, World

MakeWorld = Callable[[str, str, str], World]

ROWS = [
    ("extract.end_before",),
    ("extract.end_after",),
    ("normalize.after",),
    *((f"load.commit_before:{time}",) for time in (1, 2, 3, 4)),
    *((f"load.commit_after:{time}",) for time in (1, 2, 3, 4, 5)),
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
    """Grow, die at each point in turn, run once more; what is wrong then. Counted in `figures`."""
    world.grow()
    figures["tries"] += 1
    for death in deaths:
        died = run_cli(["run"], cwd=world.root, env={VARIABLE: death})
        if died.exit_code == 0 and (":" in death or death != deaths[0]):
            break  # a load of fewer transactions, or nothing left to recover
        if died.exit_code != -signal.SIGKILL:
            return [f"{death} was not reached: {died.exit_code} {died.stderr}"]
    again = run_cli(["run", "--json"], cwd=world.root)
    if again.exit_code:
        figures["stuck"] += 1
        return [f"after {deaths}: {again.exit_code} {again.stdout} {again.stderr}"]
    verdict = world.judge()
    figures["lost"] += verdict.lost.total()
    figures["doubled"] += verdict.doubled.total()
    wrong = [("lost", verdict.lost), ("doubled", verdict.doubled)]
    return [f"after {deaths}: {word} {dict(rows.most_common(5))}" for word, rows in wrong if rows]


def start(world: World) -> None:
    world.grow()
    first = run_cli(["run"], cwd=world.root)
    assert first.exit_code == 0, first.stderr
    assert (world.judge().lost, world.judge().doubled) == ({}, {})


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
    runs = run_cli(["runs", "--json", "--limit", "200"], cwd=world.root).document
    assert runs is not None
    assert "running" not in {run["status"] for run in runs["runs"]}


def test_the_worst_moments(make_world: MakeWorld, figures: Figures) -> None:
    world = make_world("rows", "append", "duckdb")
    start(world)
    wrong = []
    for deaths in (("load.commit_after:2",), ("load.noted", "recovery.removed"), ("normalize.after",)):
        wrong += die_and_recover(world, deaths, figures)
    assert not wrong, "\n".join(wrong)


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
