"""The aggregated blocks of a report: which cubes they need, and the answers without any filter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pipeline_cli.errors import ReportError
from pipeline_cli.manifest.measures import ChoiceFilter, PeriodFilter
from pipeline_cli.manifest.reports import Figures, Report
from pipeline_cli.reports.aggregates import Dimension, Part, Question, question_of_block, question_of_figure
from pipeline_cli.reports.calendar import Calendar, Range
from pipeline_cli.reports.cells import Cut, months_sql, sizes_sql
from pipeline_cli.reports.cubes import MOST_CELLS, Cube, read_cube
from pipeline_cli.reports.ordering import order_answer
from pipeline_cli.reports.periods import AsOf
from pipeline_cli.reports.results import Results, Rows, blaming, require_columns
from pipeline_cli.reports.values import as_moment

TOO_LARGE = "E352"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, who asks it, and the cube that answers it. `figure`: None for a chart or a table."""

    block: str
    figure: str | None
    sql: str
    question: Question
    cut: Cut


@dataclass(frozen=True, slots=True)
class Answers:
    """`calendar`: None where no block follows a filter of periods."""

    report: Report
    asked: Sequence[Asked]
    cubes: Mapping[Cut, Cube]
    calendar: Calendar | None

    def find(self, block: str, figure: str | None = None) -> Asked | None:
        """The question of a block or figure; None where it takes its query's rows as they are."""
        return next((one for one in self.asked if (one.block, one.figure) == (block, figure)), None)

    def rows(self, block: str, figure: str | None = None) -> Rows | None:
        """The answer without any filter, in the block's order; None where nothing is aggregated."""
        asked = self.find(block, figure)
        if asked is None:
            return None
        found = self.cubes[asked.cut].answer(asked.question)
        rows, _ = order_answer(found, asked.question, self.report.blocks[block])
        return Rows(asked.question.columns, rows)

    def follows(self, asked: Asked) -> list[str]:
        """The names of the filters that a question follows."""
        return [
            name
            for name, one in self.report.filters.items()
            if one.column in (asked.cut.day, *asked.cut.choices)
        ]


@dataclass(frozen=True, slots=True)
class AnswerReader:
    """Reads a report's cubes. `hint`: what to do about a query that fails; `more`: ranges beside the offered."""

    name: str
    report: Report
    results: Results
    made_at: datetime
    hint: str
    more: Sequence[Range] = ()

    def read_as_of(self) -> AsOf | None:
        """What the report's as_of says; None without one, and where it is NULL. Raises ReportError."""
        if self.report.as_of is None:
            return None
        with blaming(self.name, None, self.hint):
            rows = self.results.rows(self.report.as_of.strip().rstrip(";"))
        value = rows.rows[0][0] if rows.rows else None
        moment = as_moment(value)
        if moment is None:
            return None
        return AsOf(moment, is_day=not isinstance(value, datetime) and len(str(value)) <= len("2026-11-21"))

    def read(self, as_of: AsOf | None) -> Answers:
        """Every cube that the report's blocks need. Raises ReportError."""
        asked = list(self._questions())
        calendar = self._calendar(asked, as_of)
        cubes = {}
        for one in asked:
            if one.cut not in cubes:
                cubes[one.cut] = self._cube(one, _parts(asked, one.cut), calendar)
        return Answers(self.report, asked, cubes, calendar)

    def _questions(self) -> Iterator[Asked]:
        known: dict[str, tuple[str, ...]] = {}
        for name, block in self.report.blocks.items():
            figures = block.figures.items() if isinstance(block, Figures) else ()
            for key, askers, question in [
                (None, (block,), question_of_block(block)),
                *((key, (figure, block), question_of_figure(key, figure)) for key, figure in figures),
            ]:
                if question is None:
                    continue
                sql = self.results.sql_of(*askers)
                if sql not in known:
                    with blaming(self.name, name, self.hint):
                        known[sql] = self.results.columns(sql)
                require_columns(known[sql], question.needed, self.name, name)
                yield Asked(name, key, sql, question, self._cut(sql, known[sql], question.dimensions))

    def _cut(self, sql: str, columns: Sequence[str], dimensions: tuple[Dimension, ...]) -> Cut:
        given = [one for one in self.report.filters.values() if one.column in columns]
        day = next((one.column for one in given if isinstance(one, PeriodFilter)), None)
        choices = tuple(one.column for one in given if isinstance(one, ChoiceFilter))
        return Cut(sql, day, choices, dimensions)

    def _calendar(self, asked: Sequence[Asked], as_of: AsOf | None) -> Calendar | None:
        dated = {one.sql: one for one in asked if one.cut.day}
        if not dated:
            return None
        found: list[tuple[date, date]] = []
        for one in dated.values():
            with blaming(self.name, one.block, self.hint):
                found += self.results.rows(months_sql(one.sql, one.cut.day or "")).rows
        last_day = max((day for _, day in found), default=self.made_at.date())
        return Calendar({month for month, _ in found}, last_day, as_of, self.made_at, self.more)

    def _cube(self, asked: Asked, parts: Sequence[Part], calendar: Calendar | None) -> Cube:
        with blaming(self.name, asked.block, self.hint):
            cube = read_cube(self.results, asked.cut, parts, calendar)
            if cube is not None:
                return cube
            sizes = self.results.rows(sizes_sql(asked.cut)).rows[0]
        raise ReportError(
            f"report {self.name}, block {asked.block}: {self._describe(asked.cut, sizes)}",
            code=TOO_LARGE,
            hint=self._advise(asked.cut, sizes),
        )

    def _describe(self, cut: Cut, sizes: Sequence[Any]) -> str:
        """What makes a block large, the largest first: 'the filter campaign has 3,120 choices, day 413 values'."""
        labels = [f"the filter {name} has {{:,}} choices" for name in self._filters_of(cut)]
        labels += [f"{one.column} has {{:,}} values" for one in cut.dimensions]
        told = [
            label.format(size) for size, label in sorted(zip(sizes, labels, strict=True), key=lambda p: -p[0])
        ]
        return f"more than {MOST_CELLS:,} numbers would have to stand in the page: {', '.join(told)}"

    def _advise(self, cut: Cut, sizes: Sequence[int]) -> str:
        largest = max(range(len(sizes)), key=lambda n: sizes[n])
        if largest < len(cut.choices):
            name = self._filters_of(cut)[largest]
            return f"Leave {cut.choices[largest]} out of the query, or let {name} go by a column with fewer values."
        column = cut.dimensions[largest - len(cut.choices)].column
        return f"Group by a column with fewer values than {column}, or by a longer period of it."

    def _filters_of(self, cut: Cut) -> list[str]:
        names = {one.column: name for name, one in self.report.filters.items()}
        return [names[column] for column in cut.choices]


def _parts(asked: Sequence[Asked], cut: Cut) -> list[Part]:
    """The parts of all questions that one cube answers."""
    measures = [measure for one in asked if one.cut == cut for measure in one.question.measures]
    return list(dict.fromkeys(part for measure in measures for part in measure.parts))
