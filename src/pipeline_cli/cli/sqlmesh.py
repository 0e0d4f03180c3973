"""pipeline-cli sqlmesh …"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from pipeline_cli.cli.handover import PassThrough, hand_over, script_command, tool_environment
from pipeline_cli.cli.settings import Settings
from pipeline_cli.errors import UsageError
from pipeline_cli.manifest.models import Manifest

if TYPE_CHECKING:
    from pipeline_cli.project import Project


@click.command(cls=PassThrough)
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...]) -> int:
    """Run SQLMesh's own command in a transform's folder; everything after its name is SQLMesh's.

    The transform's name may be left out where the manifest has one SQLMesh transform.

    Example: pipeline-cli sqlmesh fakestore plan
    """
    project = settings.open_project(sources=())
    name, rest = choose_transform(project.manifest, arguments)
    logs = project.state_dir / "sqlmesh" / "logs"
    folder = project.resolve(project.manifest.transforms[name].path)
    _require_free(project, rest)
    # By default SQLMesh makes a folder `logs` beside the models.
    own = [*script_command("sqlmesh"), "--log-file-dir", str(logs)]
    hand_over([*own, *rest], tool_environment(project), folder)


def _require_free(project: Project, arguments: Sequence[str]) -> None:
    """Raise Busy, or LoadError, where SQLMesh would die of the same with a traceback."""
    from pipeline_cli.destinations import open_warehouse

    if arguments and "--help" not in arguments:
        with open_warehouse(project).exclusive("pipeline-cli sqlmesh"):
            """It could be opened, and is let go of for SQLMesh."""


def choose_transform(manifest: Manifest, arguments: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The transform that is meant, and the arguments that are left for SQLMesh. Raises UsageError."""
    names = [name for name, transform in manifest.transforms.items() if transform.engine == "sqlmesh"]
    if arguments and arguments[0] in names:
        return arguments[0], arguments[1:]
    asks_for_help = bool(arguments) and arguments[0].startswith("-")  # the same for every transform
    if names and (len(names) == 1 or asks_for_help):
        return names[0], arguments
    if not names:
        raise UsageError("The manifest has no SQLMesh transform.")
    hint = f"Name it first: {', '.join(names)}"
    raise UsageError("Which SQLMesh transform is meant?", hint=hint)
