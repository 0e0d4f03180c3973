"""What the blocks of a report show, as columns of gold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline_cli.lineage.tracing import ROWS, ColumnName, Columns, Traced, trace_query
from pipeline_cli.manifest.charts import Chart
from pipeline_cli.manifest.reports import Figures, Report, ReportTable

_PARTS = ("sum", "count", "count_distinct", "average", "min", "max")


def trace_report(
    report: Report, dialect: str, known: Columns
) -> tuple[dict[str, frozenset[ColumnName]], set[tuple[str, str]]]:
    """(`block.shown` to what it is made of, the tables that the report reads)."""
    traced: dict[str, Traced | None] = {}

    def trace(*askers: Any) -> Traced | None:
        sql = next(
            (asker.sql or report.queries.get(asker.query) for asker in askers if asker.sql or asker.query),
            None,
        )
        if sql is None:
            return None
        if sql not in traced:
            traced[sql] = trace_query(sql, dialect, known, ones_are_rows=True)
        return traced[sql]

    shown: dict[str, frozenset[ColumnName]] = {}
    for name, block in report.blocks.items():
        for label, query, columns in _shown(block, trace):
            if query is not None:
                shown[f"{name}.{label}"] = frozenset().union(*(_origins(query, column) for column in columns))
    tables = {table for query in traced.values() if query is not None for table in query.tables}
    return shown, tables


def _shown(block: Any, trace: Any) -> Iterator[tuple[str, Traced | None, set[str]]]:
    """(what is shown, its query, the query's columns that it is made of) of each part of a block."""
    if isinstance(block, Figures):
        for name, figure in block.figures.items():
            column = figure.column or name
            used = columns_of(getattr(figure, "aggregate", None), column)
            yield name, trace(figure, block), used | ({figure.detail} if figure.detail else set())
    elif isinstance(block, Chart):
        query = trace(block)
        for name in dict.fromkeys(block.dimensions):
            yield name, query, {name}
        for name in dict.fromkeys(block.measures):
            yield name, query, columns_of(block.aggregates.get(name, block.aggregate), name)
    elif isinstance(block, ReportTable):
        query = trace(block)
        columns: Mapping[str, Any] = block.columns or dict.fromkeys(query.columns if query else ())
        for name, column in columns.items():
            yield name, query, columns_of(getattr(column, "aggregate", None), name)


def columns_of(aggregate: Any, column: str) -> set[str]:
    """The query's columns that an aggregate is made of: without one, the column itself."""
    if aggregate is None or isinstance(aggregate, str):
        return {ROWS if aggregate == "count" else column}
    if (ratio := getattr(aggregate, "ratio", None)) is not None:
        return {name for part in (ratio.of, ratio.to) for name in _part(part)}
    return _part(aggregate)


def _part(part: Any) -> set[str]:
    if isinstance(part, str):
        return {part}
    return {name for key in _PARTS if (name := getattr(part, key, None)) is not None}


def _origins(query: Traced, column: str) -> frozenset[ColumnName]:
    if column == ROWS:
        return frozenset((*table, ROWS) for table in query.tables)
    return query.columns.get(column, frozenset())
