"""pipeline-cli lineage"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline_cli.cli.output import format_table, print_progress, print_result, terminal_width
from pipeline_cli.cli.settings import Settings, common_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_cli.lineage.graph import Relation


@click.command()
@click.argument("name", metavar="[TABLE[.COLUMN]]", required=False)
@common_options
@click.pass_obj
def command(settings: Settings, name: str | None) -> int:
    """Show what a column or table is made of, down to the source's fields, and what is made of it.

    TABLE is schema.table or the table's name alone; of a schema, or without a name, all tables are listed.
    Nothing is run.

    Example: pipeline-cli lineage mart_sales_overview.line_revenue
    """
    from pipeline_cli.lineage.collecting import collect
    from pipeline_cli.lineage.trees import describe, draw, list_tables

    project = settings.open_project(sources=())
    collected = collect(project)
    for note in collected.notes:
        print_progress(settings, f"Note: {note}")
    lineage = collected.lineage
    from pipeline_cli.lineage.names import find, in_schema

    listed = list(lineage.relations.values()) if name is None else in_schema(lineage, name)
    if name is None or listed:
        fields = {"status": "succeeded", **list_tables(listed), "errors": []}
        shown = listed if name else [one for one in listed if one.kind != "source"]
        print_result(settings, fields, _tables(shown) or ["No transform has tables yet."])
        return 0
    found = find(lineage, name)
    print_result(
        settings,
        {"status": "succeeded", **describe(lineage, found), "errors": []},
        draw(lineage, found, terminal_width()),
    )
    return 0


def _tables(relations: Sequence[Relation]) -> list[str]:
    rows = [(one.id, len(one.columns), one.made_by) for one in relations]
    return format_table(("table", "columns", "made by"), rows, terminal_width()) if rows else []
