"""Whether the queries give the columns that a report's blocks and filters name: all that they lack at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline_cli.errors import Mistake, ReportError
from pipeline_cli.manifest.charts import Chart
from pipeline_cli.manifest.findings import nearest
from pipeline_cli.manifest.measures import PeriodFilter
from pipeline_cli.manifest.reports import Figures, Report, ReportText
from pipeline_cli.reports.aggregates import Question, question_of_block, question_of_figure
from pipeline_cli.reports.results import Results, blaming, missing_columns


class MissingColumnsError(ReportError):
    """Columns that no query gives, each a mistake of its own."""

    def __init__(self, found: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(message for message, _ in found), hint=found[0][1])
        self._found = found

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        return tuple(Mistake(self.code, message, hint) for message, hint in self._found)


@dataclass(frozen=True, slots=True)
class Asker:
    """A figure, chart or table, and the columns of its query that it takes."""

    block: str
    sql: str
    columns: Sequence[str]
    is_aggregated: bool


def require_all_columns(name: str, report: Report, results: Results, hint: str) -> None:
    """Raise MissingColumnsError with every column that is missing, and ReportError for a query that fails."""
    found: dict[tuple[str, str], None] = {}
    filtered: dict[str, None] = {}
    for asker in _askers(report, results):
        with blaming(name, asker.block, hint):
            given = results.columns(asker.sql)
        found |= dict.fromkeys(missing_columns(given, asker.columns, name, asker.block))
        if asker.is_aggregated:
            filtered |= dict.fromkeys(given)
    for key, one in report.filters.items():
        if one.column not in filtered:
            near = nearest(one.column, list(filtered))
            added = f"Add {one.column} to the queries that are to be filtered by it."
            message = f"report {name}, filter {key}: no block with an aggregate has the column '{one.column}'"
            found[message, f"Did you mean {near}?" if near else added] = None
    if found:
        raise MissingColumnsError(list(found))


def _askers(report: Report, results: Results) -> Iterator[Asker]:
    for name, block in report.blocks.items():
        if isinstance(block, ReportText):
            continue
        if not isinstance(block, Figures):
            question = question_of_block(block)
            own = (*block.dimensions, *block.measures) if isinstance(block, Chart) else tuple(block.columns)
            yield _asker(name, results.sql_of(block), question, own)
            continue
        for key, figure in block.figures.items():
            question = question_of_figure(key, figure)
            own = (figure.column or key, *([figure.detail] if figure.detail else []))
            changed = _changed_column(report, figure) if question else ()
            yield _asker(name, results.sql_of(figure, block), question, own, changed)


def _asker(
    name: str, sql: str, question: Question | None, own: Sequence[str], more: Sequence[str] = ()
) -> Asker:
    return Asker(name, sql, [*(question.needed if question else own), *more], question is not None)


def _changed_column(report: Report, figure: Any) -> Sequence[str]:
    """The column of dates that a figure's change names itself; a filter's is the filter's to have."""
    if figure.change is None or figure.change_column is None:
        return ()
    is_filters = any(
        isinstance(one, PeriodFilter) and one.column == figure.change_column
        for one in report.filters.values()
    )
    return () if is_filters else (figure.change_column,)
