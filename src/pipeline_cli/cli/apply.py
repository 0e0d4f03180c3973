"""pipeline-cli apply"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline_cli.cli.output import print_progress, print_result
from pipeline_cli.cli.running import run_and_report
from pipeline_cli.cli.settings import Settings, common_options

if TYPE_CHECKING:
    from pipeline_cli.planning.restore_points import RestorePoint


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--allow-destructive", is_flag=True, help="Also where rows or values can be lost; they are copied first."
)
@common_options
@click.pass_obj
def command(settings: Settings, file: Path, allow_destructive: bool) -> int:
    """Do what a plan in a FILE says: run the pipelines that it changes, in a protected environment, too.

    Refused where the project, the environment or its tables are not as they were when the plan was made.

    Example: pipeline-cli apply changes.plan --env prod
    """
    from pipeline_cli.planning.applying import approve
    from pipeline_cli.planning.files import read_plan
    from pipeline_cli.run import RunOptions

    plan = read_plan(file)
    project = settings.open_project(pipelines=plan.pipelines)
    point = approve(project, plan, allow_destructive=allow_destructive)
    if point is not None:
        print_progress(settings, _tell(point, project.command_option))
    if not plan.to_run:
        fields = {"status": "unchanged", "plan": plan.id, "errors": []}
        print_result(settings, fields, ["Applied; there was nothing to run."])
        return 0
    options = RunOptions(plan.to_run, command="apply", yes=True, allow_destructive=allow_destructive)
    return run_and_report(settings, project, options)


def _tell(point: RestorePoint, option: str) -> str:
    tables = len({copy.original for copy in point.copies})
    return (
        f"Restore point {point.id}: {tables} table{'' if tables == 1 else 's'}, {point.rows:,} rows are copied.\n"
        f"To go back: pipeline-cli restore {point.id}{option}"
    )
