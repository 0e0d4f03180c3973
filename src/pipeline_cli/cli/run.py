"""pipeline-cli run"""

from __future__ import annotations

import os

import click

from pipeline_cli.cli.running import run_and_report
from pipeline_cli.cli.settings import Settings, common_options


@click.command()
@click.argument("pipelines", nargs=-1, metavar="[PIPELINE]...")
@click.option(
    "--from", "start", metavar="STEP", help="Begin at ingest, transform, test, report or a step's full name."
)
@click.option(
    "--full-refresh", is_flag=True, help="Read everything again and rebuild every model from nothing."
)
@click.option("--yes", is_flag=True, help="Do what a protected environment asks for.")
@common_options
@click.pass_obj
def command(
    settings: Settings, pipelines: tuple[str, ...], start: str | None, full_refresh: bool, yes: bool
) -> int:
    """Ingest, transform, test and report on PIPELINEs, by default all; what is neither new nor changed is left alone.

    Example: pipeline-cli run fakestore --env live
    """
    from pipeline_cli.run import RunOptions

    # Set by `schedule run`. Taken out: what a run starts (dbt, a user's source) has nothing to do with the slot.
    slot = os.environ.pop("PIPELINE_CLI_SLOT", None)
    project = settings.open_project(pipelines=pipelines or None)
    options = RunOptions(pipelines=pipelines, start=start, full_refresh=full_refresh, yes=yes, slot=slot)
    return run_and_report(settings, project, options)
