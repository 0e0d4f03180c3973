"""What of a report is printed in a run, because an alert sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline_cli.manifest.channels import EmailChannel
from pipeline_cli.project import Project

if TYPE_CHECKING:
    from pipeline_cli.reports.writing import Print

MOST_PICTURES = 8


def prints_for_mail(project: Project, report: str) -> list[Print]:
    """Pictures of the charts for the mail itself, and the PDF where one is to be attached.

    Nothing where no mail of the report goes out of this environment.
    """
    manifest = project.manifest
    told = [
        rule
        for pipeline in manifest.pipelines.values()
        if report in pipeline.reports
        for rule in pipeline.alerts
        if "report" in rule.when
        and (not rule.environments or project.environment_name in rule.environments)
        and any(_is_mail(project, channel) for channel in rule.to)
    ]
    if not told:
        return []
    from pipeline_cli.manifest.charts import Chart
    from pipeline_cli.reports.writing import Print

    charts = [name for name, block in manifest.reports[report].blocks.items() if isinstance(block, Chart)]
    prints = [Print("png", name) for name in charts[:MOST_PICTURES]]
    return [*prints, Print("pdf")] if any("pdf" in rule.attach for rule in told) else prints


def _is_mail(project: Project, channel: str) -> bool:
    is_set = not project.missing.get(f"plugins.{channel}")
    return is_set and isinstance(project.manifest.plugins.get(channel), EmailChannel)
