"""Aggregates and the cells of filters on both warehouses, against plain Python over the same rows."""

from __future__ import annotations

import base64
import csv
import gzip
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.destinations import open_warehouse
from pipeline_cli.errors import ReportError
from pipeline_cli.reports.cubes import Selection
from pipeline_cli.reports.reading import Reader, Reading
from tests.browser.shop import MADE_AT, REPORT, chosen, make_rows
from tests.integration.reports.conftest import Shelf
from tests.integration.reports.html import block, read_page, rows, tiles

ROWS = make_rows()
FIGURES = {
    "Orders": "orders",
    "Revenue": "revenue",
    "Customers": "customers",
    "Average": "average",
    "Repeat rate": "repeat_rate",
    "Largest": "largest",
    "Last order": "last_order",
}


@pytest.fixture
def shop(shelf: Shelf) -> Shelf:
    shelf.fill("gold", "orders", ROWS)
    shelf.add("shop", REPORT)
    return shelf


def read(shelf: Shelf, folder: Path) -> Reading:
    project = shelf.project
    warehouse = open_warehouse(project)
    try:
        reader = Reader("shop", project.manifest.reports["shop"], MADE_AT, "")
        return reader.read(project, warehouse, folder)
    finally:
        warehouse.release()


def unpack(html: str) -> dict[str, Any]:
    """What the page's script has."""
    (packed,) = [s for s in read_page(html).every("script") if s.attributes.get("id") == "page-data"]
    data = gzip.decompress(base64.b64decode(packed.text))
    found: dict[str, Any] = json.loads(data[4 : 4 + int.from_bytes(data[:4], "little")])
    return found


def close(value: Any) -> Any:
    return round(Decimal(value), 9) if isinstance(value, (Decimal, float)) else value


def test_every_choice_gives_what_plain_python_makes_of_the_rows(shop: Shelf, tmp_path: Path) -> None:
    answers = read(shop, tmp_path).answers
    assert answers.calendar is not None
    asked = {label: answers.find("totals", key) for label, key in FIGURES.items()}
    values: Mapping[str, Sequence[Any]] = {
        name: [*dict.fromkeys(row[name] for row in ROWS)] for name in ("channel", "country")
    }
    picked = [
        {"channel": channel, "country": country}
        for channel in values["channel"]
        for country in values["country"]
    ]
    picked += [{}, *({"channel": channel} for channel in values["channel"]), {"country": "DE"}]
    for time in answers.calendar.choices:
        for choices in picked:

            def keep(row: Any, time: Any = time, choices: Any = choices) -> bool:
                day = row["ordered_on"]
                in_time = time.range is None or (day and time.range.start <= day < time.range.end)
                return bool(in_time) and all(row[name] == value for name, value in choices.items())

            found = {
                label: close(
                    answers.cubes[one.cut].answer(one.question, Selection(time.range, choices))[0][0]
                )
                for label, one in asked.items()
                if one is not None
            }
            expected = {label: close(value) for label, value in chosen(ROWS, keep).items()}
            assert found == expected, (time.key, choices)


def test_the_page_shows_everything_and_the_exports_have_it(shop: Shelf) -> None:
    edition = shop.write("shop")
    page = read_page(shop.read(edition))
    revenue = sum(row["revenue"] for row in ROWS if row["revenue"] is not None)
    assert tiles(page, "totals")["Revenue"] == f"${revenue:,}"
    by_contact: dict[str, int] = {}
    for row in ROWS:
        by_contact[row["contact"]] = by_contact.get(row["contact"], 0) + 1
    assert [line[1] for line in rows(page, "contacts")[1:]] == [
        str(count) for count in sorted(by_contact.values(), reverse=True)[:3]
    ]
    assert f"The first 3 of {len(by_contact)} rows." in block(page, "contacts").words


