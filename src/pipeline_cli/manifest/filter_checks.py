"""What aggregates and filters of a report say about each other, on their nodes."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.findings import Findings, did_you_mean, quoted
from pipeline_cli.manifest.nodes import Entry, Mapping, Node, Scalar, child

_PARTS = ("sum", "count", "count_distinct", "min", "max")
_SINGLE_CHARTS = ("line", "area", "bar", "stacked_bar", "donut", "combined", "scatter")


def check_filters(report: Node, findings: Findings) -> None:
    """Record filters that nothing follows, that are one too many, or that share a column."""
    filters, blocks = child(report, "filters"), child(report, "blocks")
    if isinstance(blocks, Mapping):
        for block in blocks.entries.values():
            _check_block(block, findings)
    if not isinstance(filters, Mapping) or not filters.entries:
        return
    periods = [entry for entry in filters.entries.values() if _text(child(entry.value, "type")) == "period"]
    for entry in periods[1:]:
        message = f"a report has one filter of type period, and {quoted(periods[0].key.text)} is it."
        findings.add(codes.BAD_REPORT, entry.key, message, "Keep one of them, or make this one a choice.")
    columns: dict[str, str] = {}
    for name, entry in filters.entries.items():
        column = child(entry.value, "column")
        taken = columns.setdefault(_text(column) or name, name)
        if column is not None and taken != name:
            message = f"the filters {quoted(taken)} and {quoted(name)} go by the same column."
            findings.add(codes.BAD_REPORT, column, message, "Keep one of them.")
    if isinstance(blocks, Mapping) and not any(_aggregates(block) for block in blocks.entries.values()):
        message = "no block has an aggregate: these filters would change nothing."
        hint = "Add aggregate: sum, say, to the figures and charts that are to follow them."
        findings.add(codes.BAD_REPORT, filters.owner or filters, message, hint)


def _check_block(block: Entry, findings: Findings) -> None:
    for node in _aggregates(block):
        _check_aggregate(node, findings)
    figures = child(block.value, "figures")
    for figure in figures.entries.values() if isinstance(figures, Mapping) else ():
        _check_figure(figure, findings)
    _check_chart(block, findings)
    _check_table(block, findings)


def _aggregates(block: Entry) -> list[Node]:
    """Every aggregate of a block: its own, by measure, of its figures and of its columns."""
    found = [child(block.value, "aggregate"), *_below(child(block.value, "aggregates"))]
    for parts in (child(block.value, "figures"), child(block.value, "columns")):
        found += [child(part, "aggregate") for part in _below(parts)]
    return [node for node in found if node is not None]


def _below(node: Node | None) -> Iterator[Node]:
    for entry in node.entries.values() if isinstance(node, Mapping) else ():
        yield entry.value


def _check_aggregate(node: Node, findings: Findings) -> None:
    if not isinstance(node, Mapping):
        return
    if len(node.entries) != 1:
        message = "an aggregate is one word, or a map with one key."
        hint = f"Write one of {', '.join(_PARTS)}, average and the column's name, or ratio: {{of: ..., to: ...}}."
        findings.add(codes.BAD_REPORT, node.owner or node, message, hint)
    for side in ("of", "to"):
        part = child(node, "ratio", side)
        if isinstance(part, Mapping):
            _check_aggregate(part, findings)


def _check_figure(figure: Entry, findings: Findings) -> None:
    aggregate, column = child(figure.value, "aggregate"), child(figure.value, "column")
    detail = child(figure.value, "detail")
    if aggregate is None:
        return
    if isinstance(aggregate, Mapping) and column is not None:
        message = f"the aggregate of {quoted(figure.key.text)} names its column itself."
        findings.add(codes.BAD_REPORT, column.owner or column, message, "Remove column.")
    if detail is not None:
        message = "detail is of the query's first row, and an aggregate is of all rows."
        findings.add(codes.BAD_REPORT, detail.owner or detail, message, "Make it a figure of its own.")


def _check_chart(block: Entry, findings: Findings) -> None:
    if _text(child(block.value, "type")) not in _SINGLE_CHARTS:
        return
    aggregates = child(block.value, "aggregates")
    measures = _measures(block)
    for name, entry in aggregates.entries.items() if isinstance(aggregates, Mapping) else ():
        if measures and name not in measures:
            message = f"{quoted(name)} is not one of the chart's columns of numbers."
            findings.add(
                codes.UNKNOWN_NAME, entry.key, message, did_you_mean(name, measures, what="They are")
            )
    if child(block.value, "aggregate") is None and isinstance(aggregates, Mapping) and aggregates.entries:
        lacking = [name for name in measures if name not in aggregates.entries]
        if lacking:
            message = f"aggregates says nothing of {', '.join(map(quoted, lacking))}."
            findings.add(
                codes.BAD_REPORT,
                aggregates.owner or aggregates,
                message,
                "Add aggregate: for all the others.",
            )
    if not _aggregates(block):
        for key in ("sort", "limit"):
            node = child(block.value, key)
            if node is not None:
                message = f"{key} is of charts with an aggregate."
                hint = "Without one the query itself orders and limits its rows."
                findings.add(codes.BAD_REPORT, node.owner or node, message, hint)


def _measures(block: Entry) -> list[str]:
    kind = _text(child(block.value, "type"))
    keys = ["y", "line", *(("x", "size") if kind == "scatter" else ())]
    found: list[str] = []
    for key in keys:
        node = child(block.value, key)
        items = getattr(node, "items", [node])
        found += [text for item in items if (text := _text(item)) is not None]
    return found


def _check_table(block: Entry, findings: Findings) -> None:
    sort, columns = child(block.value, "sort"), child(block.value, "columns")
    if sort is None or _text(child(block.value, "type")) != "table":
        return
    names = list(columns.entries) if isinstance(columns, Mapping) else []
    if not _aggregates(block):
        message = "sort is of tables whose columns have an aggregate."
        hint = "Without one the query itself orders its rows."
        findings.add(codes.BAD_REPORT, sort.owner or sort, message, hint)
    elif (name := _text(sort)) is not None and name not in names:
        message = f"{quoted(name)} is not one of the table's columns."
        findings.add(codes.UNKNOWN_NAME, sort, message, did_you_mean(name, names, what="They are"))


def _text(node: Node | None) -> str | None:
    return node.text if isinstance(node, Scalar) else None
