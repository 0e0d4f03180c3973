"""Filters and aggregates in the manifest: what they may say, and where a mistake stands."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import jsonschema
import pytest
import yaml

from pipeline_cli.manifest.measures import ChoiceFilter, Part, PeriodFilter, Ratio
from pipeline_cli.manifest.schema import entry_schema
from tests.unit.manifest.helpers import HEAD, TAIL, mistakes, only, read

REPORT = """
reports:
  sales:
    title: Sales
    locale: de-DE
    queries: {orders: SELECT 1 AS day}
    filters:
      date: {type: period, column: day, default: last_28_days}
      channel: {type: choice, column: channel, label: Source}
    blocks:
      totals:
        type: figures
        query: orders
        figures:
          orders: {aggregate: count}
          aov: {aggregate: {ratio: {of: revenue, to: {count: order_id}}}}
          customers: {aggregate: count_distinct, column: contact_key}
      by_month: {type: bar, query: orders, x: day, y: revenue, period: month, aggregate: sum}
      top: {type: table, query: orders, columns: {name: {}, revenue: {aggregate: sum}}, sort: revenue}
"""


def changed(before: str, after: str) -> str:
    assert REPORT.count(before) == 1, before
    return REPORT.replace(before, after)


def test_filters_and_aggregates_are_read(tmp_path: Path) -> None:
    report = read(tmp_path, REPORT).manifest.reports["sales"]
    assert report.filters == {
        "date": PeriodFilter(type="period", column="day", default="last_28_days"),
        "channel": ChoiceFilter(type="choice", column="channel", label="Source"),
    }
    figures = report.blocks["totals"].figures
    assert figures["orders"].aggregate == "count"
    assert figures["aov"].aggregate.ratio == Ratio(of="revenue", to=Part(count="order_id"))
    assert (report.blocks["top"].sort, report.locale) == ("revenue", "de-DE")


SUM = "period: month, aggregate: sum"


@pytest.mark.parametrize(
    ("body", "place", "code", "words"),
    [
        (changed("type: choice", "type: range"), "range", "E114", "not a type of filter"),
        (changed("default: last_28_days", "default: last_30_days"), "last_30_days", "E114", "one of all"),
        (changed("locale: de-DE", "locale: de"), "de\n", "E114", "locale must be one of"),
        (
            changed("{type: choice, column: channel, label: Source}", "{type: period, column: week}"),
            "channel: {",
            "E131",
            "one filter of type period",
        ),
        (changed("column: channel", "column: day"), "day, label", "E131", "go by the same column"),
        (changed("aggregate: count}", "aggregate: median}"), "median", "E114", "aggregate must be one of"),
        (
            changed("{ratio: {of: revenue, to: {count: order_id}}}", "{sum: a, count: b}"),
            "aggregate: {sum",
            "E131",
            "one word, or a map with one key",
        ),
        (changed("{count: order_id}", "{}"), "to: {}", "E131", "one word, or a map with one key"),
        (
            changed("{of: revenue, to: {count: order_id}}", "{of: revenue}"),
            "ratio",
            "E112",
            "needs the key to",
        ),
        (
            changed("aggregate: count}", "aggregate: count, detail: day}"),
            "detail",
            "E131",
            "of the query's first row",
        ),
        (
            changed("aggregate: {ratio:", "column: a, aggregate: {ratio:"),
            "column: a",
            "E131",
            "names its column itself",
        ),
        (changed(SUM, f"{SUM}, aggregates: {{revenu: max}}"), "revenu: max", "E116", "columns of numbers"),
        (
            changed(SUM, "aggregates: {revenue: max}").replace("y: revenue", "y: [revenue, cost]"),
            "aggregates",
            "E131",
            "says nothing of 'cost'",
        ),
        (changed(SUM, "limit: 3"), "limit", "E131", "of charts with an aggregate"),
        (changed("sort: revenue", "sort: revenu"), "revenu}", "E116", "not one of the table's columns"),
        (
            changed("revenue: {aggregate: sum}}, sort", "revenue: {}}, sort"),
            "sort",
            "E131",
            "whose columns have an aggregate",
        ),
    ],
)
def test_a_mistake_in_a_filter_or_aggregate_is_told_where_it_stands(
    tmp_path: Path, body: str, place: str, code: str, words: str
) -> None:
    mistake = only(mistakes(tmp_path, body))
    assert mistake.code == code
    assert words in mistake.message
    lines = (HEAD + dedent(body) + TAIL).splitlines(keepends=True)
    assert mistake.line is not None
    assert mistake.column is not None
    assert lines[mistake.line - 1][mistake.column - 1 :].startswith(place)


def test_filters_that_nothing_follows_are_a_mistake(tmp_path: Path) -> None:
    body = """
    reports:
      sales:
        title: Sales
        filters: {channel: {type: choice, column: channel}}
        blocks: {t: {type: table, sql: SELECT 1 AS channel}}
    """
    mistake = only(mistakes(tmp_path, body))
    assert (mistake.code, mistake.hint) == (
        "E131",
        "Add aggregate: sum, say, to the figures and charts that are to follow them.",
    )


def test_the_schema_for_editors_takes_filters_and_refuses_other_aggregates() -> None:
    report = yaml.safe_load(REPORT)["reports"]["sales"]
    check = jsonschema.Draft202012Validator(entry_schema("reports")).is_valid
    assert check(report)
    report["filters"]["date"]["default"] = "yesterday"
    assert not check(report)
    report["filters"]["date"]["default"] = "all"
    report["blocks"]["by_month"]["aggregate"] = {"median": "a"}
    assert not check(report)


def test_a_misspelt_default_is_answered_with_the_nearest_time(tmp_path: Path) -> None:
    mistake = only(mistakes(tmp_path, changed("default: last_28_days", "default: last_29_days")))
    assert mistake.hint == "Did you mean last_28_days?"
