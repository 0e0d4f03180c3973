"""What a block asks of all its query's rows: numbers that are aggregated, and what they are grouped by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any, Literal

from pipeline_cli.manifest.charts import Chart, Period
from pipeline_cli.manifest.measures import Aggregate
from pipeline_cli.manifest.measures import Part as PartKeys
from pipeline_cli.manifest.reports import Figure, ReportTable

Kind = Literal["rows", "count", "sum", "min", "max", "distinct"]
_DIGITS = Context(prec=15)  # of a quotient: as many as a float has
_WORDS: dict[str, Kind] = {
    "sum": "sum",
    "count": "count",
    "count_distinct": "distinct",
    "min": "min",
    "max": "max",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One aggregate of one column; of `rows` there is none."""

    kind: Kind
    column: str | None = None

    @property
    def adds_up(self) -> bool:
        """Whether the value of two sets of rows follows from the values of each."""
        return self.kind != "distinct"


@dataclass(frozen=True, slots=True)
class Measure:
    """A number by its name: a part, or one divided by another."""

    name: str
    of: Part
    to: Part | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        return (self.of,) if self.to is None else (self.of, self.to)

    def value(self, found: Mapping[Part, Any]) -> Any:
        """The number from its parts' values; None where it is divided by zero or by nothing."""
        of = found.get(self.of)
        return of if self.to is None else divide(of, found.get(self.to))


@dataclass(frozen=True, slots=True)
class Dimension:
    """A column to group by, cut to the beginnings of periods where there is one."""

    column: str
    period: Period | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What a block, or a figure, wants to know of a query's rows."""

    dimensions: tuple[Dimension, ...]
    measures: tuple[Measure, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """What the answer's columns are called."""
        return (*(one.column for one in self.dimensions), *(one.name for one in self.measures))

    @property
    def needed(self) -> tuple[str, ...]:
        """The query's columns that it takes."""
        parts = [part.column for measure in self.measures for part in measure.parts]
        return tuple(
            dict.fromkeys([one.column for one in self.dimensions] + [name for name in parts if name])
        )


def question_of_figure(name: str, figure: Figure) -> Question | None:
    """What a figure with an aggregate asks; None where it takes the query's first row."""
    if figure.aggregate is None:
        return None
    return Question((), (make_measure(name, figure.aggregate, figure.column),))


def question_of_block(block: Any) -> Question | None:
    """What a chart or a table with an aggregate asks; None where it takes the query's rows as they are."""
    if isinstance(block, Chart):
        given = {**dict.fromkeys(block.measures, block.aggregate), **block.aggregates}
        measures = tuple(make_measure(name, found) for name, found in given.items() if found is not None)
        dimensions = [Dimension(name, block.period if name == block.x else None) for name in block.dimensions]
    elif isinstance(block, ReportTable):
        named = block.columns.items()
        measures = tuple(
            make_measure(name, one.aggregate) for name, one in named if one.aggregate is not None
        )
        dimensions = [Dimension(name, one.period) for name, one in named if one.aggregate is None]
    else:
        return None
    return Question(tuple(dimensions), measures) if measures else None


def make_measure(name: str, aggregate: Aggregate, column: str | None = None) -> Measure:
    """The measure as the manifest has it. `column`: the query's; by default that of the measure's name."""
    if isinstance(aggregate, str):
        if aggregate == "average":
            return _average(name, column or name)
        if aggregate == "count" and column is None:
            return Measure(name, Part("rows"))
        return Measure(name, Part(_WORDS[aggregate], column or name))
    if aggregate.ratio is not None:
        return Measure(name, _side(aggregate.ratio.of), _side(aggregate.ratio.to))
    return (
        _average(name, aggregate.average)
        if aggregate.average is not None
        else Measure(name, _side(aggregate))
    )


def _side(side: str | PartKeys) -> Part:
    if isinstance(side, str):
        return Part("sum", side)
    (found,) = [
        Part(kind, column) for word, kind in _WORDS.items() if (column := getattr(side, word)) is not None
    ]
    return found


def _average(name: str, column: str) -> Measure:
    return Measure(name, Part("sum", column), Part("count", column))


def merge(kind: Kind, one: Any, other: Any) -> Any:
    """The value of two sets of rows together; None is that of no value at all."""
    if one is None or other is None:
        return other if one is None else one
    if kind in ("min", "max"):
        return min(one, other) if kind == "min" else max(one, other)
    return one + other


def divide(of: Any, to: Any) -> Any:
    """A quotient; None where there is none."""
    if of is None or not to:
        return None
    if isinstance(of, float) or isinstance(to, float):
        quotient = float(of) / float(to)
        return quotient if math.isfinite(quotient) else None
    return _DIGITS.divide(Decimal(of), Decimal(to))
