"""Cells and what is picked from them, against plain Python over the rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_cli.destinations.sql import SameCursorConnection
from pipeline_cli.manifest.reports import Report
from pipeline_cli.reports.aggregates import Dimension, Measure, Part, Question
from pipeline_cli.reports.calendar import Calendar, Range
from pipeline_cli.reports.cells import Cut, months_sql
from pipeline_cli.reports.cubes import Cube, Selection, read_cube
from pipeline_cli.reports.periods import AsOf
from pipeline_cli.reports.results import Results

MADE_AT = datetime(2026, 10, 19, 6, tzinfo=UTC)
AS_OF = AsOf(datetime(2026, 10, 18, tzinfo=UTC), is_day=True)
SQL = "SELECT * FROM sales"
PARTS = (
    Part("rows"),
    Part("count", "amount"),
    Part("sum", "amount"),
    Part("min", "amount"),
    Part("max", "amount"),
    Part("distinct", "customer"),
    Part("distinct", "amount"),
)
MEASURES = (*(Measure(f"m{n}", part) for n, part in enumerate(PARTS)), Measure("ratio", PARTS[2], PARTS[5]))
DIGITS = Context(prec=15)
COLUMNS = ("day", "channel", "country", "customer", "amount")
CONNECTION = duckdb.connect(":memory:")
Row = dict[str, Any]

rows_of = st.lists(
    st.fixed_dictionaries(
        {
            "day": st.none() | st.dates(date(2026, 6, 20), date(2026, 11, 3)),
            "channel": st.sampled_from([None, "email", "direct", ""]),
            "country": st.sampled_from([None, "DE", "US"]),
            "customer": st.none() | st.integers(1, 6),
            "amount": st.none() | st.decimals(-50, 50, places=2, allow_nan=False),
        }
    ),
    max_size=40,
)


def read(
    rows: Sequence[Row], dimensions: Sequence[Dimension], choices: Sequence[str], compared: bool = False
) -> tuple[Cube, Calendar]:
    """The cube of these rows, from DuckDB, and the times on offer."""
    connection = CONNECTION.cursor()
    connection.execute(
        "CREATE OR REPLACE TABLE sales (day date, channel text, country text, customer bigint, amount decimal(18, 2))"
    )
    values = ", ".join(f"({', '.join(literal(row[name]) for name in COLUMNS)})" for row in rows)
    connection.execute(f"INSERT INTO sales VALUES {values}") if rows else None
    results = Results(
        SameCursorConnection(connection, duckdb.Error), Report(title="x", blocks={}), frozenset()
    )
    months = results.rows(months_sql(SQL, "day")).rows
    calendar = Calendar([month for month, _ in months], date(2026, 10, 18), AS_OF, MADE_AT)
    cut = Cut(SQL, "day", tuple(choices), tuple(dimensions), compared)
    cube = read_cube(results, cut, PARTS, calendar)
    assert cube is not None
    return cube, calendar


def literal(value: Any) -> str:
    return "NULL" if value is None else f"'{value}'"


def plain(part: Part, rows: Iterable[Row]) -> Any:
    """What the part is of these rows."""
    rows = list(rows)
    values = [row[part.column] for row in rows if row[part.column] is not None] if part.column else []
    if part.kind == "rows":
        return len(rows)
    if part.kind == "count":
        return len(values)
    if part.kind == "distinct":
        return len(set(values))
    return {"sum": sum, "min": min, "max": max}[part.kind](values) if values else None


def key_of(row: Row, dimensions: Sequence[Dimension]) -> tuple[Any, ...]:
    return tuple(
        row[one.column].replace(day=1) if one.period and row[one.column] else row[one.column]
        for one in dimensions
    )


@settings(max_examples=40, deadline=None)
@given(
    rows=rows_of,
    dimensions=st.sampled_from(
        [(), (Dimension("day", "month"),), (Dimension("day"),), (Dimension("channel"), Dimension("country"))]
    ),
    filters=st.sampled_from([(), ("channel",), ("channel", "country")]),
)
def test_every_choice_of_every_filter_gives_what_plain_python_makes_of_the_rows(
    rows: list[Row], dimensions: tuple[Dimension, ...], filters: tuple[str, ...]
) -> None:
    cube, calendar = read(rows, dimensions, filters)
    question = Question(dimensions, MEASURES)
    values: list[list[tuple[str, Any]]] = [[]]
    for name in filters:
        found = dict.fromkeys(row[name] for row in rows)
        values = [[*one, *more] for one in values for more in ([], *([(name, value)] for value in found))]
    for choice in calendar.choices:
        for chosen in values:
            kept = [
                row
                for row in rows
                if all(row[name] == value for name, value in chosen) and is_within(row["day"], choice.range)
            ]
            groups = {key_of(row, dimensions): [] for row in kept} if dimensions else {(): []}
            for row in kept:
                groups[key_of(row, dimensions)].append(row)
            answer = cube.answer(question, Selection(choice.range, dict(chosen)))
            expected = {}
            for key, group in groups.items():
                numbers = [plain(part, group) for part in PARTS]
                customers = numbers[5]
                ratio = DIGITS.divide(numbers[2], customers) if customers and numbers[2] is not None else None
                expected[key] = (*numbers, ratio)
            assert {row[: len(dimensions)]: row[len(dimensions) :] for row in answer} == expected


def is_within(day: date | None, found: Range | None) -> bool:
    return found is None or (day is not None and found.start <= day < found.end)


def test_years_of_months_take_more_than_one_word_of_bits() -> None:
    rows = [
        {
            "day": date(2019, 1, 5) + timedelta(days=9 * n),
            "channel": "a",
            "country": "DE",
            "customer": n % 7,
            "amount": 1,
        }
        for n in range(310)
    ]
    cube, calendar = read(rows, (), ("channel",), compared=True)
    assert len(calendar.compared.boundaries) > 80
    assert any(choice.before == Range(date(2018, 1, 1), date(2019, 1, 1)) for choice in calendar.choices)
    for choice in calendar.choices:
        found = cube.answer(Question((), MEASURES), Selection(choice.range))[0]
        kept = [row for row in rows if is_within(row["day"], choice.range)]
        assert found[:-1] == tuple(plain(part, kept) for part in PARTS), choice.key
        found = cube.answer(Question((), MEASURES), Selection(choice.before))[0]
        before = [row for row in rows if is_within(row["day"], choice.before)]
        assert found[:-1] == tuple(plain(part, before) for part in PARTS), choice.key
        if choice.range and choice.before:
            for measure in MEASURES[:-1]:
                compared = cube.values_of(measure, [choice.range, choice.before])
                assert compared == expected_of(measure.of, [kept, before]), choice.key


def expected_of(part: Part, ranges: Sequence[Sequence[Row]]) -> list[Any]:
    """What a change compares: where there are no rows nothing was sold, unless there are none at all."""
    nothing = None if part.kind in ("min", "max") or not any(ranges) else 0
    return [plain(part, rows) if rows else nothing for rows in ranges]


def test_a_change_of_floats_or_of_distinct_values_alone_is_the_databases() -> None:
    september, october = (
        Range(date(2026, 9, 1), date(2026, 10, 1)),
        Range(date(2026, 10, 1), date(2026, 11, 1)),
    )
    row = {"day": date(2026, 10, 2), "channel": "a", "country": "DE", "customer": 1, "amount": Decimal("0.1")}
    cube, _ = read([row], (), (), compared=True)
    customers = Measure("customers", Part("distinct", "customer"))
    assert cube.values_of(customers, [october, september]) == [1, 0]
    assert replace(cube, cells=()).values_of(customers, [october, september]) is None
    floats = [replace(cell, values=tuple(map(float, cell.values))) for cell in cube.cells]
    assert replace(cube, cells=floats).values_of(MEASURES[2], [october, september]) is None


@pytest.mark.parametrize("period", ["month", "quarter", "year"])
def test_periods_of_the_filters_own_column_are_counted_from_its_ranges(period: Any) -> None:
    rows = [
        {
            "day": date(2025, 11, 5) + timedelta(days=3 * n),
            "channel": "ab"[n % 2],
            "country": "DE",
            "customer": n % 9,
            "amount": 1,
        }
        for n in range(116)
    ]
    dimension = Dimension("day", period)
    cube, calendar = read(rows, (dimension,), ("channel",))
    question = Question((dimension,), (Measure("customers", Part("distinct", "customer")),))
    for choice in calendar.choices:
        for chosen in ({}, {"channel": "a"}):
            groups: dict[Any, set[int]] = {}
            for row in rows:
                if is_within(row["day"], choice.range) and chosen.items() <= row.items():
                    month = {
                        "month": row["day"].month,
                        "quarter": (row["day"].month - 1) // 3 * 3 + 1,
                        "year": 1,
                    }[period]
                    groups.setdefault(row["day"].replace(month=month, day=1), set()).add(row["customer"])
            found = dict(cube.answer(question, Selection(choice.range, chosen)))
            assert found == {start: len(customers) for start, customers in groups.items()}, choice.key


@pytest.mark.parametrize(("of", "to"), [(Decimal(1), 0), (None, 3), (1.0, None), (1.0, 0.0), (1e300, 1e-300)])
def test_a_ratio_without_a_value_is_none(of: Any, to: Any) -> None:
    one, other = Part("sum", "a"), Part("sum", "b")
    assert Measure("x", one, other).value({one: of, other: to}) is None
