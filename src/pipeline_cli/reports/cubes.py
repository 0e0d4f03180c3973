"""Cells as they are read from the warehouse, and the numbers of a choice picked from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline_cli.reports.aggregates import Measure, Part, Question, merge
from pipeline_cli.reports.calendar import Calendar, Range, Stretches, whole
from pipeline_cli.reports.cells import Cut, additive_sql, distinct_sql
from pipeline_cli.reports.results import Results, Rows

MOST_NUMBERS = 35_000  # of all cubes of a page: up to four bytes each, of the 300,000 that a page may weigh
ALL: Any = object()  # in the place of a choice: every one of them

Keys = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """What a reader has chosen: a time, and values by their columns. Without anything, everything."""

    range: Range | None = None
    choices: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cell:
    """The parts' values of the rows with these choices, keys and stretch (of days; None without a day)."""

    choices: Keys
    keys: Keys
    stretch: int | None
    values: Keys


@dataclass(frozen=True, slots=True)
class Count:
    """How many different values: over all time, and in those of the ranges that have any."""

    choices: Keys  # ALL for what is not chosen
    keys: Keys
    over_all: int
    by_range: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Cube:
    """All that a page needs to answer questions of one query, grouped in one way. stretches: None without a day."""

    cut: Cut
    parts: tuple[Part, ...]  # of the cells' values, in their order
    cells: Sequence[Cell]
    counts: Mapping[Part, Sequence[Count]]
    stretches: Stretches | None

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        counted = sum(1 + len(count.by_range) for counts in self.counts.values() for count in counts)
        return len(self.cells) * len(self.parts) + counted

    def pick(self, selection: Selection) -> dict[Keys, dict[Part, Any]]:
        """The parts' values by the groups' keys. Without dimensions there is one group, whatever the rows."""
        chosen = tuple(selection.choices.get(column, ALL) for column in self.cut.choices)
        range_ = selection.range if self.stretches else None
        found: dict[Keys, dict[Part, Any]] = {} if self.cut.dimensions else {(): self._nothing()}
        first, end = self.stretches.of(range_) if self.stretches and range_ else (0, 0)
        for cell in self.cells:
            if range_ and not (cell.stretch is not None and first <= cell.stretch < end):
                continue
            if all(want is ALL or want == have for want, have in zip(chosen, cell.choices, strict=True)):
                values = found.setdefault(cell.keys, self._nothing())
                for part, value in zip(self.parts, cell.values, strict=True):
                    values[part] = merge(part.kind, values[part], value)
        index = self.stretches.ranges.index(range_) if self.stretches and range_ else None
        for part, counts in self.counts.items():
            for count in counts:
                if count.choices == chosen and count.keys in found:
                    found[count.keys][part] = (
                        count.over_all if index is None else count.by_range.get(index, 0)
                    )
        return found

    def values_of(self, measure: Measure, ranges: Sequence[Range]) -> list[Any] | None:
        """The measure in each of these ranges, of a cube without dimensions.

        Where a range has no rows, a sum or count is 0; where none has any, all are None.
        Returns None where only the database can tell: a cube of nothing but numbers of different values does not
        know which rows there are, and a sum of floats depends on their order.
        """
        if not self.cells or self.stretches is None:
            return None
        nothing = {part: None if part.kind in ("min", "max") else 0 for part in measure.parts}
        begun = [cell.stretch for cell in self.cells if cell.stretch is not None]
        found = []
        for range_ in ranges:
            first, end = self.stretches.of(range_)
            has_rows = any(first <= stretch < end for stretch in begun)
            found.append(self.pick(Selection(range_))[()] if has_rows else None)
        if any(isinstance(value, float) for values in found for value in (values or {}).values()):
            return None
        if not any(found):
            return [None for _ in ranges]
        return [measure.value(nothing if values is None else values) for values in found]

    def answer(self, question: Question, selection: Selection | None = None) -> list[tuple[Any, ...]]:
        """Rows of the question's columns, in no order."""
        return [
            (*keys, *(measure.value(values) for measure in question.measures))
            for keys, values in self.pick(selection or Selection()).items()
        ]

    def _nothing(self) -> dict[Part, Any]:
        return {
            part: None if part.kind in ("sum", "min", "max") else 0 for part in (*self.parts, *self.counts)
        }


