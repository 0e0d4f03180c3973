"""Reports in the manifest: what they may say, and where a mistake stands."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import jsonschema
import pytest
import yaml

from pipeline_cli.manifest.charts import BarChart
from pipeline_cli.manifest.reader import read_manifest
from pipeline_cli.manifest.reports import Figures
from pipeline_cli.manifest.schema import entry_schema
from tests.unit.manifest.helpers import HEAD, TAIL, mistakes, mistakes_of, only, read, write

REPORT = """
reports:
  sales:
    title: Sales
    queries: {days: SELECT 1 AS day}
    blocks:
      totals: {type: figures, query: days, figures: {day: {}}}
      by_day: {type: bar, query: days, x: day, y: one}
"""

DONUT = "type: donut, query: days, x: day, y: [one, two]"
SEVERAL = "type: {}, query: days, x: day, y: [one, two]"


def changed(before: str, after: str) -> str:
    assert REPORT.count(before) == 1, before
    return REPORT.replace(before, after)


def test_a_report_is_read_with_its_blocks_in_their_order(tmp_path: Path) -> None:
    report = read(tmp_path, REPORT).manifest.reports["sales"]
    assert list(report.blocks) == ["totals", "by_day"]
    assert isinstance(report.blocks["totals"], Figures)
    assert isinstance(report.blocks["by_day"], BarChart)
    assert (report.columns, report.keep, report.exports) == (2, 30, ())


def test_a_long_report_stands_in_a_file_of_its_own(tmp_path: Path) -> None:
    text = "title: Sales\nblocks:\n  about: {type: text, text: Hello}\n"
    write(tmp_path, HEAD + "pipelines:\n  all: {reports: [sales]}\n", {"reports/sales.yaml": text})
    reading = read_manifest(tmp_path, {})
    assert reading.manifest.reports["sales"].title == "Sales"
    assert reading.manifest.pipelines["all"].reports == ("sales",)


@pytest.mark.parametrize(
    ("body", "place", "code", "words"),
    [
        (changed("SELECT 1 AS day", "DELETE FROM x"), "DELETE", "E113", "must be a SELECT"),
        (changed("SELECT 1 AS day", "SELECT 1 AS a; SELECT 2 AS b"), "SELECT", "E113", "one SELECT"),
        (changed("by_day: {type: bar, query: days,", "by_day: {type: bar,"), "by_day", "E131", "no query"),
        (
            changed("type: bar, query: days", "type: bar, query: day"),
            "day,",
            "E116",
            "not one of the report's queries",
        ),
        (changed("bar, query: days", "bar, query: days, sql: SELECT 2"), "sql", "E131", "both query and sql"),
        (changed("figures, query: days,", "figures,"), "day: {}", "E131", "neither has its block"),
        (changed("figures: {day: {}}", "figures: {}"), "figures: {}", "E131", "at least one figure"),
        (
            changed("title: Sales", "title: Sales\n    exports: [by_days]"),
            "by_days]",
            "E116",
            "not one of the report's",
        ),
        (changed("title: Sales", "title: Sales\n    columns: 4"), "4", "E114", "one of 1, 2, 3"),
        (changed("type: bar", "type: pie"), "pie", "E114", "not a type of block"),
        (changed("y: one", "z: day, y: one"), "z: day", "E111", "does not know the key 'z'"),
        (changed("day: {}", "day: {format: euro}"), "euro", "E114", "format must be one of"),
        (changed("type: bar", "type: stacked_bar"), "by_day", "E131", "has nothing to stack"),
        (
            changed("bar, query: days, x: day, y: one", "bar, query: days, x: day, y: []"),
            "[]",
            "E131",
            "at least one",
        ),
        (
            changed("type: bar, query: days, x: day, y: one", DONUT),
            "[one, two]",
            "E131",
            "a part has one size",
        ),
        (changed("y: one", "y: [one, two], color: day"), "day}", "E131", "either makes the series"),
        (changed("type: bar", "type: combined"), "by_day", "E112", "needs the key line"),
        (changed("type: bar", "color: day, type: donut"), "color", "E111", "does not know the key 'color'"),
        (
            changed("day: {}", "day: {change: month, aggregate: sum}"),
            "change:",
            "E131",
            "which dates it goes by",
        ),
        (changed("day: {}", "day: {change: month, change_column: day}"), "change:", "E131", "it has none"),
        (changed("day: {}", "day: {change_column: day}"), "change_column:", "E131", "nothing without change"),
        (
            changed("day: {}", "day: {aggregate: sum, change: decade, change_column: day}"),
            "decade",
            "E114",
            "change must be one of",
        ),
    ],
)
def test_a_mistake_in_a_report_is_told_where_it_stands(
    tmp_path: Path, body: str, place: str, code: str, words: str
) -> None:
    mistake = only(mistakes(tmp_path, body))
    assert (mistake.code, mistake.file) == (code, "pipelines.yaml")
    assert words in mistake.message
    lines = (HEAD + dedent(body) + TAIL).splitlines()
    assert mistake.line is not None
    assert mistake.column is not None
    assert lines[mistake.line - 1][mistake.column - 1 :].startswith(place)


@pytest.mark.parametrize("kind", ["line", "area", "bar", "stacked_bar", "combined"])
def test_a_chart_takes_one_column_of_numbers_or_several(tmp_path: Path, kind: str) -> None:
    more = ", line: three" if kind == "combined" else ""
    body = changed("type: bar, query: days, x: day, y: one", SEVERAL.format(kind) + more)
    chart = read(tmp_path, body).manifest.reports["sales"].blocks["by_day"]
    assert chart.y == ("one", "two")
    assert chart.measures == (("one", "two", "three") if more else ("one", "two"))


def test_a_change_goes_by_the_period_filter_or_by_its_own_column(tmp_path: Path) -> None:
    figures = read(
        tmp_path, changed("day: {}", "day: {aggregate: sum, change: month, change_column: day}")
    ).manifest
    figure = figures.reports["sales"].blocks["totals"].figures["day"]
    assert (figure.change, figure.change_column) == ("month", "day")


def test_a_select_after_comments_and_brackets_is_a_select(tmp_path: Path) -> None:
    body = changed("SELECT 1 AS day", '"/* why */ -- and\\n (with x AS (SELECT 1 AS day) SELECT * FROM x)"')
    assert read(tmp_path, body).manifest.reports


def test_a_select_under_query_is_sent_to_sql(tmp_path: Path) -> None:
    mistake = only(mistakes(tmp_path, changed("bar, query: days", "bar, query: SELECT 2")))
    assert mistake.hint == "Write sql: instead of query: for a SELECT of the block's own."


def test_a_pipeline_names_only_reports_that_are_there(tmp_path: Path) -> None:
    write(tmp_path, HEAD + dedent(REPORT) + "pipelines:\n  all: {reports: [sale]}\n")
    mistake = only(mistakes_of(tmp_path))
    assert (mistake.code, mistake.hint) == ("E116", "Did you mean sales?")


def test_all_mistakes_of_a_report_are_told_at_once(tmp_path: Path) -> None:
    body = (
        changed("SELECT 1 AS day", "DROP TABLE x")
        .replace("type: bar", "type: pie")
        .replace("day: {}", "day: {x: 1}")
    )
    assert [mistake.code for mistake in mistakes(tmp_path, body)] == ["E113", "E111", "E114"]


def test_the_schema_for_editors_takes_the_reference_report_and_refuses_unknown_keys() -> None:
    text = (Path(__file__).parents[3] / "reports" / "daily_sales.yaml").read_text(encoding="utf-8")
    check = jsonschema.Draft202012Validator(entry_schema("reports")).is_valid
    report = yaml.safe_load(text)
    assert check(report)
    assert not check({**report, "colour": "red"})
    assert not check({**report, "blocks": {"a": {"type": "pie", "x": "a", "y": "b"}}})
    assert not check({**report, "blocks": {"a": {"type": "bar", "x": "a"}}})


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 AS day;",
        "SELECT ';' AS day",
        "SELECT 'it''s; so' AS day",
        "SELECT 1 AS day -- a; b",
        "SELECT /* a; b */ 1 AS day",
    ],
)
def test_a_semicolon_at_the_end_or_in_a_text_is_none_between_statements(tmp_path: Path, sql: str) -> None:
    assert read(tmp_path, changed("SELECT 1 AS day", json.dumps(sql))).manifest.reports
