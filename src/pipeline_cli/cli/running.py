"""What `run` and `retry` share: do the run, show it, print its summary or document."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from pipeline_cli.cli.output import print_json, terminal_width, wants_color
from pipeline_cli.cli.progress import show_progress
from pipeline_cli.cli.schema_file import refresh_schema_file
from pipeline_cli.cli.settings import Settings
from pipeline_cli.cli.warehouses import describe_location
from pipeline_cli.errors import EXIT_DONE

if TYPE_CHECKING:
    from pipeline_cli.document import RunResult
    from pipeline_cli.project import Project
    from pipeline_cli.run import RunOptions


def run_and_report(settings: Settings, project: Project, options: RunOptions) -> int:
    """Do the run and print what became of it. Returns the exit code."""
    from pipeline_cli.run import exit_code, run_pipelines

    refresh_schema_file(project.root)
    with show_progress(settings) as listener:
        result = run_pipelines(project, options, listener)
    code = exit_code(result)
    if settings.json:
        print_json(result.to_dict())
    else:
        brief = settings.quiet and code == EXIT_DONE
        _print_summary(project, result, brief=brief)
    return code


def _print_summary(project: Project, result: RunResult, *, brief: bool) -> None:
    from pipeline_cli.reports.run_summary import SummaryStyle, render_result, render_summary

    style = SummaryStyle(
        width=terminal_width(), color=wants_color(sys.stdout), command_suffix=project.command_option
    )
    if brief:
        lines = render_result(result, style)
    else:
        lines = render_summary(result, location=describe_location(project), style=style)
    for line in lines:
        click.echo(line)
