"""pipeline-cli dlt …"""

from __future__ import annotations

import click

from pipeline_cli.cli.handover import PassThrough, hand_over, script_command, tool_environment
from pipeline_cli.cli.settings import Settings


@click.command(cls=PassThrough)
@click.pass_obj
def command(settings: Settings, arguments: tuple[str, ...]) -> int:
    """Run dlt's own command on this environment's state; everything after `dlt` is dlt's.

    Example: pipeline-cli dlt pipeline fakestore info
    """
    project = settings.open_project(sources=())
    hand_over([*script_command("dlt"), *arguments], tool_environment(project), project.root)
