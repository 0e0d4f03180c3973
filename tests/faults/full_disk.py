"""python -m tests.faults.full_disk FOLDER PATH DISPOSITION, under `unshare -rm`: runs in a file system that is full.

Prints one JSON document: figures, how many runs failed for it, and what was wrong after each was run again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

from tests.faults.world import World
from tests.servers.json_api import JsonApi
from tests.warm import run_cli

LEFT_KIB = (0, 16, 64, 150, 300, 600, 1_200, 2_500)  # that a run finds free


def main(arguments: Sequence[str]) -> None:
    folder, path, disposition = Path(arguments[0], "small"), arguments[1], arguments[2]
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", folder], check=True)
    # Before: the socket of the process that commands are forked from would stand there, and may have 108 letters.
    forkserver.ensure_running()
    os.environ["TMPDIR"] = str(folder)
    with JsonApi({}) as api:
        world = World(folder / "project", path, disposition, "{type: duckdb}", _ask(folder), api.url)
        api.data["/items"] = world.answer
        world.grow()
        _run(world)
        print(json.dumps(_fill_and_recover(world, folder / "ballast")))


def _fill_and_recover(world: World, ballast: Path) -> dict[str, Any]:
    figures: Counter[str] = Counter(tries=0, lost=0, doubled=0, stuck=0)
    failed, wrong = 0, []
    for left in LEFT_KIB:
        world.grow()
        free = os.statvfs(ballast.parent)
        ballast.write_bytes(bytes(max(free.f_bavail * free.f_frsize - left * 1024, 0)))
        failed += _run(world) != 0
        ballast.unlink()
        figures["tries"] += 1
        if code := _run(world):
            figures["stuck"] += 1
            wrong.append(f"{left} KiB left: {code}")
            continue
        verdict = world.judge()
        figures.update(lost=verdict.lost.total(), doubled=verdict.doubled.total())
        wrong += [f"{left} KiB left: {rows}" for rows in (verdict.lost, verdict.doubled) if rows]
    return {"figures": figures, "failed": failed, "wrong": wrong}


def _run(world: World) -> int:
    result = run_cli(["run"], cwd=world.root)
    sys.stderr.write(result.stderr[-2_000:])
    if "Traceback" in result.stdout + result.stderr:
        return -1
    return result.exit_code


def _ask(folder: Path) -> Any:
    def ask(sql: str) -> list[Any]:
        import duckdb

        with duckdb.connect(
            str(folder / "project/.pipeline/dev/warehouse.duckdb"), read_only=True
        ) as connection:
            return connection.execute(sql).fetchall()

    return ask


if __name__ == "__main__":
    main(sys.argv[1:])
