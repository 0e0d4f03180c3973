"""What a filesystem source's keys say about each other, and about CSV files."""

from __future__ import annotations

import codecs
from collections.abc import Callable

from pipeline_cli.manifest import codes as mistake_codes
from pipeline_cli.manifest.findings import Findings
from pipeline_cli.manifest.nodes import Mapping as MappingNode
from pipeline_cli.manifest.nodes import Node, Scalar, child

Text = Callable[[Node | None], str | None]


def check_files(source: Node, text: Text, findings: Findings) -> None:
    """Record the mistakes of a `filesystem` source that its keys alone do not show. text: a scalar's, filled in."""
    resources = child(source, "resources")
    for entry in resources.entries.values() if isinstance(resources, MappingNode) else ():
        cursor = child(entry.value, "incremental")
        if cursor is not None:
            findings.add(
                mistake_codes.UNKNOWN_KEY,
                cursor.owner or cursor,
                "files have no cursor: what is read is the files that are new.",
                "Remove it; incremental_by says when a file is new: modified, name or hash.",
            )
        _check_csv(child(entry.value, "csv"), text, findings)


def _check_csv(csv: Node | None, text: Text, findings: Findings) -> None:
    for name, can_be_none in (("delimiter", False), ("quote", True), ("escape", True)):
        node = child(csv, name)
        char = text(node)
        if node is not None and char is not None and len(char) != 1 and not (can_be_none and not char):
            hint = 'A tab is written "\\t", in double quotes.' if char == "\\t" else None
            findings.add(mistake_codes.WRONG_VALUE, node, f"{name} must be one character.", hint)
    node = child(csv, "encoding")
    encoding = text(node)
    if isinstance(node, Scalar) and encoding:
        try:
            codecs.lookup(encoding)
        except LookupError:
            message = f"encoding: {findings.show(node)} is not one that is known."
            findings.add(
                mistake_codes.NOT_A_CHOICE, node, message, "Such are utf-8, utf-16, latin-1, windows-1252."
            )
