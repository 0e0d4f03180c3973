"""pipeline-cli schema"""

from __future__ import annotations

import click

from pipeline_cli.cli.output import print_document, print_json
from pipeline_cli.cli.settings import Settings, common_options


@click.command()
@common_options
@click.pass_obj
def command(settings: Settings) -> int:
    """Print the JSON Schema of pipelines.yaml; init and run keep it in .pipeline/manifest.schema.json.

    Example: pipeline-cli schema > schema.json
    """
    from pipeline_cli.manifest.schema import manifest_schema

    schema = manifest_schema()
    if settings.json:
        print_document(settings.command, {"status": "succeeded", "schema": schema})
    else:
        print_json(schema)
    return 0
