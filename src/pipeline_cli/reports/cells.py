"""The SQL of cells: one row for each group, choice of the filters and stretch of days.

Numbers that add up (sums, counts, smallest and largest) are needed for the finest groups only; whoever wants
all channels adds up those of each. Numbers of different values do not add up: who bought in May and in June is one
customer. They are counted for every offered time and for each choice of every filter with all of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from pipeline_cli.destinations.base import quote
from pipeline_cli.reports.aggregates import Dimension, Part
from pipeline_cli.reports.calendar import NO_DAY, Range, Stretches

_BITS = 62  # stretches in one bigint, its sign left alone
_FUNCTIONS = {"sum": "SUM", "count": "COUNT", "min": "MIN", "max": "MAX"}


@dataclass(frozen=True, slots=True)
class Cut:
    """A query's rows, ready to be grouped. Columns go by names of ours: the user's may hold anything.

    day: the period filter's column, where the query has it. choices: the other filters' columns.
    compared: whether values are compared with those of the time before.
    """

    sql: str
    day: str | None
    choices: tuple[str, ...]
    dimensions: tuple[Dimension, ...]
    compared: bool = False

    @property
    def keys(self) -> list[str]:
        return [f"f{n}" for n in range(len(self.choices))] + [f"k{n}" for n in range(len(self.dimensions))]

    def rows(self, parts: Sequence[Part]) -> str:
        """The SELECT of the keys, the day, and the parts' columns."""
        columns = [f"{quote(name)} AS f{n}" for n, name in enumerate(self.choices)]
        columns += [f"{_cut(one)} AS k{n}" for n, one in enumerate(self.dimensions)]
        columns += [f"CAST({quote(self.day)} AS date) AS d"] if self.day else []
        columns += [f"{quote(part.column)} AS v{n}" for n, part in enumerate(parts) if part.column]
        return f"SELECT {', '.join(columns) or '1 AS one'} FROM (\n{self.sql}\n) AS asked"


def months_sql(sql: str, column: str) -> str:
    """The months that a query has rows in, and the last day of each."""
    day = f"CAST({quote(column)} AS timestamp)"
    month = f"CAST(date_trunc('month', {day}) AS date)"
    return (
        f"SELECT {month} AS m, CAST(MAX({day}) AS date) AS d FROM (\n{sql}\n) AS asked"
        f" WHERE {quote(column)} IS NOT NULL GROUP BY 1 ORDER BY 1"
    )


def additive_sql(cut: Cut, parts: Sequence[Part], stretches: Stretches | None) -> str:
    """Keys, the stretch where there is a day, and a value for each part."""
    stretch = [f"{_stretch(stretches.boundaries)} AS p"] if stretches else []
    groups = [*cut.keys, *stretch]
    values = [
        "COUNT(*)" if part.kind == "rows" else f"{_FUNCTIONS[part.kind]}(v{n})"
        for n, part in enumerate(parts)
    ]
    named = [f"{value} AS s{n}" for n, value in enumerate(values)]
    grouping = ", ".join(str(n + 1) for n in range(len(groups)))
    tail = f" GROUP BY {grouping} ORDER BY {grouping}" if groups else ""
    return f"SELECT {', '.join([*groups, *named])} FROM (\n{cut.rows(parts)}\n) AS cut{tail}"


