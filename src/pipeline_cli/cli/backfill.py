"""pipeline-cli backfill"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline_cli.cli.output import print_progress, print_result
from pipeline_cli.cli.settings import Settings, common_options

if TYPE_CHECKING:
    from pipeline_cli.maintenance.backfill import ChunkResult


@click.command()
@click.argument("pipeline")
@click.option("--start", required=True, metavar="VALUE", help="The first cursor value: a time or a number.")
@click.option("--end", required=True, metavar="VALUE", help="Where to stop; it is left out itself.")
@click.option("--chunk", metavar="STEP", help="How much to read at a time: 7d, 12h, or a number.")
@click.option(
    "--resource",
    "resources",
    multiple=True,
    metavar="SOURCE.RESOURCE",
    help="Only this one; may be repeated.",
)
@click.option("--again", is_flag=True, help="Also the chunks that are done.")
@common_options
@click.pass_obj
def command(
    settings: Settings,
    pipeline: str,
    start: str,
    end: str,
    chunk: str | None,
    resources: tuple[str, ...],
    again: bool,
) -> int:
    """Read a span of PIPELINE's incremental resources anew, chunk by chunk; its cursors stay where they are.

    Called again, it goes on with the chunks that are not done.

    Example: pipeline-cli backfill fakestore --start 2025-01-01 --end 2025-07-01 --chunk 7d
    """
    from pipeline_cli.cli.names import require_name, split_resource
    from pipeline_cli.errors import StepError
    from pipeline_cli.maintenance.backfill import BackfillOptions, backfill
    from pipeline_cli.maintenance.windows import parse_span

    span = parse_span(start, end, chunk)
    project = settings.open_project(pipelines=None)
    require_name(pipeline, project.manifest.pipelines, "pipeline")
    wanted = [split_resource(project.manifest, name) for name in resources]
    for source, _ in wanted:
        require_name(source, project.manifest.pipelines[pipeline].sources, f"source in '{pipeline}' called")
    options = BackfillOptions(pipeline, wanted, span, again)
    try:
        results, plans = backfill(project, options, lambda result: print_progress(settings, _line(result)))
    except StepError as error:
        if error.code == "E130":  # a signal between two pages
            raise KeyboardInterrupt from error
        raise
    refused = {f"{plan.source}.{name}": why for plan in plans for name, why in plan.refused.items()}
    fields = {
        "status": "succeeded",
        "pipeline": pipeline,
        "chunks": [_to_dict(each) for each in results],
        "not_backfilled": refused,
        "errors": [],
    }
    loaded = sum(each.loaded for result in results for each in result.resources)
    skipped = sum(result.status == "skipped" for result in results)
    lines = [f"{len(results)} chunks, {skipped} of them done before: {loaded} records loaded."]
    lines += [f"  not backfilled: {name}: {why}" for name, why in refused.items()]
    if loaded:
        lines.append(f"Next: pipeline-cli run {pipeline} --from transform{project.command_option}")
    print_result(settings, fields, lines)
    return 0


def _line(result: ChunkResult) -> str:
    key = result.key
    counts = ", ".join(
        f"{each.name}: {each.extracted} extracted, {each.loaded} loaded" for each in result.resources
    )
    return f"{key.source} {key.start} to {key.end}: {result.status}{f' ({counts})' if counts else ''}"


def _to_dict(result: ChunkResult) -> dict[str, Any]:
    from dataclasses import asdict

    key = result.key
    return {
        "source": key.source,
        "start": key.start,
        "end": key.end,
        "status": result.status,
        "run_id": result.run_id,
        "resources": [asdict(each) for each in result.resources],
    }
