"""pipeline-cli retry"""

from __future__ import annotations

import click

from pipeline_cli.cli.running import run_and_report
from pipeline_cli.cli.settings import Settings, common_options


@click.command()
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option("--yes", is_flag=True, help="Do what a protected environment asks for.")
@common_options
@click.pass_obj
def command(settings: Settings, run_id: str | None, yes: bool) -> int:
    """Do the steps of RUN that are still to be done; by default of the newest run that failed.

    Example: pipeline-cli retry
    """
    from pipeline_cli.run import LAST, RunOptions

    names = find_pipelines(settings, run_id)
    project = settings.open_project(pipelines=names)
    options = RunOptions(retry_of=run_id or LAST, command="retry", yes=yes)
    return run_and_report(settings, project, options)


def find_pipelines(settings: Settings, run_id: str | None) -> list[str] | None:
    """The pipelines of the run to retry, for whose sources alone variables are demanded; None when none failed.

    A run is retried in its own environment: without --env, that becomes the one to use.
    """
    from pipeline_cli.cli.history import opened_ledger

    project = settings.open_project(sources=())
    with opened_ledger(project) as ledger:
        run_id = run_id or ledger.last_failed(project.environment_name)
        if run_id is None:
            return None
        document = ledger.document(run_id)
    settings.environment = settings.environment or document["environment"]
    return [entry["name"] for entry in document["pipelines"]]
