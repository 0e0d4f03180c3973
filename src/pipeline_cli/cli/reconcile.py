"""pipeline-cli reconcile"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pipeline_cli.cli.output import format_table, print_result, terminal_width
from pipeline_cli.cli.settings import Settings, common_options
from pipeline_cli.errors import EXIT_CHECKS_FAILED, EXIT_DONE

if TYPE_CHECKING:
    from pipeline_cli.maintenance.reconciling import Comparison

SHOWN = 5


@click.command()
@click.argument("pipeline")
@common_options
@click.pass_obj
def command(settings: Settings, pipeline: str) -> int:
    """Read PIPELINE's sources once more, and compare them with the destination by key and content.

    Nothing is changed. Exit code 4 where they differ: rows missing, extra or changed in the destination.

    Example: pipeline-cli reconcile fakestore --env live
    """
    from pipeline_cli.cli.names import require_name
    from pipeline_cli.maintenance.reconciling import reconcile

    project = settings.open_project(pipelines=None)
    require_name(pipeline, project.manifest.pipelines, "pipeline")
    project = settings.open_project(pipelines=(pipeline,))
    comparisons, refused = reconcile(project, pipeline)
    differs = any(each.differs for each in comparisons)
    fields = {
        "status": "failed" if differs else "succeeded",
        "pipeline": pipeline,
        "tables": [{**asdict(each), "differs": each.differs} for each in comparisons],
        "not_compared": refused,
        "errors": [],
    }
    print_result(
        settings, fields, [*_lines(comparisons), *(f"not compared: {k}, {v}" for k, v in refused.items())]
    )
    return EXIT_CHECKS_FAILED if differs else EXIT_DONE


def _lines(comparisons: list[Comparison]) -> list[str]:
    titles = ("table", "source", "destination", "missing", "extra", "changed", "rejected")
    rows = [
        (
            each.table,
            each.source_rows,
            each.destination_rows,
            each.missing,
            each.extra,
            each.changed if each.by_key else "",
            each.rejected,
        )
        for each in comparisons
    ]
    lines = format_table(titles, rows, terminal_width()) if rows else []
    for each in comparisons:
        for kind, keys in each.examples.items() if each.by_key else ():
            more = ", …" if getattr(each, kind) > SHOWN else ""
            lines.append(f"  {kind} in {each.table}: {', '.join(keys[:SHOWN])}{more}")
    return lines
