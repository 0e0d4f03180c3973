"""The sales report of fakestore: every figure against plain Python over the API's records."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.reports.conftest import Shelf
from tests.integration.reports.html import Element, block, read_page, rows, tiles
from tests.project.figures.fakestore import gold_models
from tests.servers.json_api import sample_rows

Row = dict[str, Any]
SALES = (Path(__file__).parents[3] / "reports" / "sales.yaml").read_text(encoding="utf-8")
# The same user twice in a month, a product that is not in the list, and New Year at home though December in UTC.
MORE = [
    {"id": 91, "userId": 9, "date": "2025-01-20T10:00:00Z", "products": [{"productId": 3, "quantity": 2}]},
    {"id": 92, "userId": 1, "date": "2025-01-21T10:00:00Z", "products": [{"productId": 999, "quantity": 5}]},
    {
        "id": 93,
        "userId": 2,
        "date": "2025-01-01T01:00:00+02:00",
        "products": [{"productId": 5, "quantity": 1}],
    },
]


@pytest.fixture(scope="module")
def data() -> dict[str, list[Row]]:
    found = dict(sample_rows("fakestore"))
    return {**found, "/carts": [*found["/carts"], *MORE]}


@pytest.fixture
def lines(data: dict[str, list[Row]]) -> list[Row]:
    titles = {product["id"]: product["title"].strip() for product in data["/products"]}
    return [
        {
            **row,
            "product": titles.get(row["product_id"], f"Product {row['product_id']}"),
            "category": row["product_category"] or "Unknown",
            "month": f"{row['sale_date']:%b %Y}",
        }
        for row in gold_models(data)["gold_fakestore.mart_sales_overview"]
    ]


@pytest.fixture
def page(shelf: Shelf, data: dict[str, list[Row]]) -> Element:
    fill(shelf, data)
    return read_page(shelf.read(shelf.write("sales")))


def fill(shelf: Shelf, data: dict[str, list[Row]]) -> None:
    for model, found in gold_models(data).items():
        schema, _, table = model.partition(".")
        shelf.fill(schema, table, [{**row, "valid_to": None} for row in found])
    shelf.add("sales", SALES)


def revenue(found: list[Row]) -> Decimal:
    return sum((row["line_revenue"] or Decimal(0) for row in found), Decimal(0))


def units(found: list[Row]) -> int:
    return sum(row["quantity"] for row in found)


def cart_value(found: list[Row]) -> Decimal:
    """What a cart comes to on average, in cents; half a cent is one."""
    return (revenue(found) / carts(found)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def carts(found: list[Row]) -> int:
    return len({row["cart_id"] for row in found})


def by(found: list[Row], *columns: str) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in found:
        groups[tuple(row[column] for column in columns)].append(row)
    return groups


def test_the_key_figures_are_those_of_the_carts(page: Element, lines: list[Row]) -> None:
    assert tiles(page, "key_figures") == {
        "Revenue": f"${revenue(lines):,.2f}",
        "Carts": str(carts(lines)),
        "Units sold": str(units(lines)),
        "Customers": str(len({row["user_id"] for row in lines})),
        "Average cart": f"${cart_value(lines):,.2f}",
    }


def test_the_changes_are_those_of_january_against_december(page: Element, lines: list[Row]) -> None:
    assert max(row["sale_date"] for row in lines).isoformat() == "2025-02-03"  # so February is not over
    months = by(lines, "month")
    now, before = months["Jan 2025",], months["Dec 2024",]
    assert (carts(now), carts(before)) == (3, 2)
    found = {
        tile.every("dt")[0].words: tile.every("span", "than")[0].words
        for tile in block(page, "key_figures").every("div", "tile")
    }

    def told(write: Callable[[list[Row]], str]) -> str:
        return f"Jan 2025: {write(now)}, after {write(before)} in Dec 2024"

    assert found == {
        "Revenue": told(lambda group: f"${revenue(group):,.2f}"),
        "Carts": told(lambda group: str(carts(group))),
        "Units sold": told(lambda group: str(units(group))),
        "Customers": told(lambda group: str(len({row["user_id"] for row in group}))),
        "Average cart": told(lambda group: f"${cart_value(group):,.2f}"),
    }


def test_months_have_their_revenue_carts_and_units(page: Element, lines: list[Row]) -> None:
    months = by(sorted(lines, key=lambda row: row["sale_date"]), "month")
    names = [f"{date(2024 + n // 12, n % 12 + 1, 1):%b %Y}" for n in range(14)]  # November has no cart
    assert set(names) - {month for (month,) in months} == {"Nov 2024"}
    late = {"Feb 2025": " (not over yet)"}
    expected = [
        [f"{month}{late.get(month, '')}", f"${revenue(found):,.2f}", str(carts(found))]
        for month in names
        for found in [months.get((month,), [])]
    ]
    assert rows(page, "by_month") == [["Month", "Revenue", "Carts"], *expected]
    sold = by(lines, "month", "price_tier")
    tiers = {
        (f"{month}{late.get(month, '')}", tier or "–"): str(units(sold.get((month, tier), [])))
        for month in names
        for tier in {row["price_tier"] for row in lines}
    }
    assert {(month, tier): count for month, tier, count in rows(page, "by_price")[1:]} == tiers


def test_categories_have_their_revenue_and_their_share(page: Element, lines: list[Row]) -> None:
    sums = {category: revenue(found) for (category,), found in by(lines, "category").items()}
    shown = dict(rows(page, "by_category")[1:])
    assert shown.pop("Unknown") == "–"
    assert shown == {category: f"${amount:,.2f}" for category, amount in sums.items() if amount}
    drawing = block(page, "by_category").every("svg")[0].attributes["aria-label"]
    largest = sorted((item for item in sums.items() if item[1]), key=lambda item: -item[1])
    told = [f"{category}: ${amount:,.2f}" for category, amount in largest[:6]]
    told.append(f"Other ({len(largest) - 6}): ${sum(amount for _, amount in largest[6:]):,.2f}")
    whole = sum(sums.values())
    shares = [*(amount for _, amount in largest[:6]), sum(amount for _, amount in largest[6:])]
    for words, amount in zip(told, shares, strict=True):
        assert f"{words} ({amount / whole * 100:.1f}%)" in drawing


def test_the_ten_best_products_and_customers_are_listed(page: Element, lines: list[Row]) -> None:
    products = sorted(by(lines, "product", "category").items(), key=lambda group: -revenue(group[1]))[:10]
    expected = [[*names, str(units(found)), f"${revenue(found):,.2f}"] for names, found in products]
    assert rows(page, "by_product")[1:] == expected
    customers = sorted(
        by(lines, "customer_name", "customer_city").items(), key=lambda group: -revenue(group[1])
    )[:10]
    assert rows(page, "by_customer")[1:] == [
        [*names, str(carts(found)), str(units(found)), f"${revenue(found):,.2f}"]
        for names, found in customers
    ]


def test_products_stand_at_their_price_and_rating(page: Element, lines: list[Row]) -> None:
    known = {
        (row["product"], row["category"], f"{row['product_rating']:.2f}", f"${row['unit_price']:,.2f}")
        for row in lines
        if row["unit_price"] is not None
    }
    shown = {
        (name, category, f"{float(rating):.2f}", price)
        for name, category, rating, price, *_ in rows(page, "ratings")[1:]
        if rating != "–"
    }
    assert shown == known
    assert "without Unit price or Rating" in block(page, "ratings").words


def test_with_carts_no_report_says_that_it_has_no_data(page: Element) -> None:
    assert page.every("p", "nothing") == []


def test_the_exports_hold_the_same_numbers(duck: Shelf, data: dict[str, list[Row]], lines: list[Row]) -> None:
    fill(duck, data)
    edition = duck.write("sales")
    found = list(csv.DictReader(duck.read(edition, ".by_customer.csv").splitlines()))
    assert sum(Decimal(row["revenue"] or 0) for row in found) == revenue(lines)
    key = list(csv.DictReader(duck.read(edition, ".key_figures.csv").splitlines()))
    assert [Decimal(key[0]["revenue"]), int(key[0]["carts"])] == [revenue(lines), carts(lines)]


def test_without_carts_the_report_says_so(shelf: Shelf, data: dict[str, list[Row]]) -> None:
    fill(shelf, data)
    shelf.execute("DELETE FROM gold_fakestore.mart_sales_overview")
    page = read_page(shelf.read(shelf.write("sales", pipelines=("fakestore",))))
    (told,) = page.every("p", "nothing")
    assert told.words == "There are no data yet. They come with: pipeline-cli run fakestore"
    assert tiles(page, "key_figures")["Revenue"] == "–"
    for name in ("by_month", "by_category", "by_price", "ratings", "by_product"):
        assert "No data" in block(page, name).words