def distinct_sql(cut: Cut, part: Part, stretches: Stretches | None) -> str:
    """For every choice of the filters: whether each is chosen (0) or all of it is meant (1), the keys, the number
    of different values over all time, and in each of the ranges.

    First each value's stretches are gathered as bits of a number, by the finest groups; then coarser groups are
    made of finer ones; then values with the same bits are counted at once, in every range that one of the bits is in.
    That is one pass over the rows, however many ranges and choices there are: GROUPING SETS took twice as long.
    """
    words = _words(stretches) if stretches else []
    masks = [f"m{n}" for n in range(len(words))]
    filters, rest = cut.keys[: len(cut.choices)], cut.keys[len(cut.choices) :]
    stretch = f", {_stretch(stretches.boundaries)} AS p" if stretches else ""
    finest = ", ".join([*cut.keys, "v0"])
    bits = "".join(f", BIT_OR({_bit(word)}) AS m{n}" for n, word in enumerate(words))
    levels = [
        f"{_level(filters)} AS (SELECT {finest}{bits} FROM (SELECT {finest}{stretch} FROM (\n{cut.rows([part])}\n)"
        f" AS cut WHERE v0 IS NOT NULL) AS stretched GROUP BY {finest})"
    ]
    counted = []
    for size in range(len(filters), -1, -1):
        for kept in combinations(filters, size):
            if size < len(filters):
                levels.append(
                    _coarser(kept, next(name for name in filters if name not in kept), filters, rest, masks)
                )
            shown = [f"{int(name not in kept)} AS g{name[1:]}" for name in filters]
            shown += [name if name in kept else f"NULL AS {name}" for name in filters]
            groups = [*kept, *rest, *masks]
            grouping = f" GROUP BY {', '.join(groups)}" if groups else ""
            counted.append(
                f"SELECT {', '.join([*shown, *rest, *masks, 'COUNT(*) AS n'])} FROM {_level(kept)}{grouping}"
            )
    outer = [*(f"g{name[1:]}" for name in filters), *cut.keys]
    counts = ["SUM(n) AS n", *(_range_counts(stretches, len(words)) if stretches else ())]
    tail = f" GROUP BY {', '.join(outer)} ORDER BY {', '.join(outer)}" if outer else ""
    return (
        f"WITH {', '.join(levels)}, counted AS (\n{' UNION ALL '.join(counted)}\n)"
        f" SELECT {', '.join([*outer, *counts])} FROM counted{tail}"
    )


def _level(kept: Sequence[str]) -> str:
    return "_".join(["level", *kept])


def _coarser(
    kept: Sequence[str], left_out: str, filters: Sequence[str], rest: Sequence[str], masks: Sequence[str]
) -> str:
    """The level without a filter, from one that has it."""
    finer = _level([name for name in filters if name in kept or name == left_out])
    keys = ", ".join([*kept, *rest, "v0"])
    wider = "".join(f", BIT_OR({mask}) AS {mask}" for mask in masks)
    return f"{_level(kept)} AS (SELECT {keys}{wider} FROM {finer} GROUP BY {keys})"


def sizes_sql(cut: Cut) -> str:
    """How many values each choice and each dimension has."""
    counts = ", ".join(f"COUNT(DISTINCT {name}) AS n_{name}" for name in cut.keys)
    return f"SELECT {counts} FROM (\n{cut.rows([])}\n) AS cut"


def _cut(dimension: Dimension) -> str:
    if dimension.period is None:
        return quote(dimension.column)
    cut = f"date_trunc('{dimension.period}', CAST({quote(dimension.column)} AS timestamp))"
    return f"CAST({cut} AS timestamp)" if dimension.period == "hour" else f"CAST({cut} AS date)"


def _stretch(boundaries: Sequence[object]) -> str:
    """The number of boundaries up to the day, found by halving."""

    def between(low: int, high: int) -> str:
        if low == high:
            return str(low)
        middle = (low + high) // 2
        before, after = between(low, middle), between(middle + 1, high)
        return f"CASE WHEN d < DATE '{boundaries[middle]}' THEN {before} ELSE {after} END"

    return f"CASE WHEN d IS NULL THEN {NO_DAY} ELSE {between(0, len(boundaries))} END"


def _words(stretches: Stretches) -> list[int]:
    return list(range(0, len(stretches.boundaries) + 1, _BITS))


def _bit(first: int) -> str:
    """The stretch's bit in the word that begins with stretch `first`; 0 for stretches of other words."""
    shift = f"CAST(1 AS bigint) << CAST(p - {first} AS integer)"
    return f"CASE WHEN p BETWEEN {first} AND {first + _BITS - 1} THEN {shift} ELSE CAST(0 AS bigint) END"


def _range_counts(stretches: Stretches, words: int) -> list[str]:
    return [
        f"SUM(CASE WHEN {_overlap(stretches, found, words)} THEN n ELSE 0 END) AS r{n}"
        for n, found in enumerate(stretches.ranges)
    ]


def _overlap(stretches: Stretches, found: Range, words: int) -> str:
    first, end = stretches.of(found)
    tests = []
    for word in range(words):
        low, high = max(first, word * _BITS), min(end, (word + 1) * _BITS)
        bits = sum(1 << (stretch - word * _BITS) for stretch in range(low, high))
        if bits:
            tests.append(f"(m{word} & {bits}) <> 0")
    return " OR ".join(tests) or "FALSE"
