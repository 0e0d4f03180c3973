"""make bench: how long pipeline-cli takes, as ratios within one run.

Whole processes with their start-up, bytecode compiled, the commands in turn (A B A B ...), medians. A ratio
compares what ran side by side on the same machine; seconds alone say little. Exit code 1 when a limit does not
hold.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from statistics import median
from tempfile import mkdtemp

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.measure import Command, clean_environment, run_command  # noqa: E402
from benchmarks.ratios import Ratio, print_table  # noqa: E402
from pipeline_cli.scaffold import copy_scaffold  # noqa: E402
from tests.servers.json_api import JsonApi, sample_rows  # noqa: E402

PYTHON = sys.executable
COMMAND = str(Path(sys.executable).with_name("pipeline-cli"))
BY_HAND = str(Path(__file__).parent / "by_hand" / "run.py")
CRM_TOKEN = "bench-token"


def bench_start_up(folder: Path, env: dict[str, str], rounds: int) -> list[Ratio]:
    commands = {"python -c pass": [PYTHON, "-c", "pass"], "--help": [COMMAND, "--help"]}
    commands["validate"] = [COMMAND, "validate"]
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            seconds[name].append(run_command(Command(command, folder, env)).seconds)
    base = median(seconds["python -c pass"])
    return [
        Ratio("start-up", name, median(seconds[name]), "python -c pass", base, at_most=8.0)
        for name in ("--help", "validate")
    ]


def bench_runs(work: Path, env: dict[str, str], rounds: int) -> list[Ratio]:
    """Both from nothing in new folders, then both again with nothing new, `rounds` times."""
    seconds: dict[str, list[float]] = {
        "ours first": [],
        "theirs first": [],
        "ours again": [],
        "theirs again": [],
    }
    for number in range(rounds):
        ours, theirs = work / f"ours-{number}", work / f"theirs-{number}"
        copy_scaffold(ours)
        theirs.mkdir()
        shutil.copytree(ours / "transforms", theirs / "transforms")
        (theirs / "transforms" / "fakestore" / "config.py").unlink()
        # By name: the scaffold has more pipelines than were written by hand.
        our_command = [COMMAND, "run", "fakestore", "crm", "--env", "live", "--json"]
        their_command = [PYTHON, BY_HAND, "transforms", env["FAKESTORE_URL"], env["CRM_URL"]]
        for turn in ("first", "again"):
            seconds[f"ours {turn}"].append(run_command(Command(our_command, ours, env)).seconds)
            seconds[f"theirs {turn}"].append(run_command(Command(their_command, theirs, env)).seconds)
    by_hand = "dlt + SQLMesh + dbt by hand"
    ours_s, theirs_s = (
        {turn: median(seconds[f"{side} {turn}"]) for turn in ("first", "again")}
        for side in ("ours", "theirs")
    )
    return [
        Ratio("run, from nothing", "ours", ours_s["first"], by_hand, theirs_s["first"], at_most=1.15),
        Ratio("run, nothing new", "ours", ours_s["again"], by_hand, theirs_s["again"], at_most=0.5),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of the runs (3)")
    parser.add_argument("--start-rounds", type=int, default=21, help="of the start-ups (21)")
    arguments = parser.parse_args()
    (ROOT / ".pipeline").mkdir(exist_ok=True)
    work = Path(mkdtemp(prefix="bench-", dir=ROOT / ".pipeline"))
    try:
        with JsonApi(sample_rows("fakestore")) as fakestore, JsonApi(sample_rows("crm")) as crm:
            urls = {"FAKESTORE_URL": fakestore.url, "CRM_URL": crm.url}
            env = clean_environment(work / "home", CRM_TOKEN=CRM_TOKEN, **urls)
            copy_scaffold(work / "start")
            ratios = bench_start_up(work / "start", env, arguments.start_rounds)
            ratios += bench_runs(work, env, arguments.rounds)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print_table(ratios)
    return 0 if all(ratio.holds for ratio in ratios) else 1


if __name__ == "__main__":
    sys.exit(main())
