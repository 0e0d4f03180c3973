"""pipeline-cli schema"""

from __future__ import annotations

import click

from pipeline_cli.cli.output import print_document, print_json
from pipeline_cli.cli.settings import Settings, common_options

FILE_SECTIONS = ("sources", "destinations", "transforms", "reports", "plugins")


@click.command()
@click.argument("section", required=False, type=click.Choice(FILE_SECTIONS))
@common_options
@click.pass_obj
def command(settings: Settings, section: str | None) -> int:
    """Print the JSON Schema of pipelines.yaml, or that of an entry's own file in a SECTION's folder.

    init and run keep the first in .pipeline/manifest.schema.json. Example: pipeline-cli schema sources
    """
    from pipeline_cli.manifest.schema import entry_schema, manifest_schema

    schema = entry_schema(section) if section else manifest_schema()
    if settings.json:
        print_document(settings.command, {"status": "succeeded", "schema": schema})
    else:
        print_json(schema)
    return 0