def test_exports_of_aggregated_blocks_have_every_row_of_their_answers(shop: Shelf) -> None:
    shop.add("shop", REPORT.replace("title:", "exports: [by_day, contacts, totals]\ntitle:", 1))
    edition = shop.write("shop")
    by_day = list(csv.reader(shop.read(edition, ".by_day.csv").splitlines()))
    assert by_day[0] == ["ordered_on", "revenue"]
    days: dict[date, Decimal] = {}
    for row in ROWS:
        if row["ordered_on"] is not None and row["revenue"] is not None:
            days[row["ordered_on"]] = days.get(row["ordered_on"], Decimal(0)) + row["revenue"]
    first = min(days)
    every = [first + timedelta(days=n) for n in range((max(days) - first).days + 1)]
    # A day without orders is a day of 0.
    assert {day: Decimal(number or 0) for day, number in by_day[1:] if day} == {
        day.isoformat(): days.get(day, Decimal(0)) for day in every
    }
    contacts = list(csv.reader(shop.read(edition, ".contacts.csv").splitlines()))
    assert len(contacts) == 1 + len({row["contact"] for row in ROWS})
    totals = list(csv.reader(shop.read(edition, ".totals.csv").splitlines()))
    assert totals[1][0] == str(len(ROWS))


def test_days_and_months_are_those_of_utc(shelf: Shelf) -> None:
    west = timezone(timedelta(hours=-5))
    moments = [datetime(2026, 9, 30, 20, tzinfo=west), datetime(2026, 9, 30, 18, tzinfo=west)]
    shelf.fill("gold", "orders", [{"at": moment, "n": 1} for moment in moments])
    shelf.add(
        "times",
        """
        title: Times
        queries: {all: SELECT * FROM gold.orders}
        filters: {time: {type: period, column: at}}
        blocks:
          by_month: {type: bar, query: all, x: at, y: n, aggregate: sum, period: month}
          by_hour: {type: line, query: all, x: at, y: n, aggregate: count, period: hour}
        """,
    )
    page = read_page(shelf.read(shelf.write("times", made_at=datetime(2026, 12, 1, tzinfo=UTC))))
    assert rows(page, "by_month")[1:] == [["Sep 2026", "1"], ["Oct 2026", "1"]]
    assert [line[1] for line in rows(page, "by_hour")[1:]] == ["1", "0", "1"]


def test_what_would_come_out_the_same_is_not_written_anew(shop: Shelf) -> None:
    first = shop.write("shop", made_at=MADE_AT)
    second = shop.write("shop", "20261121T100000-000000", made_at=MADE_AT + timedelta(hours=1), anew=False)
    assert (second.id, second.is_new) == (first.id, False)
    shop.execute("UPDATE gold.orders SET revenue = revenue + 1 WHERE country = 'DE'")
    third = shop.write("shop", "20261121T110000-000000", made_at=MADE_AT + timedelta(hours=1), anew=False)
    assert third.is_new


def test_a_filter_whose_column_no_query_gives_is_told(shop: Shelf) -> None:
    shop.add("shop", REPORT.replace("column: channel", "column: chanel"))
    with pytest.raises(
        ReportError, match="filter channel: no block with an aggregate has the column"
    ) as caught:
        shop.write("shop")
    assert caught.value.hint == "Did you mean channel?"


def test_a_column_that_an_aggregate_lacks_is_told(shop: Shelf) -> None:
    shop.add("shop", REPORT.replace("count_distinct, column: contact", "count_distinct, column: contacts"))
    with pytest.raises(ReportError, match="block totals: the query gives no column 'contacts'") as caught:
        shop.write("shop")
    assert caught.value.hint == "Did you mean contact?"


def test_a_page_that_would_hold_too_many_numbers_is_refused_with_the_filter_that_makes_it_large(
    duck: Shelf,
) -> None:
    duck.add(
        "large",
        """
        title: Large
        queries:
          all: SELECT range AS id, range % 5000 AS shop, range % 7 AS weekday, 1 AS n FROM range(50000)
        filters:
          shop: {type: choice, column: shop}
          weekday: {type: choice, column: weekday}
        blocks:
          total: {type: figures, query: all, figures: {n: {aggregate: sum}}}
          by_weekday: {type: bar, query: all, x: weekday, y: n, aggregate: sum}
        """,
    )
    with pytest.raises(ReportError) as caught:
        duck.write("large")
    assert caught.value.code == "E352"
    assert "the filter shop has 5,000 choices, the filter weekday has 7 choices" in caught.value.message
    assert caught.value.hint == "Leave shop out of the block's query."


