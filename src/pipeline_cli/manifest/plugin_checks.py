"""Entries of `plugins` for OpenLineage: each has one place where events go, and no alert is sent there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.findings import Findings, quoted
from pipeline_cli.manifest.models import OPENLINEAGE
from pipeline_cli.manifest.nodes import Broken, Entry, Node, Scalar, Sequence, child

Sections = Mapping[str, Mapping[str, Entry]]
Text = Callable[[Node | None], str | None]

_PLACES = "url: for a server, file: for JSON lines."


def check_lineage_receivers(root: Path, sections: Sections, text: Text, findings: Findings) -> None:
    """Record receivers without a place or with two, and alerts that name one. root: the project's folder."""
    receivers = {
        name for name, each in sections["plugins"].items() if _receives_lineage(root, name, each, text)
    }
    for name in receivers:
        _check_place(name, sections["plugins"][name], findings)
    for entry in sections["pipelines"].values() if receivers else ():
        alerts = child(entry.value, "alerts")
        for alert in alerts.items if isinstance(alerts, Sequence) else ():
            to = child(alert, "to")
            for node in to.items if isinstance(to, Sequence) else (to,):
                if isinstance(node, Scalar) and (named := text(node)) in receivers:
                    message = f"{quoted(named or '')} takes OpenLineage events, and no alerts."
                    findings.add(codes.WRONG_KIND, node, message, "Name a channel, such as email.")


def _receives_lineage(root: Path, name: str, entry: Entry, text: Text) -> bool:
    given = text(child(entry.value, "type"))
    is_own = given is None and (root / f"plugins/{name}.py").is_file()
    return (given or name) == OPENLINEAGE and not is_own and not isinstance(entry.value, Broken)


def _check_place(name: str, entry: Entry, findings: Findings) -> None:
    url, file = child(entry.value, "url"), child(entry.value, "file")
    if url is None and file is None:
        findings.add(codes.MISSING_KEY, entry.key, f"{name} needs the key url or file.", _PLACES)
    elif url is not None and file is not None:
        message = f"{name} has a url and a file: events go to one of them."
        findings.add(codes.WRONG_VALUE, file, message, "Remove one, or give it an entry of its own.")
