"""pipeline-cli report"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline_cli.cli.settings import Settings, common_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_cli.document import ReportResult
    from pipeline_cli.errors import Mistake
    from pipeline_cli.project import Project
    from pipeline_cli.reports.writing import Print


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["html", "pdf", "png"]),
    help="A page with its CSV files (the default); the whole report on A4; or as one picture.",
)
@click.option("--block", metavar="NAME", help="Only this block of the report, as a PNG.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Copy what is written to this folder, or a PDF or PNG to this file.",
)
@common_options
@click.pass_obj
def command(
    settings: Settings, names: tuple[str, ...], format_: str | None, block: str | None, out: Path | None
) -> int:
    """Write the reports NAME, by default all, anew from what is in the warehouse. Nothing is run.

    Example: pipeline-cli report daily_sales --format pdf --out sales.pdf
    """
    from pipeline_cli.cli.names import require_name
    from pipeline_cli.cli.output import make_presentable, print_failure, print_result
    from pipeline_cli.cli.report_files import check_request, deliver, make_prints
    from pipeline_cli.errors import EXIT_DONE, EXIT_STEP_FAILED, UsageError

    project = settings.open_project(sources=())
    if not project.manifest.reports:
        raise UsageError(
            "The manifest has no reports.", hint="Add one below `reports:`, or in reports/<name>.yaml."
        )
    wanted = [require_name(name, project.manifest.reports, "report") for name in dict.fromkeys(names)]
    wanted = wanted or list(project.manifest.reports)
    format_ = format_ or ("html" if block is None else "png")
    check_request(project, wanted, format_, block, out)
    with _drawing_ahead(project, wanted):
        written, found = _write(project, wanted, make_prints(format_, block))
    paths = [path for one in written for path in deliver(project, one, format_, out)]
    mistakes = make_presentable(settings, found)
    if mistakes and not settings.json:
        print_failure(settings, mistakes)
    fields: dict[str, Any] = {
        "status": "failed" if mistakes else "succeeded",
        "environment": project.environment_name,
        "reports": [{"name": one.name, "page": one.page, "files": one.files} for one in written],
        "errors": [{"step": None, **mistake.to_dict()} for mistake in mistakes],
    }
    if out is not None:
        fields["copies"] = paths
    print_result(settings, fields, paths)
    return EXIT_STEP_FAILED if mistakes else EXIT_DONE


def _drawing_ahead(project: Project, names: list[str]) -> AbstractContextManager[None]:
    """Start what draws the charts, where there are any: it is ready by the time that they are read."""
    from pipeline_cli.manifest.charts import Chart
    from pipeline_cli.reports.charts.engine import drawing_ahead

    blocks = [block for name in names for block in project.manifest.reports[name].blocks.values()]
    return drawing_ahead() if any(isinstance(block, Chart) for block in blocks) else nullcontext()


def _write(
    project: Project, names: list[str], prints: Sequence[Print]
) -> tuple[list[ReportResult], list[Mistake]]:
    """The reports that could be written, and what is wrong with the others. Raises Busy."""
    from pipeline_cli.cli.warehouses import opened_warehouse
    from pipeline_cli.errors import ReportError
    from pipeline_cli.locks import hold_locks
    from pipeline_cli.running.holding import open_ledger
    from pipeline_cli.steps.report import ReportPlace, write_anew

    written: list[ReportResult] = []
    mistakes: list[Mistake] = []
    with ExitStack() as held:
        ledger = held.enter_context(open_ledger(project))
        held.enter_context(
            hold_locks(project.state_dir / "locks", [f"report {name}" for name in names], "report")
        )
        warehouse = held.enter_context(opened_warehouse(project))
        held.enter_context(warehouse.exclusive("report"))
        for name in names:
            try:
                written.append(write_anew(ReportPlace(project, warehouse, ledger), name, prints))
            except ReportError as error:
                mistakes += error.mistakes
    return written, mistakes
