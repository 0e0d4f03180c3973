"""dlt's own dashboard, without the dlthub package.

`dlt pipeline NAME show` asks for dlthub, which is under a EULA; the dashboard itself is in dlt and needs
marimo and ibis. What starts it is private to dlt 1.31, so this is the only place that knows it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pipeline_cli.errors import UsageError

HOST = "127.0.0.1"


def dashboard_command(pipeline: str, pipelines_dir: Path, port: int) -> list[str]:
    """The command that serves the dashboard on 127.0.0.1. Raises UsageError without the extra [dashboard]."""
    try:
        from dlt._workspace.helpers.dashboard.runner import run_dashboard_command
    except ImportError as error:  # dlt's MissingDependencyException is one, too
        raise UsageError(
            "The dashboard is not installed.", hint="pip install 'pipeline-cli[dashboard]'"
        ) from error
    command = run_dashboard_command(
        pipeline, pipelines_dir=str(pipelines_dir), port=port, host=HOST, headless=True
    )
    # dlt names `marimo` by itself; it may not be on the PATH.
    return [sys.executable, "-m", *command]


def settle_in(home: Path) -> None:
    """Make `home` this process's HOME. To be called first: marimo writes a log when it is imported, even here."""
    home.mkdir(parents=True, exist_ok=True)
    os.environ.update(_home_variables(home))


def _home_variables(home: Path) -> dict[str, str]:
    """Variables that keep marimo's settings and caches in `home`, and it from asking for updates."""
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_DATA_HOME": str(home / "data"),
        "MARIMO_SKIP_UPDATE_CHECK": "1",
    }
