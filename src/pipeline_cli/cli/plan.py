"""pipeline-cli plan"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline_cli.cli.output import print_progress, print_result, terminal_width
from pipeline_cli.cli.settings import Settings, common_options
from pipeline_cli.errors import EXIT_CHANGES

if TYPE_CHECKING:
    from pipeline_cli.planning.building import Made
    from pipeline_cli.project import Project


@click.command()
@click.argument("pipelines", nargs=-1, metavar="[PIPELINE]...")
@click.option(
    "--probe",
    "records",
    default=100,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="How many records to read of each resource.",
)
@click.option("--no-probe", is_flag=True, help="Read nothing of the sources.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 10 where there are changes to apply.")
@click.option("--markdown", is_flag=True, help="Print Markdown, for a pull request's comment.")
@common_options
@click.pass_obj
def command(
    settings: Settings,
    pipelines: tuple[str, ...],
    records: int,
    no_probe: bool,
    detailed_exitcode: bool,
    markdown: bool,
) -> int:
    """Say what a change does before it is done: to sources, fields, contracts, models, tests and reports.

    Compares the project with what runs in the environment, and with the first records that its sources give.
    Changes nothing.

    Example: pipeline-cli plan fakestore --env prod
    """
    from pipeline_cli.planning.building import PlanOptions, make_plan
    from pipeline_cli.planning.document import render_markdown, to_fields
    from pipeline_cli.planning.text import render_text

    project = settings.open_project(pipelines=pipelines or None)
    options = PlanOptions(pipelines, 0 if no_probe else records, lambda line: print_progress(settings, line))
    made = make_plan(project, options)
    after = _next_command(project, made)
    lines = render_markdown(made.plan) if markdown else render_text(made.plan, after, terminal_width())
    print_result(settings, {**to_fields(made.plan), "next": after}, lines)
    return EXIT_CHANGES if detailed_exitcode and made.plan.to_apply else 0


def _next_command(project: Project, made: Made) -> str:
    from pipeline_cli.planning.building import changed_pipelines

    if not made.plan.to_apply:
        return ""
    names = changed_pipelines(project, made)
    named = "" if set(names) == set(project.manifest.pipelines) else "".join(f" {name}" for name in names)
    return f"pipeline-cli run{named}{project.command_option}"
