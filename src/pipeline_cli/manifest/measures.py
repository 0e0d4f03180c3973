"""What the database makes of a query's rows: aggregates, and the filters that they follow.

No `from __future__ import annotations` here, as keys.py says.
"""

from typing import Literal

from pipeline_cli.manifest.keys import entry, key

Aggregation = Literal["sum", "count", "count_distinct", "average", "min", "max"]
PeriodDefault = Literal[
    "all",
    "last_7_days",
    "last_28_days",
    "last_90_days",
    "latest_month",
    "latest_quarter",
    "latest_year",
]
AGGREGATION = "How rows become one number: one word, or {sum: column}, or {ratio: {of: column, to: column}}."


@entry
class Part:
    """An aggregate of one of the query's columns: exactly one of the keys, and the column's name."""

    sum: str | None = key("The column whose numbers are added up.", default=None)
    count: str | None = key("The column whose values are counted, save NULL.", default=None)
    count_distinct: str | None = key("The column whose different values are counted.", default=None)
    min: str | None = key("The column whose smallest number is taken.", default=None)
    max: str | None = key("The column whose largest number is taken.", default=None)


@entry
class Ratio:
    """One aggregate divided by another; the two are aggregated first. Divided by zero it is NULL."""

    of: str | Part = key("What is divided: a column, which is summed, or an aggregate such as {count: id}.")
    to: str | Part = key("What it is divided by, written likewise.")


@entry
class Measure(Part):
    """An aggregate of a column, or the ratio of two."""

    average: str | None = key("The column whose numbers are averaged.", default=None)
    ratio: Ratio | None = key("One aggregate divided by another.", default=None)


Aggregate = Aggregation | Measure


@entry
class PeriodFilter:
    """Chooses a time: all, the last 7, 28 or 90 days of the data, a month, a quarter or a year."""

    type: Literal["period"]
    column: str = key("The column of dates or times, in every query that is to be filtered.")
    label: str | None = key("What stands above the choice; by default the filter's name.", default=None)
    default: PeriodDefault = key("What is chosen when the page opens.", default="all")


@entry
class ChoiceFilter:
    """Chooses one of a column's values, or all of them."""

    type: Literal["choice"]
    column: str = key("The column, in every query that is to be filtered.")
    label: str | None = key("What stands above the choice; by default the filter's name.", default=None)
    default: str | None = key("The value that is chosen when the page opens; by default all.", default=None)
