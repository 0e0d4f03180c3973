"""pipeline-cli init"""

from __future__ import annotations

from pathlib import Path

import click

from pipeline_cli.cli.output import print_result
from pipeline_cli.cli.settings import Settings, common_options


@click.command()
@click.argument("directory", default=".", type=click.Path(path_type=Path))
@common_options
@click.pass_obj
def command(settings: Settings, directory: Path) -> int:
    """Copy the reference project into DIRECTORY (by default here); nothing is overwritten.

    Example: pipeline-cli init shop && cd shop && pipeline-cli run
    """
    from pipeline_cli.cli.schema_file import refresh_schema_file
    from pipeline_cli.scaffold import copy_scaffold

    files = copy_scaffold(directory)
    refresh_schema_file(directory)
    where = "this folder" if directory == Path() else directory
    lines = [f"Made a project of {len(files)} files in {where}.", "", "Next:"]
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
