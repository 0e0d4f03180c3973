"""A report's page: what stands on it, and what never does."""

from __future__ import annotations

import csv
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from pipeline_cli.errors import ReportError
from tests.integration.reports.conftest import Shelf
from tests.integration.reports.html import block, read_page, rows, tiles

EVIL = "<script>alert('x')</script>"
DATA: list[dict[str, Any]] = [
    {"day": date(2026, 11, 19), "channel": EVIL, "revenue": Decimal("1234.50"), "note": "=1+1"},
    {"day": date(2026, 11, 20), "channel": "{{ 7*7 }}", "revenue": Decimal("-20.00"), "note": "-12.5"},
    {"day": date(2026, 11, 21), "channel": "plain", "revenue": None, "note": None},
]
SALES = """
title: "Sales & {{ 6*7 }}"
description: <b>Not bold</b>
as_of: SELECT MAX(day) FROM gold.sales
currency: "$"
columns: 3
queries:
  all: SELECT * FROM gold.sales ORDER BY day -- a comment at the end
  odd: SELECT 1 AS "<i>odd</i>", 2 AS "{{ 7*7 }}"
exports: [totals, sales]
blocks:
  totals:
    type: figures
    sql: SELECT SUM(revenue) AS revenue, COUNT(*) AS days, 0.125 AS share, CAST(NULL AS date) AS never FROM gold.sales;
    figures:
      revenue: {format: money}
      days: {label: Days & nights, detail: share, detail_format: percent}
      share: {format: percent}
      never: {}
  by_day: {type: line, query: all, x: day, y: revenue, title: By day}
  by_channel: {type: bar, query: all, x: channel, y: revenue, title: By channel}
  sales: {type: table, query: all, limit: 2, columns: {day: {}, channel: {}, revenue: {format: money, bar: true}}}
  odd: {type: table, query: odd}
  about: {type: text, title: About, text: "One <i>line</i>.\\n\\nAnother."}
  nothing: {type: table, sql: SELECT day FROM gold.sales WHERE day IS NULL}
  no_points: {type: area, sql: "SELECT day, revenue FROM gold.sales WHERE revenue IS NULL", x: day, y: revenue}
"""


@pytest.fixture
def sales(shelf: Shelf) -> Shelf:
    shelf.add("sales", SALES)
    shelf.fill("gold", "sales", DATA)
    return shelf


def test_figures_charts_tables_and_texts_stand_on_the_page(sales: Shelf) -> None:
    page = read_page(sales.read(sales.write("sales")))
    assert tiles(page, "totals") == {
        "Revenue": "$1,214.50",
        "Days & nights": "3",
        "Share": "12.5%",
        "Never": "–",
    }
    assert block(page, "totals").every("dd", "detail")[0].words == "12.5%"
    assert rows(page, "sales") == [
        ["Day", "Channel", "Revenue"],
        ["19 Nov 2026", EVIL, "$1,234.50"],
        ["20 Nov 2026", "{{ 7*7 }}", "-$20.00"],
    ]
    assert "The first 2 of 3 rows." in block(page, "sales").words
    assert [part.words for part in block(page, "about").every("p")] == ["One <i>line</i>.", "Another."]
    assert len(block(page, "by_day").every("svg")) == 1
    assert rows(page, "by_day")[2:] == [["20 Nov 2026", "-20.00"], ["21 Nov 2026 (not over yet)", "–"]]


def test_the_page_says_when_it_was_made_from_which_run_and_until_when_the_data_go(sales: Shelf) -> None:
    edition = sales.write("sales", loaded_at=datetime(2026, 11, 21, 8, 30, tzinfo=UTC), pipelines=("shop",))
    facts = {
        entry.every("dt")[0].words: entry.every("dd")[0].words
        for entry in read_page(sales.read(edition)).every("dl", "facts")[0].every("div")
    }
    assert facts == {
        "Made": "21 Nov 2026, 09:00 UTC",
        "Data as of": "21 Nov 2026",
        "Loaded": "21 Nov 2026, 08:30 UTC",
        "Run": "20261121T090000-3f9c2a",
        "Environment": "dev",
    }


def test_values_and_names_from_data_are_never_markup_nor_a_template(sales: Shelf) -> None:
    html = sales.read(sales.write("sales"))
    page = read_page(html)
    assert not page.every("script")
    assert not page.every("i")
    assert not page.every("b")
    assert page.every("h1")[0].words == "Sales & {{ 6*7 }}"
    assert rows(page, "odd") == [["<i>odd</i>", "{{ 7*7 }}"], ["1", "2"]]
    labels = [text.words for text in block(page, "by_channel").every("text")]
    assert {EVIL, "{{ 7*7 }}", "plain", "–"} <= set(labels)
    assert "49" not in re.sub(r'"[^"]*"', "", "".join(labels))


