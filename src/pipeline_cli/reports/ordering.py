"""The order of aggregated rows: along time or numbers, or the largest first. The page's script does the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pipeline_cli.manifest.charts import Chart
from pipeline_cli.manifest.reports import ReportTable
from pipeline_cli.reports.aggregates import Question
from pipeline_cli.reports.periods import between
from pipeline_cli.reports.values import as_moment, as_number

Row = tuple[Any, ...]
_COUNTED = ("rows", "count", "distinct", "sum")


def order_answer(rows: Sequence[Row], question: Question, block: Any) -> list[Row]:
    """The rows in the block's order; of a chart as many as its limit lets through."""
    ordered = sorted(rows, key=lambda row: [_rank(value) for value in row[: len(question.dimensions)]])
    if isinstance(block, Chart) and question.dimensions:
        return _order_chart(ordered, question, block)
    if isinstance(block, ReportTable):
        return _order_table(ordered, question, block)
    return ordered


def _order_chart(rows: list[Row], question: Question, block: Chart) -> list[Row]:
    rows = _fill_gaps(rows, question)
    place = question.columns.index(block.measures[0])
    sizes: dict[Any, float] = {}
    for row in rows:
        sizes[row[0]] = sizes.get(row[0], 0.0) + _size(row[place])
    names = list(sizes)
    if block.sort == "value" and not _is_axis(names):
        names.sort(key=lambda name: -sizes[name])
    limit = None if block.type == "donut" else block.limit  # whose limit makes the rest one part
    kept = {name: order for order, name in enumerate(names[:limit])}
    return sorted((row for row in rows if row[0] in kept), key=lambda row: kept[row[0]])


def _fill_gaps(rows: list[Row], question: Question) -> list[Row]:
    """With a row for each period between the first and the last of every series: where nothing happened there are no
    orders and no revenue, and a line must not go straight over it. A ratio of nothing is none.
    """
    period = question.dimensions[0].period
    moments = {moment: row[0] for row in rows if (moment := as_moment(row[0])) is not None}
    if period is None or not moments:
        return rows
    nothing = tuple(0 if one.to is None and one.of.kind in _COUNTED else None for one in question.measures)
    known = {row[: len(question.dimensions)] for row in rows}
    every = [
        moments.get(moment) or _like(moment, rows[0][0])
        for moment in between(min(moments), max(moments), period)
    ]
    series = dict.fromkeys(row[1 : len(question.dimensions)] for row in rows)
    missing = [(x, *names) for names in series for x in every if (x, *names) not in known]
    filled = [*rows, *((*keys, *nothing) for keys in missing)]
    return sorted(filled, key=lambda row: [_rank(value) for value in row[: len(question.dimensions)]])


def _like(moment: datetime, other: Any) -> Any:
    """A moment as the database gives the others of its column."""
    if isinstance(other, datetime):
        return moment if other.tzinfo else moment.replace(tzinfo=None)
    return moment.date()


def _order_table(rows: list[Row], question: Question, block: ReportTable) -> list[Row]:
    dated = [one.column for one in question.dimensions if one.period]
    column = block.sort or (dated[0] if dated else question.measures[0].name)
    place = question.columns.index(column)
    if place < len(question.dimensions):
        return sorted(rows, key=lambda row: _rank(row[place]))
    return sorted(rows, key=lambda row: -_size(row[place], nothing=float("-inf")))


def _is_axis(names: Sequence[Any]) -> bool:
    """Whether they stand along time, or along numbers."""
    known = [name for name in names if name is not None]
    moments = all(as_moment(name) is not None for name in known)
    return moments or all(not isinstance(name, (str, bool)) and as_number(name) is not None for name in known)


def _size(value: Any, nothing: float = 0.0) -> float:
    number = as_number(value)
    return nothing if number is None else float(number)


def _rank(value: Any) -> tuple[int, Any]:
    """Sorts values of one column: moments, numbers, texts; NULL last."""
    moment = as_moment(value)
    if value is None:
        return 3, ""
    if moment is not None:
        return 0, moment.timestamp()
    number = None if isinstance(value, str) else as_number(value)
    return (2, str(value)) if number is None else (1, float(number))
