"""pipeline-cli logs"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import click

from pipeline_cli.cli.output import print_result
from pipeline_cli.cli.settings import Settings, common_options

# `2026-11-21T09:00:00.123Z INFO    ingest:crm dlt: …`; lines that do not begin so belong to the one before.
_ENTRY = re.compile(r"^\d{4}-\d\d-\d\d[ T][\d:,.]+Z? [A-Z]+ +(?P<thread>.+?) \S+: ")


@click.command()
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option("--step", metavar="STEP", help="Only what this step logged, for instance ingest:crm.")
@common_options
@click.pass_obj
def command(settings: Settings, run_id: str | None, step: str | None) -> int:
    """Print the log of RUN, by default of the newest run; secrets are masked.

    Example: pipeline-cli logs --step ingest:crm
    """
    from pipeline_cli.cli.history import newest_run, opened_ledger
    from pipeline_cli.cli.names import require_name
    from pipeline_cli.logs import read_log

    project = settings.open_project(sources=())
    with opened_ledger(project) as ledger:
        run_id = run_id or newest_run(ledger, settings.environment)
        pipelines = ledger.document(run_id)["pipelines"]
    if step:
        require_name(step, {entry["name"] for pipeline in pipelines for entry in pipeline["steps"]}, "step")
    lines = list(keep_step(read_log(project, run_id).splitlines(), step))
    print_result(settings, {"status": "succeeded", "run_id": run_id, "lines": lines, "errors": []}, lines)
    return 0


def keep_step(lines: Iterable[str], step: str | None) -> Iterator[str]:
    """The lines that the step's thread logged, tracebacks included; all of them without a step."""
    kept = step is None
    for line in lines:
        entry = _ENTRY.match(line)
        if entry and step is not None:
            kept = entry["thread"] == step
        if kept:
            yield line