def test_the_page_names_no_other_place_and_runs_nothing(sales: Shelf) -> None:
    html = sales.read(sales.write("sales"))
    assert not re.search(
        r"(?i)https?:|//[a-z]|url\((?!#)|@import|javascript:|\son\w+=|<(script|link|img|iframe)", html
    )
    page = read_page(html)
    (policy,) = [m for m in page.every("meta") if m.attributes.get("http-equiv") == "Content-Security-Policy"]
    assert policy.attributes["content"].startswith("default-src 'none';")
    assert {a.attributes["href"] for a in page.every("a")} == {"sales.totals.csv", "sales.sales.csv"}


def test_no_two_elements_of_a_page_share_an_id(sales: Shelf) -> None:
    found = re.findall(r'\sid="([^"]+)"', sales.read(sales.write("sales")))
    assert {"totals", "by_day", "sales"} <= set(found)
    assert len(found) == len(set(found))


def test_a_block_without_data_says_so(sales: Shelf) -> None:
    page = read_page(sales.read(sales.write("sales")))
    assert "No data: the query gave no rows." in block(page, "nothing").words
    assert "No data: the query gave no values." in block(page, "no_points").words
    assert not block(page, "no_points").every("svg")


def test_a_day_that_is_not_over_is_marked(sales: Shelf) -> None:
    sales.execute("UPDATE gold.sales SET revenue = 1 WHERE revenue IS NULL")
    early = block(read_page(sales.read(sales.write("sales"))), "by_day")
    assert "21 Nov 2026 is not complete yet" in early.words
    late = sales.write("sales", "20261122T090000-000000", made_at=datetime(2026, 11, 22, 9, tzinfo=UTC))
    assert "not complete" not in block(read_page(sales.read(late)), "by_day").words


def test_exports_have_every_row_and_are_safe_to_open(sales: Shelf) -> None:
    edition = sales.write("sales")
    assert edition.files == ["sales.html", "sales.totals.csv", "sales.sales.csv"]
    found = list(csv.reader(sales.read(edition, ".sales.csv").splitlines()))
    assert found[0] == ["day", "channel", "revenue", "note"]
    assert found[1] == ["2026-11-19", EVIL, "1234.50", "'=1+1"]
    assert found[2] == ["2026-11-20", "{{ 7*7 }}", "-20.00", "-12.5"]
    assert found[3] == ["2026-11-21", "plain", "", ""]
    totals = list(csv.reader(sales.read(edition, ".totals.csv").splitlines()))
    assert totals[0] == ["revenue", "days", "share", "never"]
    assert [Decimal(totals[1][0]), totals[1][1], Decimal(totals[1][2]), totals[1][3]] == [
        Decimal("1214.50"),
        "3",
        Decimal("0.125"),
        "",
    ]


def test_an_export_has_more_rows_than_a_page_may_read(shelf: Shelf) -> None:
    shelf.add(
        "big",
        """
        title: Big
        exports: [numbers]
        queries:
          numbers: |
            WITH ten AS (SELECT 0 AS a UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4
              UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)
            SELECT 10000 * e.a + 1000 * t.a + 100 * u.a + 10 * v.a + w.a AS n
            FROM ten AS e, ten AS t, ten AS u, ten AS v, ten AS w WHERE e.a < 3 ORDER BY n
        blocks:
          numbers: {type: table, query: numbers, limit: 3}
        """,
    )
    edition = shelf.write("big")
    assert rows(read_page(shelf.read(edition)), "numbers") == [["N"], ["0"], ["1"], ["2"]]
    assert "The first 3 of 30,000 rows." in shelf.read(edition)
    assert shelf.read(edition, ".csv").split() == ["n", *map(str, range(30_000))]


def test_secrets_stand_in_no_file(duck: Shelf) -> None:
    duck.secrets = frozenset({"hunter2secret"})
    duck.add(
        "leak",
        """
        title: Leak
        exports: [t]
        blocks:
          t: {type: table, sql: "SELECT 'key hunter2secret' AS a, 1 AS b"}
          c: {type: bar, sql: "SELECT 'key hunter2secret' AS a, 1 AS b", x: a, y: b}
          f: {type: figures, sql: "SELECT 'key hunter2secret' AS a", figures: {a: {}}}
        """,
    )
    edition = duck.write("leak")
    for file in (edition.home / edition.id).iterdir():
        assert "hunter2" not in file.read_text(encoding="utf-8"), file
    assert duck.read(edition).count("key ***") >= 3


def test_all_queries_of_a_report_see_one_state_and_can_write_nothing(shelf: Shelf) -> None:
    shelf.fill("gold", "sales", DATA)
    shelf.add(
        "sly",
        'title: S\nblocks:\n  t: {type: table, sql: "WITH gone AS (DELETE FROM gold.sales) SELECT 1 AS x"}\n',
    )
    with pytest.raises(ReportError, match="report sly, block t: "):
        shelf.write("sly")
    shelf.add("sales", SALES)
    assert tiles(read_page(shelf.read(shelf.write("sales"))), "totals")["Days & nights"] == "3"
