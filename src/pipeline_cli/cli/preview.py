"""pipeline-cli preview"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from pipeline_cli.cli.output import format_table, print_result, terminal_width
from pipeline_cli.cli.settings import Settings, common_options

if TYPE_CHECKING:
    from pipeline_cli.preview import Preview

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
    from pipeline_cli.preview import preview_resource

    project = settings.open_project(sources=(name.partition(".")[0],))
    source, resource = split_resource(project.manifest, name)
    preview = preview_resource(project, source, resource, limit)
    fields = {
        "status": "succeeded",
        "source": source,
        "resource": resource,
        "columns": dict(preview.columns),
        "rows": preview.rows,
        "rejected": preview.rejected,
        "notes": preview.notes,
        "errors": [],
    }
    print_result(settings, fields, _lines(preview))
    return 0


def _lines(preview: Preview) -> list[str]:
    names = list(dict.fromkeys(name for row in preview.rows for name in row))
    shown, left = names[:MAX_COLUMNS], names[MAX_COLUMNS:]
    types = [preview.columns.get(name) for name in shown]
    rows = [types, *([_cell(row.get(name)) for name in shown] for row in preview.rows)]
    lines = format_table(shown, rows, terminal_width()) if shown else []
    lines += [f"and {', '.join(left)}"] if left else []
    for entry in preview.rejected:
        reasons = "; ".join(f"{reason['path']}: {reason['message']}" for reason in entry["reasons"])
        lines.append(f"rejected: {reasons}")
    count = len(preview.rows) + len(preview.rejected)
    records = f"{count} record{'' if count == 1 else 's'}"
    lines += preview.notes
    return [*lines, f"{records}, {len(preview.rejected)} of them rejected; nothing was loaded."]


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (dict, list)) else value
