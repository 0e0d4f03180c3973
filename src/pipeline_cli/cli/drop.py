"""pipeline-cli drop"""

from __future__ import annotations

import click

from pipeline_cli.cli.output import print_result
from pipeline_cli.cli.settings import Settings, common_options


@click.command()
@click.argument("environment", metavar="ENV")
@click.option("--yes", is_flag=True, help="Do it; without, what it would do is said.")
@common_options
@click.pass_obj
def command(settings: Settings, environment: str, yes: bool) -> int:
    """Take away ENV, an environment with copy_of: its schemas, its pages, and what is kept of its builds.

    What it is a copy of stays as it is. The next run in ENV makes it anew.

    Example: pipeline-cli drop pr --yes
    """
    from pipeline_cli.maintenance.dropping import drop_copy, require_copy

    settings.environment = environment
    project = settings.open_project(sources=())
    require_copy(project)
    if not yes:
        fields = {"status": "planned", "environment": environment, "errors": []}
        lines = [
            f"'{environment}' would go, with its schemas *{project.model_schema('')} in {project.loads_environment}'s"
            " warehouse.",
            "Nothing was changed. To do it, add --yes.",
        ]
        print_result(settings, fields, lines)
        return 0
    dropped = drop_copy(project)
    fields = {"status": "succeeded", "environment": environment, "schemas": dropped, "errors": []}
    print_result(settings, fields, [f"'{environment}' is gone: {', '.join(dropped) or 'it had no schema'}."])
    return 0
