"""The aggregated blocks of a report, and their answers without any filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline_cli.manifest.reports import Report
from pipeline_cli.reports.aggregates import Question
from pipeline_cli.reports.calendar import Calendar
from pipeline_cli.reports.cells import Cut
from pipeline_cli.reports.changes import Compared
from pipeline_cli.reports.cubes import Cube
from pipeline_cli.reports.ordering import order_answer
from pipeline_cli.reports.results import Rows


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, who asks it, and the cube that answers it. `figure`: None for a chart or a table.

    compared: the periods that the figure's change is of, where the page can filter it.
    """

    block: str
    figure: str | None
    sql: str
    question: Question
    cut: Cut
    compared: Compared | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """`calendar`: None where no block follows a filter of periods."""

    report: Report
    asked: Sequence[Asked]
    cubes: Mapping[Cut, Cube]
    calendar: Calendar | None
    _known: dict[tuple[str, str | None], Rows] = field(default_factory=dict)

    def find(self, block: str, figure: str | None = None) -> Asked | None:
        """The question of a block or figure; None where it takes its query's rows as they are."""
        return next((one for one in self.asked if (one.block, one.figure) == (block, figure)), None)

    def rows(self, block: str, figure: str | None = None) -> Rows | None:
        """The answer without any filter, in the block's order; None where nothing is aggregated."""
        asked = self.find(block, figure)
        if asked is None:
            return None
        if (block, figure) not in self._known:
            found = self.cubes[asked.cut].answer(asked.question)
            rows = order_answer(found, asked.question, self.report.blocks[block])
            self._known[block, figure] = Rows(asked.question.columns, rows)
        return self._known[block, figure]

    def change(self, block: str, figure: str) -> tuple[Any, Any] | None:
        """The figure's values in the period of its change and in the one before; None where its cube cannot tell."""
        asked = self.find(block, figure)
        if asked is None or asked.compared is None:
            return None
        ranges = (asked.compared.now, asked.compared.before)
        found = self.cubes[asked.cut].values_of(asked.question.measures[0], ranges)
        return None if found is None else (found[0], found[1])

    def follows(self, asked: Asked) -> list[str]:
        """The names of the filters that a question follows."""
        return [
            name
            for name, one in self.report.filters.items()
            if one.column in (asked.cut.day, *asked.cut.choices)
        ]
