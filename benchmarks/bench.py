"""make bench: how long pipeline-cli takes, as ratios within one run.

Whole processes with their start-up, bytecode compiled, the commands in turn (A B A B ...), medians. A ratio
compares what ran side by side on the same machine; seconds alone say little. Exit code 1 when a limit does not
hold.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import mkdtemp

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from pipeline_cli.scaffold import copy_scaffold  # noqa: E402
from tests.servers.json_api import JsonApi, sample_rows  # noqa: E402

PYTHON = sys.executable
COMMAND = str(Path(sys.executable).with_name("pipeline-cli"))
BY_HAND = str(Path(__file__).parent / "by_hand" / "run.py")
CRM_TOKEN = "bench-token"


@dataclass(frozen=True, slots=True)
class Ratio:
    """One line of the table: medians in seconds, and how often the second may go into the first."""

    what: str
    ours_s: float
    against: str
    theirs_s: float
    limit: float

    @property
    def value(self) -> float:
        return self.ours_s / self.theirs_s

    @property
    def holds(self) -> bool:
        return self.value <= self.limit


def time_command(command: Sequence[str], folder: Path, env: dict[str, str]) -> float:
    """Seconds that the command takes. Its output is shown when it fails, and the benchmark ends."""
    started = time.perf_counter()
    finished = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    took = time.perf_counter() - started
    if finished.returncode != 0:
        sys.exit(f"{' '.join(command)} failed ({finished.returncode}):\n{finished.stdout}{finished.stderr}")
    return took


def bench_start_up(folder: Path, env: dict[str, str], rounds: int) -> list[Ratio]:
    commands = {"python -c pass": [PYTHON, "-c", "pass"], "--help": [COMMAND, "--help"]}
    commands["validate"] = [COMMAND, "validate"]
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            seconds[name].append(time_command(command, folder, env))
    base = median(seconds["python -c pass"])
    return [
        Ratio(name, median(seconds[name]), "python -c pass", base, 8.0) for name in ("--help", "validate")
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
        our_command = [COMMAND, "run", "--env", "live", "--json"]
        their_command = [PYTHON, BY_HAND, "transforms", env["FAKESTORE_URL"], env["CRM_URL"]]
        for turn in ("first", "again"):
            seconds[f"ours {turn}"].append(time_command(our_command, ours, env))
            seconds[f"theirs {turn}"].append(time_command(their_command, theirs, env))
    by_hand = "dlt + SQLMesh + dbt by hand"
    return [
        Ratio(
            "run, from nothing", median(seconds["ours first"]), by_hand, median(seconds["theirs first"]), 1.15
        ),
        Ratio(
            "run, nothing new", median(seconds["ours again"]), by_hand, median(seconds["theirs again"]), 0.5
        ),
    ]


def clean_environment(home: Path) -> dict[str, str]:
    """This environment, with bytecode on and an empty home."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    home.mkdir()
    return {**env, "HOME": str(home), "CRM_TOKEN": CRM_TOKEN}


def print_table(ratios: list[Ratio]) -> None:
    print(f"{'pipeline-cli':<20} {'seconds':>8}   {'against':<28} {'seconds':>8}  {'ratio':>6}  limit")
    for ratio in ratios:
        verdict = "holds" if ratio.holds else "DOES NOT HOLD"
        print(
            f"{ratio.what:<20} {ratio.ours_s:>8.3f}   {ratio.against:<28} {ratio.theirs_s:>8.3f}  "
            f"{ratio.value:>6.2f}  {ratio.limit:g} {verdict}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of the runs (3)")
    parser.add_argument("--start-rounds", type=int, default=21, help="of the start-ups (21)")
    arguments = parser.parse_args()
    (ROOT / ".pipeline").mkdir(exist_ok=True)
    work = Path(mkdtemp(prefix="bench-", dir=ROOT / ".pipeline"))
    try:
        with JsonApi(sample_rows("fakestore")) as fakestore, JsonApi(sample_rows("crm")) as crm:
            env = {**clean_environment(work / "home"), "FAKESTORE_URL": fakestore.url, "CRM_URL": crm.url}
            copy_scaffold(work / "start")
            ratios = bench_start_up(work / "start", env, arguments.start_rounds)
            ratios += bench_runs(work, env, arguments.rounds)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print_table(ratios)
    return 0 if all(ratio.holds for ratio in ratios) else 1


if __name__ == "__main__":
    sys.exit(main())
