"""A workflow of GitHub Actions for each pipeline."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from pipeline_cli.scheduling.export import MARK, Exported, Job, most_often, portable

_SHORTEST = timedelta(minutes=5)


def export_github(jobs: Sequence[Job]) -> Exported:
    files = {f"pipeline-cli-{job.name}.yml": _workflow(job) for job in jobs}
    notes = [
        "A runner forgets its disk: these pipelines need a destination and a `state:` on a server. "
        "GitHub starts runs late when it is busy, makes up for none, and pauses them in a repository that sleeps."
    ]
    often = [job.pipeline for job in jobs if most_often(job.schedule) < _SHORTEST]
    if often:
        notes.append(f"GitHub runs a schedule every five minutes at most; more often: {', '.join(often)}.")
    variables = sorted({name for job in jobs for name in job.variables})
    if variables:
        notes.append(f"Secrets to set in the repository: {', '.join(variables)}.")
    return Exported(files, notes)


def _workflow(job: Job) -> str:
    folder = job.root.relative_to(find_repository(job.root)).as_posix()
    run: dict[str, Any] = {"run": shlex.join(["pipeline-cli", *job.command[1:]])}
    if folder != ".":
        run["working-directory"] = folder
    work: dict[str, Any] = {"runs-on": "ubuntu-latest"}
    if job.variables:
        work["env"] = {name: f"${{{{ secrets.{name} }}}}" for name in job.variables}
    work["steps"] = [
        {"uses": "actions/checkout@v5"},
        {"uses": "actions/setup-python@v6", "with": {"python-version": "3.12"}},
        {"run": f"pip install pipeline-cli=={version('pipeline-cli')}"},
        run,
    ]
    slot = {"cron": portable(job.schedule.cron), "timezone": job.schedule.timezone}
    document = {
        "name": f"{job.project}: {job.pipeline} in {job.environment}",
        "on": {"schedule": [slot], "workflow_dispatch": None},
        "permissions": {"contents": "read"},
        "concurrency": {"group": f"pipeline-cli-{job.name}", "cancel-in-progress": False},
        "jobs": {"run": work},
    }
    return f"# {MARK} github\n{yaml.safe_dump(document, sort_keys=False, width=1000, allow_unicode=True)}"


def find_repository(root: Path) -> Path:
    """The folder of the git repository that the project is in; the project's own where it is in none."""
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)
