"""Figures with a change: the two periods' values come from the database, as plain Python finds them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pipeline_cli.errors import ReportError
from tests.integration.reports.conftest import Shelf
from tests.integration.reports.html import block, read_page

ORDERS: list[dict[str, Any]] = [
    {
        "order_id": f"o{day}-{number}",
        "contact": f"c{(day * 7 + number) % 23}",
        "ordered_on": date(2026, 8, 1) + timedelta(days=day),
        "ordered_at": datetime(2026, 8, 1, 23, 30, tzinfo=UTC) + timedelta(days=day),
        "revenue": Decimal(10 + day % 13 + number),
        "is_repeat": (day + number) % 3 == 0,
    }
    for day in range(79)
    for number in range(1 + day % 4)
]
REPORT = """
title: Sales
as_of: SELECT MAX(ordered_on) FROM gold.orders
currency: "$"
queries:
  orders: SELECT *, CASE WHEN is_repeat THEN 1 ELSE 0 END AS repeated FROM gold.orders
blocks:
  key:
    type: figures
    query: orders
    figures:
      revenue: {aggregate: sum, format: money, change: month, change_column: %(column)s}
      orders: {aggregate: count, change: week, change_column: %(column)s}
      contacts: {aggregate: {count_distinct: contact}, change: month, change_column: %(column)s}
      repeat_rate:
        aggregate: {ratio: {of: repeated, to: {count: order_id}}}
        format: percent
        change: month
        change_column: %(column)s
      largest: {aggregate: {max: revenue}, format: money, change: year, change_column: %(column)s}
"""


def changes(shelf: Shelf) -> dict[str, tuple[str, str]]:
    page = read_page(shelf.read(shelf.write("sales")))
    return {
        tile.every("dt")[0].words: (
            tile.every("span", "by")[0].words,
            tile.every("span", "than")[0].words,
        )
        for tile in block(page, "key").every("div", "tile")
    }


def between(first: str, end: str) -> list[dict[str, Any]]:
    return [o for o in ORDERS if date.fromisoformat(first) <= o["ordered_on"] < date.fromisoformat(end)]


@pytest.mark.parametrize("column", ["ordered_on", "ordered_at"])
def test_the_last_finished_period_is_compared_with_the_one_before(shelf: Shelf, column: str) -> None:
    shelf.fill("gold", "orders", ORDERS)
    shelf.add("sales", REPORT % {"column": column})
    september, august = between("2026-09-01", "2026-10-01"), between("2026-08-01", "2026-09-01")
    week, before = between("2026-10-12", "2026-10-19"), between("2026-10-05", "2026-10-12")
    money = [sum(order["revenue"] for order in found) for found in (september, august)]
    people = [len({order["contact"] for order in found}) for found in (september, august)]
    rates = [sum(order["is_repeat"] for order in found) / len(found) for found in (september, august)]

    def percent(now: Any, then: Any) -> str:
        return (
            f"{'Up' if now > then else 'Down'} {abs(now - then) / then * 100:.1f}%"
            if now != then
            else "Unchanged"
        )

    assert changes(shelf) == {
        "Revenue": (percent(*money), f"Sep 2026: ${money[0]:,.2f}, after ${money[1]:,.2f} in Aug 2026"),
        "Orders": (
            percent(len(week), len(before)),
            f"The week from 12 Oct 2026: {len(week)}, after {len(before)} in the week from 5 Oct 2026",
        ),
        "Contacts": (percent(*people), f"Sep 2026: {people[0]}, after {people[1]} in Aug 2026"),
        "Repeat rate": (
            f"{'Up' if rates[0] > rates[1] else 'Down'} {abs(rates[0] - rates[1]) * 100:.1f} points",
            f"Sep 2026: {rates[0] * 100:.1f}%, after {rates[1] * 100:.1f}% in Aug 2026",
        ),
        "Largest": ("Nothing to compare with", "2025: –, after – in 2024"),
    }


def test_a_period_without_rows_counts_as_nothing_sold(duck: Shelf) -> None:
    duck.fill("gold", "orders", [order for order in ORDERS if order["ordered_on"].month != 9])
    duck.add("sales", REPORT % {"column": "ordered_on"})
    august = sum(order["revenue"] for order in between("2026-08-01", "2026-09-01"))
    found = changes(duck)
    assert found["Revenue"] == ("Down 100.0%", f"Sep 2026: $0.00, after ${august:,.2f} in Aug 2026")
    assert found["Repeat rate"][0] == "Nothing to compare with"


def test_a_change_goes_by_the_reports_period_filter(duck: Shelf) -> None:
    duck.fill("gold", "orders", ORDERS)
    duck.add("sales", REPORT % {"column": "ordered_on"})
    own = changes(duck)
    filtered = re.sub(r"(, |\n +)change_column: %\(column\)s", "", REPORT)
    filtered = filtered.replace("queries:", "filters: {date: {type: period, column: ordered_on}}\nqueries:")
    assert "change_column" not in filtered
    duck.add("sales", filtered)
    assert changes(duck) == own


def test_a_column_of_dates_that_is_not_there_is_told(duck: Shelf) -> None:
    duck.fill("gold", "orders", ORDERS)
    duck.add("sales", REPORT % {"column": "ordered"})
    with pytest.raises(ReportError, match="block key: the query gives no column 'ordered'") as caught:
        duck.write("sales")
    assert caught.value.hint == "Did you mean ordered_on?"
