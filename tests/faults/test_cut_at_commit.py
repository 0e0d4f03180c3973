"""The connection to Postgres breaks at a COMMIT: nobody knows whether it was done, and the next run finds out."""

from __future__ import annotations

import pytest

from pipeline_cli.testing import run_cli
from tests.faults.figures import Figures
from tests.faults.recovering import MakeWorld, recover, start
from tests.faults.world import DISPOSITIONS, World
from tests.servers.postgres_proxy import CommitCutter, Moment

LOADING = b"bronze_things"  # what the connections that load have in their statements
MOST_COMMITS = 30


def cut_every_commit(world: World, proxy: CommitCutter, moment: Moment, figures: Figures, most: int) -> None:
    """The first COMMIT of a run is cut, then the second of another run, until a run has none left to cut."""
    start(world)
    wrong = []
    for number in range(1, most + 1):
        world.grow()
        proxy.cut(moment, number, LOADING)
        before = proxy.cuts
        told = run_cli(["run"], cwd=world.root)
        proxy.cut(moment, 0)
        assert "Traceback" not in told.stdout + told.stderr
        if proxy.cuts == before:
            assert told.exit_code == 0, told.stderr
            break
        wrong += recover(world, f"COMMIT {number} cut {moment}", figures)
    assert proxy.cuts, "no COMMIT was cut"
    assert not wrong, "\n".join(wrong)


@pytest.mark.faults
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("disposition", DISPOSITIONS)
@pytest.mark.parametrize("path", ["rows", "columns"])
def test_every_commit(
    make_world: MakeWorld, path: str, disposition: str, moment: Moment, postgres_url: str, figures: Figures
) -> None:
    with CommitCutter(postgres_url) as proxy:
        cut_every_commit(make_world(path, disposition, proxy.url), proxy, moment, figures, MOST_COMMITS)


def test_the_first_commit_is_done_but_not_heard_of(
    make_world: MakeWorld, postgres_url: str, figures: Figures
) -> None:
    with CommitCutter(postgres_url) as proxy:
        cut_every_commit(make_world("rows", "append", proxy.url), proxy, "after", figures, 1)
