"""Which cubes a report needs, and their reading."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pipeline_cli.errors import LoadError, ReportError
from pipeline_cli.manifest.measures import ChoiceFilter, PeriodFilter
from pipeline_cli.manifest.reports import Figure, Figures, Report
from pipeline_cli.reports.aggregates import Dimension, Part, question_of_block, question_of_figure
from pipeline_cli.reports.answers import Answers, Asked
from pipeline_cli.reports.calendar import Calendar
from pipeline_cli.reports.cells import Cut, months_sql, sizes_sql
from pipeline_cli.reports.changes import Compared, last_periods
from pipeline_cli.reports.cubes import MOST_NUMBERS, Cube, read_cube
from pipeline_cli.reports.periods import AsOf
from pipeline_cli.reports.results import Results, blaming
from pipeline_cli.reports.values import as_moment

TOO_LARGE = "E352"
_TEXT_SUMMED = re.compile(r"\bsum\((varchar|text|character varying)\)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AnswerReader:
    """Reads a report's cubes. `hint`: what to do about a query that fails."""

    name: str
    report: Report
    results: Results
    made_at: datetime
    hint: str

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
        asked = list(self._questions(as_of))
        calendar = self._calendar(asked, as_of)
        cubes = {}
        for one in asked:
            if one.cut not in cubes:
                cubes[one.cut] = self._cube(one, _parts(asked, one.cut), calendar)
        if self.report.filters and sum(cube.size for cube in cubes.values()) > MOST_NUMBERS:
            raise self._too_large(max(asked, key=lambda one: cubes[one.cut].size))
        return Answers(self.report, asked, cubes, calendar)

    def _questions(self, as_of: AsOf | None) -> Iterator[Asked]:
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
                cut = self._cut(sql, known[sql], question.dimensions)
                yield Asked(name, key, sql, question, cut, self._compared(askers[0], cut, as_of))

    def _cut(self, sql: str, columns: Sequence[str], dimensions: tuple[Dimension, ...]) -> Cut:
        given = [one for one in self.report.filters.values() if one.column in columns]
        day = next((one.column for one in given if isinstance(one, PeriodFilter)), None)
        choices = tuple(one.column for one in given if isinstance(one, ChoiceFilter))
        return Cut(sql, day, choices, dimensions, bool(day and not dimensions and self._any_change))

    @property
    def _any_change(self) -> bool:
        blocks = [block for block in self.report.blocks.values() if isinstance(block, Figures)]
        return any(figure.change for block in blocks for figure in block.figures.values())

    def _compared(self, asker: Any, cut: Cut, as_of: AsOf | None) -> Compared | None:
        """The periods of a figure's change, where it goes by the period filter's column."""
        if (
            not isinstance(asker, Figure)
            or asker.change is None
            or asker.change_column not in (None, cut.day)
        ):
            return None
        return last_periods(asker.change, self.made_at, as_of) if cut.day else None

    def _calendar(self, asked: Sequence[Asked], as_of: AsOf | None) -> Calendar | None:
        dated = {one.sql: one for one in asked if one.cut.day}
        if not dated:
            return None
        found: list[tuple[date, date]] = []
        for one in dated.values():
            try:
                found += self.results.rows(months_sql(one.sql, one.cut.day or "")).rows
            except LoadError as error:
                raise self._no_dates(one, error) from error
        last_day = max((day for _, day in found), default=self.made_at.date())
        more = [range_ for one in asked if one.compared for range_ in (one.compared.now, one.compared.before)]
        return Calendar({month for month, _ in found}, last_day, as_of, self.made_at, more)

    def _cube(self, asked: Asked, parts: Sequence[Part], calendar: Calendar | None) -> Cube:
        with blaming(self.name, asked.block, self.hint):
            try:
                cube = read_cube(self.results, asked.cut, parts, calendar)
            except LoadError as error:
                if _TEXT_SUMMED.search(error.message):
                    raise self._no_numbers(asked, parts) from error
                raise
        if cube is None:
            raise self._too_large(asked)
        return cube

    def _no_dates(self, asked: Asked, error: LoadError) -> ReportError:
        column = asked.cut.day or ""
        name = next(key for key, one in self.report.filters.items() if one.column == column)
        return ReportError(
            f"report {self.name}, filter {name}: in the query of block {asked.block} the column '{column}' is text, "
            f"or else no date or time: {error.message}",
            hint=f"Give it a column of dates, or make one in the query, as with CAST({column} AS date) AS {column}.",
        )

    def _no_numbers(self, asked: Asked, parts: Sequence[Part]) -> ReportError:
        summed = dict.fromkeys(part.column for part in parts if part.kind == "sum" and part.column)
        columns = " or ".join(f"'{column}'" for column in summed)
        return ReportError(
            f"report {self.name}, block {asked.block}: only numbers can be summed, and {columns} is text",
            hint="Make it a number in the query, or take count or count_distinct as its aggregate.",
        )

    def _too_large(self, asked: Asked) -> ReportError:
        """The refusal of a page whose largest block this is; it says what makes the block large."""
        with blaming(self.name, asked.block, self.hint):
            sizes = self.results.rows(sizes_sql(asked.cut)).rows[0]
        filters = {one.column: key for key, one in self.report.filters.items()}
        return too_large(f"report {self.name}, block {asked.block}", asked.cut, filters, sizes)


def too_large(where: str, cut: Cut, filters: Mapping[str, str], sizes: Sequence[int]) -> ReportError:
    """filters: their names by their columns. sizes: how many values the cut's choices and dimensions have."""
    places = sorted(range(len(sizes)), key=lambda place: -sizes[place])
    told = [f"the filter {filters[column]} has {{:,}} choices" for column in cut.choices]
    told += [f"{one.column} has {{:,}} values" for one in cut.dimensions]
    described = ", ".join(told[place].format(sizes[place]) for place in places)
    hint = ""
    if (of_block := places[0] - len(cut.choices)) >= 0:
        hint = f"Group by a column with fewer values than {cut.dimensions[of_block].column}, or by a longer period"
    if (
        filtered := next((cut.choices[place] for place in places if place < len(cut.choices)), None)
    ) is not None:
        hint += f"{'; or leave' if hint else 'Leave'} {filtered} out of the block's query"
    return ReportError(
        f"{where}: the page would hold more than {MOST_NUMBERS:,} numbers to filter by, most of them for this block: "
        f"{described}",
        code=TOO_LARGE,
        hint=f"{hint}.",
    )


def _parts(asked: Sequence[Asked], cut: Cut) -> list[Part]:
    """The parts of all questions that one cube answers."""
    measures = [measure for one in asked if one.cut == cut for measure in one.question.measures]
    return list(dict.fromkeys(part for measure in measures for part in measure.parts))
