"""Verbs that hand over to another program: dlt's, SQLMesh's, the dashboard's."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from pipeline_cli.project import Project

# Runs a console script by its name, wherever its file may be (it need not be on the PATH).
_RUN_SCRIPT = (
    "import sys; from importlib.metadata import entry_points; sys.argv[0] = {name!r}; "
    "sys.exit(next(iter(entry_points(group='console_scripts', name={name!r}))).load()())"
)


class PassThrough(click.Command):
    """A verb whose arguments, options and --help belong to another program."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.params["arguments"] = tuple(args)
        return []


def script_command(name: str) -> list[str]:
    """The command that runs the console script `name` of this installation."""
    return [sys.executable, "-c", _RUN_SCRIPT.format(name=name)]


def tool_environment(project: Project) -> dict[str, str]:
    """This process's variables and those that give dlt and SQLMesh the manifest's settings, telemetry off."""
    from pipeline_cli.destinations import open_warehouse

    return {
        **os.environ,
        **open_warehouse(project).dlt_environment(),
        "DLT_DATA_DIR": str(project.loads_dir / "dlt"),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true",
        "SQLMESH_HOME": str(project.state_dir / "sqlmesh"),  # else ~/.sqlmesh
        "DO_NOT_TRACK": "1",
        "PIPELINE_CLI_ENV": project.environment_name,
    }


def hand_over(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> NoReturn:
    """Become that program: its signals, its terminal and its exit code are its own from here on."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(folder)
    os.execve(command[0], list(command), dict(environment))  # noqa: S606 - no shell is what we want
