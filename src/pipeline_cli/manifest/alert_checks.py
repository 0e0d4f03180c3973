"""What an alert's keys say about each other and about its pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.findings import Findings
from pipeline_cli.manifest.nodes import Entry, Node, Scalar, Sequence, child

Sections = Mapping[str, Mapping[str, Entry]]
Text = Callable[[Node | None], str | None]


def check_alerts(sections: Sections, text: Text, findings: Findings) -> None:
    """Record alerts that tell nobody, or nothing, or of reports where there are none."""
    for entry in sections["pipelines"].values():
        alerts = child(entry.value, "alerts")
        for alert in alerts.items if isinstance(alerts, Sequence) else ():
            for name, hint in (
                ("to", "Name a channel, such as email."),
                ("when", "Name failure, or leave the key out."),
            ):
                listed = child(alert, name)
                if isinstance(listed, Sequence) and not listed.items:
                    findings.add(codes.WRONG_VALUE, listed, f"{name} is empty.", hint)
            _check_report(alert, entry.value, text, findings)


def _check_report(alert: Node, pipeline: Node, text: Text, findings: Findings) -> None:
    when = child(alert, "when")
    items: list[Node | None] = list(when.items) if isinstance(when, Sequence) else [when]
    for item in items:
        if isinstance(item, Scalar) and text(item) == "report" and not _names_any(child(pipeline, "reports")):
            message = "this pipeline has no report to tell of."
            findings.add(codes.WRONG_VALUE, item, message, "Add reports: to it, or remove report here.")


def _names_any(reports: Node | None) -> bool:
    return bool(reports.items) if isinstance(reports, Sequence) else reports is not None
