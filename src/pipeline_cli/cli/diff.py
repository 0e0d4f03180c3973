"""pipeline-cli diff"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from pipeline_cli.cli.output import print_result, terminal_width
from pipeline_cli.cli.settings import Settings, common_options
from pipeline_cli.errors import EXIT_CHANGES, EXIT_DONE, UsageError

if TYPE_CHECKING:
    from pipeline_cli.comparison.tables import Depth
    from pipeline_cli.project import Project


@click.command()
@click.argument("environment", metavar="ENV")
@click.argument("pipelines", metavar="[PIPELINE]...", nargs=-1)
@click.option("--no-keys", is_flag=True, help="Columns and numbers of rows only; not row by row.")
@click.option("--no-rows", is_flag=True, help="Columns and models only; no row is read.")
@click.option(
    "--ignore",
    multiple=True,
    metavar="COLUMN",
    help="A column whose values do not count, in any table; may be repeated.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit code 10 where they differ, 0 where not.")
@common_options
@click.pass_obj
def command(
    settings: Settings,
    environment: str,
    pipelines: tuple[str, ...],
    no_keys: bool,
    no_rows: bool,
    ignore: tuple[str, ...],
    detailed_exitcode: bool,
) -> int:
    """Compare the tables and models of --env (or the default environment) with those of ENV.

    Tables in one of them only, columns and their types, numbers of rows; rows by key and content where the key is
    known; and models whose code is another. Of all pipelines, or of those named. Nothing is changed, and no run waits.

    Example: pipeline-cli diff prod fakestore --env dev
    """
    from pipeline_cli.cli.diff_text import describe, to_document
    from pipeline_cli.cli.names import require_name
    from pipeline_cli.cli.warehouses import describe_location
    from pipeline_cli.comparison.environments import compare_environments

    here = settings.open_project(sources=())
    there = _open_other(settings, here, environment)
    for name in pipelines:
        require_name(name, here.manifest.pipelines, "pipeline")
    depth: Depth = "columns" if no_rows else "rows" if no_keys else "keys"
    chosen = list(dict.fromkeys(pipelines)) or list(here.manifest.pipelines)
    found = compare_environments(here, there, chosen, depth, ignore)
    places = describe_location(here), describe_location(there)
    next_command = " ".join(["pipeline-cli plan", *pipelines])
    print_result(
        settings, to_document(found, places, chosen), describe(found, places, next_command, terminal_width())
    )
    return EXIT_CHANGES if detailed_exitcode and found.differs else EXIT_DONE


def _open_other(settings: Settings, here: Project, environment: str) -> Project:
    """The project in the other environment; its secrets are masked, too."""
    if environment == here.environment_name:
        others = [name for name in here.manifest.environments if name != environment]
        raise UsageError(
            f"'{environment}' is compared with itself.",
            hint=f"Name another environment: pipeline-cli diff {others[0]}"
            if others
            else "The manifest has no other environment.",
        )
    other = replace(settings, environment=environment)
    there = other.open_project(sources=())
    settings.secrets |= other.secrets
    return there
