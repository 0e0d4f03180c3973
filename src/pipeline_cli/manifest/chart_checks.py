"""What a chart's or a figure's keys say about each other, on their nodes."""

from __future__ import annotations

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.findings import Findings, quoted
from pipeline_cli.manifest.nodes import Entry, Mapping, Node, Scalar, Sequence, child

_SINGLE = {"scatter": "a point has one place", "donut": "a part has one size"}
_SERIES = ("line", "area", "bar", "stacked_bar")


def check_chart(block: Entry, kind: str | None, findings: Findings) -> None:
    """Record what does not fit together in a chart: several columns of y, and series by a column's values."""
    y, color = child(block.value, "y"), child(block.value, "color")
    if y is None:
        return
    count = len(y.items) if isinstance(y, Sequence) else 1
    if not count:
        findings.add(codes.BAD_REPORT, y, "y needs at least one column of numbers.", None)
    elif count > 1 and kind in _SINGLE:
        message = f"a {kind} takes one column as y: {_SINGLE[kind]}."
        findings.add(codes.BAD_REPORT, y, message, f"{', '.join(_SERIES)} and combined take several.")
    elif count > 1 and kind in _SERIES and color is not None:
        message = f"{quoted(block.key.text)} has several columns as y and a color: either makes the series."
        findings.add(codes.BAD_REPORT, color, message, "Keep one column of y, or leave color out.")
    elif count == 1 and kind == "stacked_bar" and color is None:
        message = f"{quoted(block.key.text)} has nothing to stack."
        hint = "Add color: and the column whose values are the parts, or use type: bar."
        findings.add(codes.BAD_REPORT, block.key, message, hint)


def check_change(figure: Entry, report: Node, findings: Findings) -> None:
    """Record a figure with a change that has no column of dates to go by, and a column without a change."""
    change, column = child(figure.value, "change"), child(figure.value, "change_column")
    if change is not None and column is None and not _has_period_filter(report):
        message = f"change of {quoted(figure.key.text)} needs to know which dates it goes by."
        hint = "Add change_column: and the query's column of dates; or a filter of type period to the report."
        findings.add(codes.BAD_REPORT, change.owner or change, message, hint)
    if change is not None and child(figure.value, "aggregate") is None:
        message = f"change of {quoted(figure.key.text)} compares aggregates, and it has none."
        hint = "Add aggregate: sum, or another; the query then gives rows with a date each."
        findings.add(codes.BAD_REPORT, change.owner or change, message, hint)
    if column is not None and change is None:
        message = "change_column means nothing without change."
        findings.add(codes.BAD_REPORT, column.owner or column, message, "Add change: month, say.")


def _has_period_filter(report: Node) -> bool:
    filters = child(report, "filters")
    if not isinstance(filters, Mapping):
        return False
    types = (child(entry.value, "type") for entry in filters.entries.values())
    return any(isinstance(found, Scalar) and found.text == "period" for found in types)
