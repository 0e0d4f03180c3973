"""What every fault test does: the source grows, something happens to a run, and one plain run makes it whole."""

from __future__ import annotations

from collections.abc import Callable

from pipeline_cli.testing import run_cli
from tests.faults.figures import Figures
from tests.faults.world import World

MakeWorld = Callable[[str, str, str], World]


def start(world: World) -> None:
    """The first batch, loaded without a fault."""
    world.grow()
    first = run_cli(["run"], cwd=world.root)
    assert first.exit_code == 0, first.stderr
    assert (world.judge().lost, world.judge().doubled) == ({}, {})


def recover(world: World, fault: str, figures: Figures) -> list[str]:
    """One plain run; what is wrong after it. Counted in `figures`."""
    figures["tries"] += 1
    again = run_cli(["run", "--json"], cwd=world.root)
    if again.exit_code:
        figures["stuck"] += 1
        return [f"after {fault}: {again.exit_code} {again.stdout} {again.stderr}"]
    verdict = world.judge()
    figures["lost"] += verdict.lost.total()
    figures["doubled"] += verdict.doubled.total()
    wrong = [("lost", verdict.lost), ("doubled", verdict.doubled)]
    return [f"after {fault}: {word} {dict(rows.most_common(5))}" for word, rows in wrong if rows]


def check_runs_are_closed(world: World) -> None:
    """Every run has a final state in the ledger (P10)."""
    runs = run_cli(["runs", "--json", "--limit", "300"], cwd=world.root).document
    assert runs is not None
    assert "running" not in {run["status"] for run in runs["runs"]}
