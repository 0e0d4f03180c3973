"""pipeline-cli record"""

from __future__ import annotations

import click

from pipeline_cli.cli.output import print_progress, print_result
from pipeline_cli.cli.settings import Settings, common_options


@click.command()
@click.argument("source")
@common_options
@click.pass_obj
def command(settings: Settings, source: str) -> int:
    """Ask SOURCE's API once and keep its answers in the project; environments with `replay: true` use them.

    Secrets and personal headers are scrubbed. Example: pipeline-cli record fakestore --env live
    """
    from pipeline_cli.cli.names import require_name
    from pipeline_cli.loading.errors import translate
    from pipeline_cli.sources.build import record_source

    project = settings.open_project(sources=(source,), network=True)
    require_name(source, project.manifest.sources, "source")
    print_progress(settings, f"Asking {source} …")
    try:
        files = [str(path.relative_to(project.root)) for path in record_source(project, source)]
    except Exception as error:  # whatever dlt raises, or a Python source
        raise translate(error, source, "") from error
    lines = [*(f"Wrote {file}" for file in files), "Look through them before you commit them."]
    print_result(settings, {"status": "succeeded", "files": files, "errors": []}, lines)
    return 0
