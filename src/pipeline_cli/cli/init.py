"""pipeline-cli init"""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipeline_cli.cli.output import print_result
from pipeline_cli.cli.settings import Settings, common_options

STATE_DIR = ".pipeline"


@click.command()
@click.argument("directory", default=".", type=click.Path(path_type=Path))
@common_options
@click.pass_obj
def command(settings: Settings, directory: Path) -> int:
    """Copy the reference project into DIRECTORY (by default here); nothing is overwritten.

    Example: pipeline-cli init shop && cd shop && pipeline-cli run
    """
    from pipeline_cli.manifest.schema import manifest_schema
    from pipeline_cli.scaffold import copy_scaffold

    files = copy_scaffold(directory)
    schema_file = directory / STATE_DIR / "manifest.schema.json"
    schema_file.parent.mkdir(exist_ok=True)
    schema_file.write_text(json.dumps(manifest_schema(), indent=2) + "\n", encoding="utf-8")
    lines = [f"Made a project of {len(files)} files in {directory}.", "", "Next:"]
    lines += [f"  cd {directory}"] if directory != Path() else []
    lines += ["  pipeline-cli run        load the sample data, build and test the models; needs no network"]
    lines += ["  pipeline-cli validate   after each change of pipelines.yaml"]
    print_result(
        settings,
        {
            "status": "succeeded",
            "directory": str(directory.resolve()),
            "files": [str(file) for file in files],
        },
        lines,
    )
    return 0