def read_cube(results: Results, cut: Cut, parts: Sequence[Part], calendar: Calendar | None) -> Cube | None:
    """The cube of these parts; None where it has more than MOST_NUMBERS rows. Raises LoadError."""
    stretches = calendar.of(cut.compared) if calendar and cut.day else None
    adding = tuple(part for part in parts if part.adds_up)
    if cut.dimensions and not adding:
        adding = (Part("rows"),)  # which groups there are
    counts: dict[Part, Sequence[Count]] = {}
    cells: Sequence[Cell] = ()
    if adding:
        rows = results.rows(additive_sql(cut, adding, stretches), MOST_NUMBERS)
        if rows.more:
            return None
        cells = _read_cells(rows, cut, stretches)
    for part in parts:
        if not part.adds_up:
            found = _count(results, cut, part, stretches, calendar, cells)
            if found is None:
                return None
            counts[part] = found
    return Cube(cut, adding, cells, counts, stretches)


def _count(
    results: Results,
    cut: Cut,
    part: Part,
    stretches: Stretches | None,
    calendar: Calendar | None,
    cells: Sequence[Cell],
) -> list[Count] | None:
    """The counts of different values; None where there are too many.

    Without groups, and by months, quarters or years of the filter's own column, one query serves all: what a month has
    of a range is a range as well.
    """
    if calendar is None or stretches is None:
        rows = results.rows(distinct_sql(cut, part, None), MOST_NUMBERS)
        return None if rows.more else _read_counts(rows, cut, {})
    periods = _periods_of(cut, cells, calendar.counted)
    if cut.dimensions and periods is None:
        rows = results.rows(distinct_sql(cut, part, stretches), MOST_NUMBERS)
        return (
            None
            if rows.more
            else _read_counts(rows, cut, {place: place for place in range(len(stretches.ranges))})
        )
    places = {found: place for place, found in enumerate(calendar.counted.ranges)}
    undivided = replace(cut, dimensions=())
    rows = results.rows(distinct_sql(undivided, part, calendar.counted), MOST_NUMBERS)
    if rows.more:
        return None
    if periods is None:
        return _read_counts(rows, cut, {place: places[found] for place, found in enumerate(stretches.ranges)})
    counted = _read_counts(rows, undivided, {place: place for place in places.values()})
    return [
        count
        for key, period in periods.items()
        for count in _of_period(key, period, counted, stretches, places)
    ]


def _periods_of(cut: Cut, cells: Sequence[Cell], counted: Stretches) -> dict[Any, Range] | None:
    """The days of each group where the groups are months, quarters or years of the filter's own column.

    None otherwise, and where rows without a day are a group of their own.
    """
    if len(cut.dimensions) != 1:
        return None
    (one,) = cut.dimensions
    begun = {cell.keys[0] for cell in cells}
    if one.column != cut.day or one.period not in ("month", "quarter", "year") or None in begun:
        return None
    found = {start: whole(start, one.period) for start in begun}
    return found if set(found.values()) <= set(counted.ranges) else None


def _of_period(
    key: Any, period: Range, counted: Sequence[Count], stretches: Stretches, places: Mapping[Range, int]
) -> Iterator[Count]:
    """The counts of one period's group, from the counts of ranges."""
    overlaps = {place: both for place, found in enumerate(stretches.ranges) if (both := period.within(found))}
    for count in counted:
        over_all = count.by_range.get(places[period], 0)
        by_range = {place: count.by_range.get(places[both], 0) for place, both in overlaps.items()}
        if over_all:
            shown = {place: number for place, number in by_range.items() if number}
            yield Count(count.choices, (key,), over_all, shown)


def _read_cells(rows: Rows, cut: Cut, stretches: Stretches | None) -> list[Cell]:
    filters, keys = len(cut.choices), len(cut.keys)
    values = keys + (stretches is not None)
    return [
        Cell(row[:filters], row[filters:keys], row[keys] if stretches else None, row[values:])
        for row in rows.rows
    ]


def _read_counts(rows: Rows, cut: Cut, wanted: Mapping[int, int]) -> list[Count]:
    """wanted: by a range's place in the counts, its place in the rows."""
    filters = len(cut.choices)
    begin = filters + len(cut.keys)
    found = []
    for row in rows.rows:
        rolled, named = row[:filters], row[filters : 2 * filters]
        choices = tuple(ALL if up else value for up, value in zip(rolled, named, strict=True))
        by_range = {n: int(value) for n, place in wanted.items() if (value := row[begin + 1 + place])}
        found.append(Count(choices, row[2 * filters : begin], int(row[begin] or 0), by_range))
    return found
