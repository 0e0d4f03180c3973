"""pipeline-cli plan"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

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
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the plan to a file, for apply."
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 10 where there are changes to apply.")
@click.option("--markdown", is_flag=True, help="Print Markdown, for a pull request's comment.")
@common_options
@click.pass_obj
def command(settings: Settings, /, pipelines: tuple[str, ...], **options: Any) -> int:
    """Say what a change does before it is done: to sources, fields, contracts, models, tests and reports.

    Compares the project with what runs in the environment, and with the first records that its sources give.
    Changes nothing.

    Example: pipeline-cli plan fakestore --env prod
    """
    from pipeline_cli.planning.building import PlanOptions, make_plan
    from pipeline_cli.planning.document import render_markdown, to_fields
    from pipeline_cli.planning.files import write_plan
    from pipeline_cli.planning.text import render_text

    project = settings.open_project(pipelines=pipelines or None)
    records = 0 if options["no_probe"] else options["records"]
    made = make_plan(project, PlanOptions(pipelines, records, lambda line: print_progress(settings, line)))
    file: Path | None = options["out"]
    if file is not None:
        write_plan(project, made, file)
    after = _next_command(project, made, file)
    lines = (
        render_markdown(made.plan) if options["markdown"] else render_text(made.plan, after, terminal_width())
    )
    print_result(settings, {**to_fields(made.plan), "file": file and str(file), "next": after}, lines)
    return EXIT_CHANGES if options["detailed_exitcode"] and made.plan.to_apply else 0


def _next_command(project: Project, made: Made, file: Path | None) -> str:
    """What to type after the plan; nothing where nothing is to be done."""
    from pipeline_cli.planning.building import changed_pipelines

    if not made.plan.to_apply:
        return ""
    if file is not None:
        consent = " --allow-destructive" if made.plan.destructive else ""
        return f"pipeline-cli apply {file}{consent}{project.command_option}"
    if project.environment.protected and made.facts.deployed.is_known:
        named = "".join(f" {name}" for name in made.plan.pipelines)
        asked = "" if set(made.plan.pipelines) == set(project.manifest.pipelines) else named
        return f"pipeline-cli plan{asked} --out changes.plan{project.command_option}"
    names = changed_pipelines(project, made)
    named = "" if set(names) == set(project.manifest.pipelines) else "".join(f" {name}" for name in names)
    return f"pipeline-cli run{named}{project.command_option}"
