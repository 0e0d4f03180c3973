"""The reference project's reports, every figure against plain Python over the rows below the models."""

from __future__ import annotations

import csv
import random
import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.integration.reports.conftest import Shelf
from tests.integration.reports.html import block, read_page, rows, tiles
from tests.project.figures.retail_daily import TextRow, gold_models

ROOT = Path(__file__).parents[3]
DAILY_SALES = (ROOT / "reports" / "daily_sales.yaml").read_text(encoding="utf-8")


def generated() -> dict[str, list[TextRow]]:
    """Three weeks of sales; some customers never buy, some buy on several days."""
    chance = random.Random(7)
    customers = [
        {
            "customer_id": f"c{number}",
            "first_name": f"First{number}",
            "last_name": "Last",
            "city": "City",
            "country": "X",
        }
        for number in range(60)
    ]
    products = [
        {
            "product_id": str(number),
            "product_name": f"Product {number}",
            "category": chance.choice(["Food", "Books"]),
        }
        for number in range(1, 16)
    ]
    stores = [
        {"store_id": str(number), "store_name": f"Store {number}", "location": "City", "store_type": "Online"}
        for number in range(1, 6)
    ]
    transactions = [
        {
            "customer_id": f"c{chance.randrange(40)}",
            "product_id": str(chance.randrange(1, 14)),
            "store_id": str(chance.randrange(1, 6)),
            "transaction_date": (date(2026, 11, 1) + timedelta(days=chance.randrange(20))).isoformat(),
            "transaction_amount": f"{chance.randrange(2000, 100001) / 100:.2f}",
            "quantity": str(chance.randrange(1, 51)),
            "payment_method": chance.choice(["Cash", "Credit Card", "PayPal"]),
        }
        for _ in range(300)
    ]
    return {"customers": customers, "products": products, "stores": stores, "transactions": transactions}


DATA = generated()
SALES = DATA["transactions"]


@pytest.fixture
def retail(shelf: Shelf) -> Shelf:
    for model, found in gold_models(DATA).items():
        schema, _, table = model.partition(".")
        shelf.fill(schema, table, found)
    shelf.add("daily_sales", DAILY_SALES)
    return shelf


def amounts(sales: Sequence[TextRow]) -> list[Decimal]:
    return [Decimal(sale["transaction_amount"]) for sale in sales]


def best(column: str) -> tuple[str, Decimal]:
    """Who or what has the most sales, and how much."""
    sold: dict[str, Decimal] = defaultdict(Decimal)
    for sale in SALES:
        sold[sale[column]] += Decimal(sale["transaction_amount"])
    return max(sold.items(), key=lambda found: found[1])


def test_the_daily_reports_figures_are_those_of_the_raw_transactions(retail: Shelf) -> None:
    page = read_page(retail.read(retail.write("daily_sales")))
    total = sum(amounts(SALES))
    average = (total / len(SALES)).quantize(Decimal("0.01"))
    assert tiles(page, "kpis") == {
        "Total sales": f"{total:,.2f}",
        "Units sold": f"{sum(int(sale['quantity']) for sale in SALES):,}",
        "Transactions": "300",
        "Customers": str(len({sale["customer_id"] for sale in SALES})),
        "Average transaction": f"{average:,.2f}",
        "Smallest transaction": f"{min(amounts(SALES)):,.2f}",
        "Largest transaction": f"{max(amounts(SALES)):,.2f}",
    }
    assert len({sale["customer_id"] for sale in SALES}) < sum(
        len({s["customer_id"] for s in SALES if s["transaction_date"] == day})
        for day in {sale["transaction_date"] for sale in SALES}
    )


def test_the_top_of_each_is_the_one_with_the_most_sales(retail: Shelf) -> None:
    page = read_page(retail.read(retail.write("daily_sales")))
    names = {
        "Top product": f"Product {best('product_id')[0]}",
        "Top store": f"Store {best('store_id')[0]}",
        "Top customer": f"First{best('customer_id')[0][1:]} Last",
        "Top payment method": best("payment_method")[0],
    }
    assert tiles(page, "top") == names
    details = [detail.words for detail in block(page, "top").every("dd", "detail")]
    columns = ("product_id", "store_id", "customer_id", "payment_method")
    assert details == [f"{best(column)[1]:,.2f}" for column in columns]


def test_the_daily_reports_exports_hold_every_row_of_the_models(retail: Shelf) -> None:
    edition = retail.write("daily_sales")
    blocks = ("kpis", "by_day", "by_product", "by_store", "by_customer", "by_payment_method")
    assert edition.files == ["daily_sales.html", *(f"daily_sales.{name}.csv" for name in blocks)]
    kpis = list(csv.DictReader(retail.read(edition, ".kpis.csv").splitlines()))
    assert [Decimal(kpis[0]["total_sales"]), int(kpis[0]["distinct_customers"])] == [
        sum(amounts(SALES)),
        len({sale["customer_id"] for sale in SALES}),
    ]
    for name, model in zip(blocks[2:], ("product", "store", "customer", "payment_method"), strict=True):
        found = list(csv.DictReader(retail.read(edition, f".{name}.csv").splitlines()))
        expected = gold_models(DATA)[f"gold_retail_daily.sales_by_{model}"]
        expected = sorted(expected, key=lambda row: row["sales_rank"])
        assert [Decimal(row["total_sales"]) for row in found] == [row["total_sales"] for row in expected]
        assert len(found) == len(expected)
    days = list(csv.DictReader(retail.read(edition, ".by_day.csv").splitlines()))
    assert [row["transaction_date"] for row in days] == sorted({sale["transaction_date"] for sale in SALES})


def test_the_daily_report_draws_every_day_and_lists_the_ten_best(retail: Shelf) -> None:
    html = retail.read(retail.write("daily_sales"))
    page = read_page(html)
    days = {sale["transaction_date"] for sale in SALES}
    assert len(rows(page, "by_day")) == 1 + len(days)
    assert [len(rows(page, name)) for name in ("by_product", "by_store", "by_customer")] == [11, 6, 11]
    assert len(html) < 300_000
    assert not re.search(r"https?:", html)


def test_without_transactions_the_daily_report_says_so(shelf: Shelf) -> None:
    for model, found in gold_models(DATA).items():
        schema, _, table = model.partition(".")
        shelf.fill(schema, table, found)
        shelf.execute(f"DELETE FROM {model}")
    shelf.add("daily_sales", DAILY_SALES)
    page = read_page(shelf.read(shelf.write("daily_sales")))
    assert tiles(page, "kpis")["Total sales"] == "–"
    assert tiles(page, "top")["Top store"] == "–"
    assert "No data: the query gave no rows." in block(page, "by_day").words


def test_the_report_of_the_readme_works(shelf: Shelf) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (text,) = [
        found
        for found in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
        if "reports/sales.yaml" in found
    ]
    shelf.add("sales", dedent(text))
    days: list[dict[str, Any]] = [
        {"day": date(2026, 11, day), "orders": day, "revenue": Decimal(day * 10)} for day in range(1, 11)
    ]
    shelf.fill("gold_shop", "daily_sales", days)
    products = [{"product": name, "units": 3, "revenue": Decimal(place)} for place, name in enumerate("abc")]
    shelf.fill("gold_shop", "sales_by_product", products)
    edition = shelf.write("sales")
    assert edition.files == ["sales.html", "sales.totals.csv", "sales.by_product.csv"]
    page = read_page(shelf.read(edition))
    assert tiles(page, "totals") == {"Orders": "55", "Revenue": "$550.00", "Best product": "c"}
