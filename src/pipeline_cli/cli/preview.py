"""pipeline-cli preview"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline_cli.cli.output import format_table, print_result, terminal_width
from pipeline_cli.cli.settings import Settings, common_options

if TYPE_CHECKING:
    from pipeline_cli.load import Preview

MAX_COLUMNS = 8


@click.command()
@click.argument("name", metavar="SOURCE.RESOURCE")
@click.option(
    "--limit", default=10, show_default=True, type=click.IntRange(1, 1000), help="How many records."
)
@common_options
@click.pass_obj
def command(settings: Settings, name: str, limit: int) -> int:
    """Read a few records of a resource, check its contract and print them; load nothing.

    Example: pipeline-cli preview fakestore.products --limit 3
    """
    from pipeline_cli.cli.names import split_resource
    from pipeline_cli.load import preview_resource

    project = settings.open_project()
    source, resource = split_resource(project.manifest, name)
    preview = preview_resource(project, None, source, resource, limit)
    fields = {
        "status": "succeeded",
        "source": source,
        "resource": resource,
        "columns": dict(preview.columns),
        "rows": preview.rows,
        "rejected": preview.rejected,
        "errors": [],
    }
    print_result(settings, fields, _lines(preview))
    return 0


def _lines(preview: Preview) -> list[str]:
    shown = list(preview.columns)[:MAX_COLUMNS]
    left = list(preview.columns)[MAX_COLUMNS:]
    rows = [[row.get(column) for column in shown] for row in preview.rows]
    lines = (
        format_table([f"{column} ({preview.columns[column]})" for column in shown], rows, terminal_width())
        if shown
        else []
    )
    if left:
        lines.append(f"and {len(left)} more columns: {', '.join(left)}")
    return [*lines, f"{len(preview.rows)} records, {len(preview.rejected)} rejected; nothing was loaded."]
