"""pipeline-cli show"""

from __future__ import annotations

import click

from pipeline_cli.cli.handover import hand_over, tool_environment
from pipeline_cli.cli.output import print_progress
from pipeline_cli.cli.settings import Settings, common_options
from pipeline_cli.errors import UsageError
from pipeline_cli.manifest.models import Manifest

DEFAULT_PORT = 2718


@click.command()
@click.argument("pipeline")
@click.option(
    "--port", default=DEFAULT_PORT, show_default=True, type=click.IntRange(1, 65535), help="The port."
)
@common_options
@click.pass_obj
def command(settings: Settings, pipeline: str, port: int) -> int:
    """Open dlt's dashboard on what PIPELINE loaded, on 127.0.0.1, until Ctrl-C.

    Needs the extra: pip install 'pipeline-cli[dashboard]'. Example: pipeline-cli show fakestore
    """
    from pipeline_cli.reports.dashboard import HOST, dashboard_command, settle_in

    project = settings.open_project(sources=())
    source = choose_source(project.manifest, pipeline)
    pipelines_dir = project.loads_dir / "dlt" / "pipelines"
    if not (pipelines_dir / source).is_dir():
        raise UsageError(
            f"'{source}' was never loaded in '{project.environment_name}'.",
            hint=f"pipeline-cli run {pipeline}",
        )
    settle_in(project.pipeline_dir / "dashboard")
    started = dashboard_command(source, pipelines_dir, port)
    print_progress(settings, f"The dashboard is at http://{HOST}:{port} (Ctrl-C ends it)")
    hand_over(started, tool_environment(project), project.root)


def choose_source(manifest: Manifest, name: str) -> str:
    """The source to show for the name of a pipeline (its first) or of a source. Raises UsageError."""
    from pipeline_cli.cli.names import require_name

    if name in manifest.pipelines and manifest.pipelines[name].sources:
        return manifest.pipelines[name].sources[0]
    return require_name(name, [*manifest.sources, *manifest.pipelines], "pipeline or source")
