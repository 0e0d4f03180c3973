"""pipeline-cli generate"""

from __future__ import annotations

import click

from pipeline_cli.cli.output import print_progress, print_result
from pipeline_cli.cli.settings import Settings, common_options


@click.command()
@click.argument("source")
@click.option(
    "--to", "destination", required=True, metavar="DESTINATION", help="A destination of type filesystem."
)
@click.option(
    "--format",
    "file_format",
    default="csv",
    show_default=True,
    type=click.Choice(["csv", "jsonl", "parquet"]),
    help="What the files are.",
)
@click.option(
    "--resource", "resources", multiple=True, metavar="NAME", help="Only these resources; may be given again."
)
@common_options
@click.pass_obj
def command(
    settings: Settings, source: str, destination: str, file_format: str, resources: tuple[str, ...]
) -> int:
    """Write SOURCE's rows as files, one a resource, to a place for files; load nothing.

    Cells are written as they are, also those that a spreadsheet would take for a formula.
    Example: pipeline-cli generate shop_generator --to data_lake
    """
    from pipeline_cli.cli.names import require_name
    from pipeline_cli.errors import UsageError
    from pipeline_cli.generate import generate_files
    from pipeline_cli.lake.place import open_place
    from pipeline_cli.sources.build import is_column_source, open_columns

    project = settings.open_project(sources=(source,), destinations=(destination,))
    manifest = project.manifest
    entry = manifest.sources[require_name(source, manifest.sources, "source")]
    target = manifest.destinations[require_name(destination, manifest.destinations, "destination")]
    if not is_column_source(entry):
        raise UsageError(
            f"'{source}' is of type {entry.type}: generate takes generated tables, files and databases."
        )
    if target.type != "filesystem":
        raise UsageError(
            f"'{destination}' is a database; generate writes to destinations of type filesystem."
        )
    for name in resources:
        require_name(name, entry.resources, f"resource in '{source}' called")
    place = open_place(project, target)
    written = []
    for file in generate_files(project, open_columns(project, source), place, file_format, resources):  # type: ignore[arg-type]
        print_progress(settings, f"Wrote {file.name} …")
        written.append(file)
    files = [
        {"resource": each.resource, "path": each.name, "rows": each.row_count, "bytes": each.size_bytes}
        for each in written
    ]
    lines = [f"{each.name}  {each.row_count:,} rows  {each.size_bytes:,} bytes" for each in written]
    fields = {
        "status": "succeeded",
        "source": source,
        "destination": destination,
        "files": files,
        "errors": [],
    }
    print_result(settings, fields, [*lines, f"in {place.shown}"])
    return 0
