"""What the site hangs on, asked every second: cheap, and without the warehouse."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline_cli.ledger import Ledger
from pipeline_cli.project import MANIFEST_NAME, Project
from pipeline_cli.reports import editions

RUNS_LOOKED_AT = 20
DEADLINE_S = 300.0


def look(project: Project, ledger: Ledger) -> tuple[Any, ...]:
    """The newest runs and how far they are, the newest editions of reports, and the manifest's files."""
    ledger.close_abandoned()
    runs = ledger.recent(RUNS_LOOKED_AT, None, project.environment_name)
    return (
        tuple((run.run_id, run.status, tuple(run.pipelines.items())) for run in runs),
        tuple(_edition(project, name) for name in project.manifest.reports),
        tuple(_stamp(path) for path in _manifest_files(project.root)),
    )


@dataclass(frozen=True, slots=True)
class Rewritten:
    """problem: what was said where it failed. is_stale: the warehouse was held, so some of it is from before."""

    problem: str | None = None
    is_stale: bool = False


def rewrite(project: Project, command: Sequence[str]) -> Rewritten:
    """Write the site in a process of its own, which prints its document.

    Of its own, because no reader's process may keep the warehouse's file, and models may hold any Python.
    """
    start = [sys.executable, "-c", "from pipeline_cli.cli import main; main()", *command]
    try:
        done = subprocess.run(
            start,
            cwd=project.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=DEADLINE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Rewritten(f"the site was not written in {DEADLINE_S:.0f} s")
    if done.returncode != 0:
        return Rewritten(done.stderr.strip())
    return Rewritten(is_stale=bool(json.loads(done.stdout)["stale"]))


def is_running(project: Project, ledger: Ledger) -> bool:
    """Whether a run is under way: its end will be seen."""
    runs = ledger.recent(RUNS_LOOKED_AT, None, project.environment_name)
    return any(run.status == "running" for run in runs)


def _edition(project: Project, name: str) -> str | None:
    try:
        return (editions.home_of(project.state_dir, name) / editions.LATEST).readlink().name
    except OSError:
        return None


def _manifest_files(root: Path) -> list[Path]:
    folders = ("sources", "destinations", "transforms", "reports", "plugins")
    return [root / MANIFEST_NAME, *sorted(path for name in folders for path in (root / name).glob("*.yaml"))]


def _stamp(path: Path) -> tuple[str, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return str(path), found.st_mtime_ns, found.st_size
