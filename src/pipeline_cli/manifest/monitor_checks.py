"""Thresholds that nothing is measured by, for the pipeline has no schedule, or no source."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.findings import Findings
from pipeline_cli.manifest.nodes import Entry, Node, Scalar, Sequence, child
from pipeline_cli.manifest.nodes import Mapping as MappingNode
from pipeline_cli.manifest.scalars import is_null

OF_SOURCES = ("freshness", "new_rows", "quarantine")


def check_monitors(pipelines: Mapping[str, Entry], findings: Findings) -> None:
    """Record thresholds that do not fit their pipeline."""
    for entry in pipelines.values():
        monitor = child(entry.value, "monitor")
        if not isinstance(monitor, MappingNode):
            continue
        is_scheduled = not _is_blank(child(entry.value, "schedule"))
        for name, allowed, message, hint in (
            (
                "every",
                not is_scheduled,
                "the schedule says when this pipeline runs.",
                "Remove every; grace says how late it may begin.",
            ),
            (
                "grace",
                is_scheduled,
                "grace is for a pipeline with a schedule.",
                "Write every, or add a schedule.",
            ),
        ):
            if name in monitor.entries and not allowed:
                findings.add(codes.BAD_MONITOR, monitor.entries[name].key, message, hint)
        for name in OF_SOURCES if _is_blank(child(entry.value, "sources")) else ():
            if name in monitor.entries:
                message = f"{name} is for a pipeline with sources."
                findings.add(codes.BAD_MONITOR, monitor.entries[name].key, message, "Remove it.")


def _is_blank(node: Node | None) -> bool:
    if isinstance(node, Scalar):
        return node.plain and is_null(node.text)
    return node is None or (isinstance(node, Sequence) and not node.items)
