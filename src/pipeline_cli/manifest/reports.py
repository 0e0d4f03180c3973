"""Reports: pages of figures, charts, tables and text over the warehouse, each block from one query.

No `from __future__ import annotations` here, as keys.py says.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pipeline_cli.manifest.charts import QUERY, SPAN, SQL, ChangePeriod, Format, Period
from pipeline_cli.manifest.keys import entry, key
from pipeline_cli.manifest.measures import AGGREGATION, Aggregate

# Those whose numbers and months both Vega and Babel know.
Locale = Literal[
    "ca-ES",
    "cs-CZ",
    "da-DK",
    "de-CH",
    "de-DE",
    "en-CA",
    "en-GB",
    "en-US",
    "es-ES",
    "es-MX",
    "fi-FI",
    "fr-CA",
    "fr-FR",
    "hu-HU",
    "it-IT",
    "ja-JP",
    "ko-KR",
    "mk-MK",
    "nl-NL",
    "pl-PL",
    "pt-BR",
    "ru-RU",
    "sv-SE",
    "uk-UA",
    "zh-CN",
]


@entry
class Figure:
    """One value on a tile: that of a column in the first row of a query, or an aggregate of all its rows."""

    label: str | None = key("What stands above the value; by default the figure's name.", default=None)
    query: str | None = key(f"{QUERY} By default the block's.", default=None)
    sql: str | None = key(SQL, default=None)
    column: str | None = key("The query's column; by default the figure's name.", default=None)
    aggregate: Aggregate | None = key(AGGREGATION, default=None)
    format: Format | None = key("How the value is written; by default as its type asks for.", default=None)
    detail: str | None = key("A second column of the same row, written small below the value.", default=None)
    detail_format: Format | None = key("How the detail is written.", default=None)
    change: ChangePeriod | None = key(
        "Show how the last period of this length that is over differs from the one before.", default=None
    )
    change_column: str | None = key(
        "The query's column of dates that `change` goes by; by default that of the report's period filter.",
        default=None,
    )


@entry
class Figures:
    """A row of tiles, a figure each."""

    type: Literal["figures"]
    figures: Mapping[str, Figure] = key("The figures, by name, in their order.", names="resources")
    query: str | None = key(f"{QUERY} For figures that name none of their own.", default=None)
    sql: str | None = key(SQL, default=None)
    title: str | None = key("The heading above the tiles.", default=None)
    span: Literal[1, 2, 3] | None = key(SPAN.format("all of them"), default=None)


@entry
class TableColumn:
    """A column of a table."""

    label: str | None = key("The column's heading; by default its name.", default=None)
    format: Format | None = key(
        "How its values are written; by default as their type asks for.", default=None
    )
    aggregate: Aggregate | None = key(
        f"{AGGREGATION} Columns without one are then what the rows are grouped by.", default=None
    )
    bar: bool = key("Draw a bar behind each number, as long as its share of the largest.", default=False)
    period: Period | None = key(
        "The values are beginnings of periods of this length; one that is not over is marked.", default=None
    )


@entry
class ReportTable:
    """The rows of a query."""

    type: Literal["table"]
    query: str | None = key(QUERY, default=None)
    sql: str | None = key(SQL, default=None)
    title: str | None = key("The table's heading.", default=None)
    columns: Mapping[str, TableColumn] = key(
        "The columns to show, by name, in their order; by default all that the query gives.", default={}
    )
    limit: int = key("The most rows on the page; an export has all of them.", default=20, minimum=1)
    sort: str | None = key(
        "The column that aggregated rows are ordered by, largest numbers first; by default the first aggregate.",
        default=None,
    )
    span: Literal[1, 2, 3] | None = key(SPAN.format("one"), default=None)


@entry
class ReportText:
    """Paragraphs of plain text."""

    type: Literal["text"]
    text: str = key("The text; an empty line begins a new paragraph.")
    title: str | None = key("The heading above the text.", default=None)
    span: Literal[1, 2, 3] | None = key(SPAN.format("all of them"), default=None)


@entry
class Report:
    """A page of blocks, written as one HTML file with CSV files beside it."""

    title: str = key("The page's title.")
    blocks: Mapping[str, Any] = key(
        "What stands on the page, by name, in this order; the type decides the keys.",
        names="resources",
        kinds="blocks",
    )
    description: str | None = key("What the page is for, below its title.", default=None)
    queries: Mapping[str, str] = key(
        "SELECTs by name, for the blocks to share; each is asked once.", default={}, names="resources"
    )
    filters: Mapping[str, Any] = key(
        "What the page's reader may choose, by name; every block with an aggregate follows where its query gives "
        "the filter's column.",
        default={},
        names="resources",
        kinds="filters",
    )
    as_of: str | None = key(
        "A SELECT of one date or time: until when the data go; by default when they were last loaded.",
        default=None,
    )
    exports: tuple[str, ...] = key(
        "Blocks that are also written as <report>.<block>.csv, every row of them.", default=()
    )
    columns: Literal[1, 2, 3] = key("How many columns the page has on a wide screen.", default=2)
    currency: str | None = key('What stands before amounts of money, "$" say.', default=None)
    locale: Locale = key(
        "How numbers and dates are written where no script runs; the page itself goes by the browser's language.",
        default="en-US",
    )
    keep: int = key("How many editions are kept; older ones are removed.", default=30, minimum=1)
