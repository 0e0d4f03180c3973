"""pipeline-cli runs list | show"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from pipeline_cli.cli.groups import VerbGroup
from pipeline_cli.cli.output import format_table, print_json, print_result, terminal_width
from pipeline_cli.cli.settings import Settings, common_options

if TYPE_CHECKING:
    from pipeline_cli.ledger import RunSummary


@click.group(cls=VerbGroup, default="list")
@common_options
def command() -> None:
    """List the runs (the default), or show one.

    Example: pipeline-cli runs
    """


@command.command("list", short_help="List the newest runs first.")
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(min=1), help="How many, newest first."
)
@click.option("--pipeline", metavar="NAME", help="Only runs of this pipeline.")
@common_options
@click.pass_obj
def list_runs(settings: Settings, limit: int, pipeline: str | None) -> int:
    """List the newest runs first, of all environments or of the one that --env names.

    Example: pipeline-cli runs list --limit 5
    """
    from pipeline_cli.cli.history import opened_ledger
    from pipeline_cli.cli.names import require_name

    project = settings.open_project(sources=())
    if pipeline:
        require_name(pipeline, project.manifest.pipelines, "pipeline")
    with opened_ledger(project) as ledger:
        runs = ledger.recent(limit, pipeline, settings.environment)
    fields = {"status": "succeeded", "runs": [_to_dict(run) for run in runs], "errors": []}
    nothing = f"No runs yet. Next: pipeline-cli run{project.command_option}"
    print_result(settings, fields, _table(runs) or [nothing])
    return 0


@command.command("show", short_help="Print a run's summary or document again.")
@click.argument("run_id", metavar="[RUN]", required=False)
@common_options
@click.pass_obj
def show_run(settings: Settings, run_id: str | None) -> int:
    """Print the summary of RUN (by default the newest) again; with --json, its run document.

    Example: pipeline-cli runs show 20261121T090000-3f9c2a --json
    """
    from pipeline_cli.cli.history import newest_run, opened_ledger
    from pipeline_cli.reports.run_summary import SummaryStyle, render_summary
    from pipeline_cli.reports.stored_run import read_result

    project = settings.open_project(sources=())
    with opened_ledger(project) as ledger:
        document = ledger.document(run_id or newest_run(ledger, settings.environment))
    if settings.json:
        print_json(document)
        return 0
    of_run = replace(project, environment_name=document["environment"])
    style = SummaryStyle(width=terminal_width(), command_suffix=of_run.command_option)
    for line in render_summary(read_result(document), location=None, style=style):
        click.echo(line)
    return 0


def _to_dict(run: RunSummary) -> dict[str, object]:
    from pipeline_cli.document import format_time

    return {
        "run_id": run.run_id,
        "environment": run.environment,
        "status": run.status,
        "command": run.command,
        "started_at": format_time(run.started_at),
        "duration_s": run.duration_s,
        "pipelines": dict(run.pipelines),
        "error": run.error,
    }


def _table(runs: list[RunSummary]) -> list[str]:
    from pipeline_cli.reports.run_summary import WORDS

    rows = [
        (
            run.run_id,
            run.environment,
            WORDS.get(run.status, run.status),
            "" if run.duration_s is None else f"{run.duration_s:.1f} s",
            ", ".join(f"{name}: {WORDS.get(status, status)}" for name, status in run.pipelines.items()),
        )
        for run in runs
    ]
    return format_table(("run", "env", "status", "took", "pipelines"), rows, terminal_width()) if rows else []
