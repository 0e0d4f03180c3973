"""A report as PDF and PNG: what stands in them, and what has room."""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from pipeline_cli.reports.editions import Edition
from pipeline_cli.reports.writing import Print
from tests.integration.reports.conftest import Shelf

DAYS: list[dict[str, Any]] = [
    {"day": date(2026, 9, 1) + timedelta(days=n), "channel": channel, "revenue": Decimal(100 + n * place)}
    for n in range(60)
    for place, channel in enumerate(["email", "organic", "paid"], start=1)
]
REPORT = """
title: Sales & <more>
description: What was sold.
as_of: SELECT MAX(day) FROM gold.sales
currency: "$"
queries: {all: SELECT * FROM gold.sales ORDER BY day}
blocks:
  totals:
    type: figures
    title: Key figures
    query: all
    figures:
      revenue: {aggregate: sum, format: money, change: month, change_column: day}
      channels: {aggregate: {count_distinct: channel}}
  by_day: {type: area, query: all, x: day, y: revenue, color: channel, format: money, span: 2, aggregate: sum}
  by_channel: {type: donut, query: all, x: channel, y: revenue, format: money, aggregate: sum}
  both: {type: bar, query: all, x: channel, y: revenue, format: money, aggregate: sum}
  days: {type: table, query: all, limit: 150, columns: {day: {}, channel: {}, revenue: {format: money, bar: true}}}
  about: {type: text, title: About, text: "One <i>line</i>."}
"""
PRINTS = [Print("pdf"), Print("png"), Print("png", "by_channel")]


@pytest.fixture
def sales(duck: Shelf) -> Shelf:
    duck.add("sales", REPORT)
    duck.fill("gold", "sales", DAYS)
    return duck


def read_bytes(edition: Edition, name: str) -> bytes:
    return (edition.home / edition.id / name).read_bytes()


def pages(edition: Edition) -> list[str]:
    reader = PdfReader(BytesIO(read_bytes(edition, "sales.pdf")))
    return [page.extract_text() for page in reader.pages]


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_the_files_stand_beside_the_page(sales: Shelf) -> None:
    edition = sales.write("sales", prints=PRINTS)
    assert edition.files == ["sales.html", "sales.pdf", "sales.png", "sales.by_channel.png"]


def test_the_pdf_has_the_whole_report_on_a4(sales: Shelf) -> None:
    edition = sales.write("sales", prints=PRINTS)
    reader = PdfReader(BytesIO(read_bytes(edition, "sales.pdf")))
    assert {tuple(round(float(side)) for side in page.mediabox[2:]) for page in reader.pages} == {(596, 842)}
    assert reader.metadata is not None
    assert reader.metadata.title == "Sales & <more>"
    first, *_ = text = pages(edition)
    total = sum(row["revenue"] for row in DAYS)
    for words in (
        "Sales & <more>",
        "What was sold.",
        "Data as of",
        "30 Oct 2026",
        "Key figures",
        f"${total:,.2f}",
    ):
        assert words in first
    assert "Up" in first
    assert "One <i>line</i>." in "".join(text)
    assert [f"Page {n} of {len(text)}" in page for n, page in enumerate(text, start=1)] == [True] * len(text)


def test_a_long_table_goes_on_with_its_headings_and_loses_no_row(sales: Shelf) -> None:
    text = pages(sales.write("sales", prints=PRINTS))
    begun = [page for page in text if "Days" in page]
    assert len(begun) > 1
    assert all("Channel" in page and "Revenue" in page for page in begun)
    assert ["(continued)" in page for page in begun] == [False] + [True] * (len(begun) - 1)
    shown = "\n".join(text)
    assert [row for row in DAYS[:150] if shown.count(f"{row['day']:%-d %b %Y}") < 1] == []
    assert "The first 150 of 180 rows." in shown


def test_pictures_are_as_wide_as_a_mail_and_have_the_whole_height(sales: Shelf) -> None:
    edition = sales.write("sales", prints=PRINTS)
    width, height = size_of(read_bytes(edition, "sales.png"))
    assert width == 2 * 794
    assert height > width
    block_width, block_height = size_of(read_bytes(edition, "sales.by_channel.png"))
    assert block_width == 2 * 640
    assert block_height < height


