"""pipeline-cli monitor [PIPELINE...]"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline_cli.cli.output import format_table, print_progress, print_result, terminal_width
from pipeline_cli.cli.settings import Settings, common_options
from pipeline_cli.errors import EXIT_CHECKS_FAILED, EXIT_DONE, PipelineCliError

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline_cli.ledger import Ledger
    from pipeline_cli.monitoring.findings import Health
    from pipeline_cli.project import Project


@click.command(short_help="Check whether pipelines are well; tell whoever alerts name.")
@click.argument("pipelines", metavar="[PIPELINE]...", nargs=-1)
@click.option("--no-alerts", is_flag=True, help="Only look: open and close no incident, tell nobody.")
@click.option(
    "--prometheus",
    "metrics_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write metrics as a text file for Prometheus' node exporter.",
)
@click.option(
    "--push-gateway", "gateway", metavar="URL", help="Send the metrics to a Prometheus push gateway."
)
@common_options
@click.pass_obj
def command(
    settings: Settings,
    pipelines: tuple[str, ...],
    no_alerts: bool,
    metrics_file: Path | None,
    gateway: str | None,
) -> int:
    """Check pipelines (by default all) against the ledger: exit code 4 when one is not well, 0 when all are.

    Example: pipeline-cli monitor --prometheus /var/lib/node_exporter/pipelines.prom
    """
    from pipeline_cli.cli.history import opened_ledger
    from pipeline_cli.cli.names import require_name
    from pipeline_cli.document import format_time, utc_now
    from pipeline_cli.monitoring.summary import HEADER, describe_findings, describe_outcome, make_rows

    project = settings.open_project(sources=())
    for name in pipelines:
        require_name(name, project.manifest.pipelines, "pipeline")
    warnings: list[str] = []
    now = utc_now()
    with opened_ledger(project) as ledger:
        warnings += ledger.warnings
        healths = _look(project, ledger, list(dict.fromkeys(pipelines)), now)
        incidents = {} if no_alerts else _tell(project, ledger, healths, warnings)
    for warning in dict.fromkeys(warnings):
        print_progress(settings, f"Warning: {warning}")
    is_well = all(health.is_well for health in healths)
    error = _export(project, healths, now, metrics_file, gateway)
    fields: dict[str, Any] = {
        "status": "succeeded" if is_well else "failed",
        "environment": project.environment_name,
        "checked_at": format_time(now),
        "pipelines": [health.to_dict() for health in healths],
        "incidents": incidents,
        "warnings": list(dict.fromkeys(warnings)),
        "errors": [{"step": None, **mistake.to_dict()} for mistake in error.mistakes] if error else [],
    }
    lines = format_table(HEADER, make_rows(healths, now), terminal_width()) if healths else []
    lines += describe_findings(healths, terminal_width())
    print_result(settings, fields, [*lines, "", describe_outcome(healths, project.environment_name)])
    if error is not None and not settings.json:
        raise error
    if error is not None:
        print_progress(settings, f"Error: {error.message}")
        return error.exit_code
    return EXIT_DONE if is_well else EXIT_CHECKS_FAILED


def _look(project: Project, ledger: Ledger, pipelines: list[str], now: datetime) -> list[Health]:
    from pipeline_cli.ledger.observations import Observations
    from pipeline_cli.monitoring.judging import judge
    from pipeline_cli.monitoring.looking import look_at

    seen, option = Observations(ledger.database, project.environment_name), project.command_option
    names = pipelines or project.manifest.pipelines
    return [judge(look_at(project.manifest, seen, name, now, option=option)) for name in names]


def _tell(project: Project, ledger: Ledger, healths: list[Health], warnings: list[str]) -> dict[str, Any]:
    from pipeline_cli.document import utc_now
    from pipeline_cli.monitoring.alerting import tell

    news = tell(project, ledger, healths, utc_now, warnings.append)
    return {
        "opened": [incident.incident_id for incident in news.opened],
        "closed": [incident.incident_id for incident in news.closed],
    }


def _export(
    project: Project, healths: list[Health], now: datetime, metrics_file: Path | None, gateway: str | None
) -> PipelineCliError | None:
    """Write and send the metrics where asked. An error is returned: the findings are to be told all the same."""
    if metrics_file is None and gateway is None:
        return None
    from pipeline_cli.monitoring.prometheus import push_metrics, write_metrics, write_text

    text = write_text(project.manifest.name, project.environment_name, healths, now)
    try:
        if metrics_file is not None:
            write_metrics(metrics_file, text)
        if gateway is not None:
            push_metrics(gateway, project.manifest.name, project.environment_name, text)
    except PipelineCliError as error:
        return error
    return None