def test_secrets_are_masked_in_what_the_script_has(duck: Shelf) -> None:
    duck.secrets = frozenset({"hunter2secret"})
    duck.add(
        "leak",
        """
        title: Leak
        queries: {all: "SELECT 'key hunter2secret' AS channel, 'hunter2secret' AS name, 1 AS n"}
        filters: {channel: {type: choice, column: channel}}
        blocks:
          bars: {type: bar, query: all, x: name, y: n, aggregate: sum}
          rows: {type: table, query: all}
        """,
    )
    data = unpack(duck.read(duck.write("leak")))
    assert "hunter2" not in json.dumps(data)
    assert data["filters"][0]["values"] == ["key ***"]


def test_a_page_with_filters_lets_no_other_script_run_and_names_no_other_place(duck: Shelf) -> None:
    duck.fill("gold", "orders", ROWS)
    duck.add("shop", REPORT)
    html = duck.read(duck.write("shop"))
    page = read_page(html)
    (policy,) = [m for m in page.every("meta") if m.attributes.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.attributes["content"].split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"].count("'sha256-") == 2
    assert "unsafe" not in rules["script-src"] + rules["style-src"]
    assert len(page.every("script")) == 2
    assert not [one for one in page.every("script") if "src" in one.attributes]


def test_static_numbers_and_months_are_in_the_reports_locale(duck: Shelf) -> None:
    duck.fill("gold", "orders", ROWS)
    duck.add("shop", REPORT.replace("title:", "locale: de-DE\ntitle:", 1))
    page = read_page(duck.read(duck.write("shop", made_at=MADE_AT)))
    revenue = sum(row["revenue"] for row in ROWS if row["revenue"] is not None)
    assert tiles(page, "totals")["Revenue"] == "$" + f"{revenue:,}".translate(str.maketrans(",.", ".,"))
    assert "Okt 2026 (not over yet)" in [line[0] for line in rows(page, "customers")]
    assert "Okt 2026" in [text.words for text in block(page, "customers").every("text")]


@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_numbers_that_are_none_leave_the_page_whole(duck: Shelf, value: str) -> None:
    duck.add(
        "odd",
        f"""
        title: Odd
        queries: {{all: "SELECT 'a' AS channel, CAST('{value}' AS double) AS n, DATE '2026-10-01' AS day"}}
        filters: {{channel: {{type: choice, column: channel}}}}
        blocks:
          n: {{type: figures, query: all, figures: {{n: {{aggregate: sum}}}}}}
          bars: {{type: bar, query: all, x: day, y: n, aggregate: sum, period: month}}
        """,
    )
    html = duck.read(duck.write("odd"))
    assert tiles(read_page(html), "n") == {"N": "–"}
    assert "NaN" not in json.dumps(unpack(html))


TEXTS = """
title: Texts
filters: {date: {type: period, column: %s}}
queries:
  all: SELECT city, day, amount FROM gold.texts
blocks:
  totals: {type: figures, query: all, figures: {sales: {column: %s, aggregate: sum}}}
"""


@pytest.mark.parametrize(
    ("day", "summed", "words"),
    [
        ("city", "amount", "filter date: in the query of block totals the column 'city' is text"),
        ("day", "city", "block totals: only numbers can be summed, and 'city' is text"),
    ],
)
def test_a_column_of_texts_that_is_none_of_dates_or_numbers_is_told(
    shelf: Shelf, day: str, summed: str, words: str
) -> None:
    shelf.fill("gold", "texts", [{"city": "Kilcoole", "day": date(2026, 11, 1), "amount": Decimal("1.50")}])
    shelf.add("texts", TEXTS % (day, summed))
    with pytest.raises(ReportError, match=words):
        shelf.write("texts")