@pytest.mark.parametrize("block", ["totals", "by_day", "days", "about"])
def test_every_kind_of_block_is_a_picture(sales: Shelf, block: str) -> None:
    edition = sales.write("sales", prints=[Print("png", block)])
    assert size_of(read_bytes(edition, f"sales.{block}.png"))[0] == 2 * 640


def test_without_data_the_pdf_says_so(sales: Shelf) -> None:
    sales.execute("DELETE FROM gold.sales")
    (text,) = pages(sales.write("sales", prints=[Print("pdf")]))
    assert "There are no data yet." in text
    assert text.count("No data") == 4


def test_values_are_no_markup_on_paper_either(duck: Shelf) -> None:
    evil = '</text><script>alert("x")</script>&amp; ]]> \x00'
    duck.fill("gold", "sales", [{**row, "channel": evil} for row in DAYS[:3]])
    duck.add("sales", REPORT)
    text = "".join(pages(duck.write("sales", prints=PRINTS)))
    assert "<script>" in text.replace("\n", "")


def test_an_edition_with_prints_is_kept_while_nothing_changes(sales: Shelf) -> None:
    made = datetime(2026, 11, 21, 9, tzinfo=UTC)
    first = sales.write("sales", prints=[Print("pdf")], made_at=made)
    again = sales.write("sales", "20261122T090000-aaaaaa", anew=False, made_at=made)
    assert not again.is_new
    assert again.files == first.files


def test_titles_that_no_drawing_can_hold_do_not_end_the_process(sales: Shelf) -> None:
    evil = r'"\x01\uFFFE </svg> \u202e"'
    sales.add(
        "sales",
        REPORT.replace("title: Key figures", f"title: {evil}").replace("title: About", f"title: {evil}"),
    )
    text = "".join(pages(sales.write("sales", prints=PRINTS)))
    assert "</svg>" in text


def test_labels_that_no_drawing_can_hold_do_not_end_the_process(sales: Shelf) -> None:
    evil = r'labels: {channel: "\x01\uFFFE </svg> \u202e", revenue: "\x01\uFFFE </svg>"}, title: "\x01\uFFFE </svg>"'
    sales.add("sales", REPORT.replace("both: {type: bar,", f"both: {{type: bar, {evil},"))
    assert "</svg>" in "".join(pages(sales.write("sales", prints=PRINTS)))


WIDE = """
title: Wide
queries: {all: SELECT * FROM gold.wide}
blocks:
  rows: {type: table, query: all}
  other: {type: text, text: Beside it.}
"""


def test_a_number_of_a_wide_table_is_never_cut(duck: Shelf) -> None:
    row = {f"money_total_{n}": Decimal("1234567.80") + n for n in range(8)}
    duck.fill("gold", "wide", [{"category": "Budget", "city": "Kilcoole", **row}])
    duck.add("wide", WIDE)
    reader = PdfReader(BytesIO(read_bytes(duck.write("wide", prints=[Print("pdf")]), "wide.pdf")))
    text = "".join(page.extract_text() for page in reader.pages)
    assert [f"{value:,.2f}" for value in row.values() if f"{value:,.2f}" not in text] == []
    assert "…" not in text
    assert "Budget" in text
    assert "Kilcoole" in text


FILTERED = REPORT.replace(
    "queries:",
    "filters: {date: {type: period, column: day, default: last_28_days}}\nexports: [days]\nqueries:",
)


def test_the_files_of_a_filtered_report_say_that_they_are_of_all_time(duck: Shelf) -> None:
    duck.fill("gold", "sales", DAYS)
    duck.add("sales", FILTERED)
    edition = duck.write("sales", prints=[Print("pdf")])
    assert "Shown All time" in pages(edition)[0].replace("\n", " ")
    page = read_bytes(edition, "sales.html").decode()
    assert ">CSV, all time</a>" in page
    assert 'title="The filters do not change this file."' in page


def test_a_report_without_filters_needs_no_such_words(sales: Shelf) -> None:
    edition = sales.write("sales", prints=[Print("pdf")])
    assert "All time" not in pages(edition)[0]
