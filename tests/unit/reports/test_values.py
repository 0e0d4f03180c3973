"""How values are written for people."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from pipeline_cli.manifest.charts import Format
from pipeline_cli.reports.values import LONGEST_TEXT, clean_text, label_of, make_writer


@pytest.mark.parametrize(
    ("format_", "value", "written"),
    [
        (None, 1234567, "1,234,567"),
        (None, Decimal("24678"), "24,678"),
        (None, -1234, "-1,234"),
        (None, 1234.5, "1,234.50"),
        (None, 0.00123, "0.00123"),
        (None, float("nan"), "–"),
        ("money", 1234.5, "$1,234.50"),
        ("money", Decimal("-1234.505"), "-$1,234.51"),
        ("money", -0.001, "$0.00"),
        ("money", "12.5", "$12.50"),
        ("money", "a lot", "a lot"),
        ("percent", 0.1234, "12.3%"),
        ("number", 7, "7"),
        ("text", 2026, "2026"),
        (None, True, "yes"),
        (None, date(2026, 11, 1), "1 Nov 2026"),
        (None, datetime(2026, 11, 1), "1 Nov 2026"),
        (None, datetime(2026, 11, 1, 9, 5, tzinfo=timezone(timedelta(hours=2))), "1 Nov 2026, 07:05"),
        ("date", "2026-11-21T10:00:00Z", "21 Nov 2026"),
        ("date", "20261121", "20261121"),
        (None, b"\x00\x01", "2 bytes"),
        (None, {"a": "é"}, '{"a": "é"}'),
        (None, "", ""),
    ],
)
def test_a_value_is_written_as_its_format_or_type_asks_for(
    format_: Format | None, value: Any, written: str
) -> None:
    assert make_writer([value], format_, "$").write(value) == written


@pytest.mark.parametrize("format_", [None, "money", "number", "percent", "date", "text"])
def test_null_is_a_dash_in_every_format(format_: Format | None) -> None:
    assert make_writer([None], format_, "$").write(None) == "–"


def test_a_column_has_the_same_places_after_the_point_in_every_row() -> None:
    writer = make_writer([1, 2.5, None, 1000], None, None)
    assert [writer.write(value) for value in (1, 2.5, 1000)] == ["1.00", "2.50", "1,000.00"]


def test_text_is_short_and_holds_nothing_that_a_page_may_not_hold() -> None:
    assert clean_text("a\x00b\x1bc\u202ed\ud800") == "a\ufffdb\ufffdc\ufffdd\ufffd"
    assert len(clean_text("x" * 5000)) == LONGEST_TEXT


def test_a_columns_name_becomes_a_heading() -> None:
    assert label_of("total_sales") == "Total sales"


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.0132, 0.0128], ["1.32%", "1.28%"]),
        ([0.0132, 0.5], ["1.3%", "50.0%"]),
        ([0, 0.0], ["0.0%", "0.0%"]),
    ],
)
def test_percents_that_are_all_below_ten_have_two_places(values: list[float], texts: list[str]) -> None:
    assert [make_writer(values, "percent", None).write(value) for value in values] == texts
