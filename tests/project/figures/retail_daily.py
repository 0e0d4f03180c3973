"""retail_daily: the gold models from the generated rows, every value a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from tests.project.figures import Row, average, group, money

TextRow = dict[str, str]


def daily_kpis(transactions: Iterable[TextRow]) -> list[Row]:
    """gold_retail_daily.daily_kpis."""
    rows = []
    for day, sales in sorted(group(transactions, "transaction_date").items()):
        amounts = [money(sale["transaction_amount"]) for sale in sales]
        rows.append(
            {
                "transaction_date": date.fromisoformat(day),
                "total_sales": sum(amounts),
                "total_quantity": sum(int(sale["quantity"]) for sale in sales),
                "average_transaction": average(amounts),
                "smallest_transaction": min(amounts),
                "largest_transaction": max(amounts),
                "transactions": len(sales),
                "distinct_customers": len({sale["customer_id"] for sale in sales}),
            }
        )
    return rows


def by_product(products: Iterable[TextRow], transactions: Iterable[TextRow]) -> list[Row]:
    """gold_retail_daily.sales_by_product."""
    sold = group(transactions, "product_id")
    return _rank(
        [
            {
                "product_id": int(product["product_id"]),
                "product_name": product["product_name"],
                "category": product["category"],
            }
            | _totals(sold[product["product_id"]])
            for product in products
        ],
        "product_id",
    )


def by_store(stores: Iterable[TextRow], transactions: Iterable[TextRow]) -> list[Row]:
    """gold_retail_daily.sales_by_store."""
    sold = group(transactions, "store_id")
    return _rank(
        [
            {
                "store_id": int(store["store_id"]),
                "store_name": store["store_name"],
                "location": store["location"],
                "store_type": store["store_type"],
            }
            | _totals(sold[store["store_id"]])
            for store in stores
        ],
        "store_id",
    )


def by_customer(customers: Iterable[TextRow], transactions: Iterable[TextRow]) -> list[Row]:
    """gold_retail_daily.sales_by_customer."""
    sold = group(transactions, "customer_id")
    names = ("customer_id", "first_name", "last_name", "city", "country")
    return _rank(
        [
            {name: customer[name] for name in names}
            | _totals(sold[customer["customer_id"]])
            | {"last_transaction_date": _last_day(sold[customer["customer_id"]])}
            for customer in customers
        ],
        "customer_id",
    )


def by_payment_method(transactions: Iterable[TextRow]) -> list[Row]:
    """gold_retail_daily.sales_by_payment_method."""
    sold = group(transactions, "payment_method")
    return _rank(
        [{"payment_method": method} | _totals(sales) for method, sales in sold.items()], "payment_method"
    )


def gold_models(data: Mapping[str, list[TextRow]]) -> dict[str, list[Row]]:
    """Model to its rows. data: rows by table (customers, products, stores, transactions)."""
    transactions = data["transactions"]
    return {
        "gold_retail_daily.daily_kpis": daily_kpis(transactions),
        "gold_retail_daily.sales_by_product": by_product(data["products"], transactions),
        "gold_retail_daily.sales_by_store": by_store(data["stores"], transactions),
        "gold_retail_daily.sales_by_customer": by_customer(data["customers"], transactions),
        "gold_retail_daily.sales_by_payment_method": by_payment_method(transactions),
    }


def _totals(sales: Sequence[TextRow]) -> Row:
    return {
        "transactions": len(sales),
        "total_quantity": sum(int(sale["quantity"]) for sale in sales),
        "total_sales": sum((money(sale["transaction_amount"]) for sale in sales), Decimal("0.00")),
    }


def _last_day(sales: Sequence[TextRow]) -> date | None:
    return max((date.fromisoformat(sale["transaction_date"]) for sale in sales), default=None)


def _rank(rows: list[Row], key: str) -> list[Row]:
    """The rows by key, each with its place: the most sales first, of equals the lower key."""

    def place(row: Row) -> tuple[Decimal, Any]:
        return -row["total_sales"], row[key]

    ranked = [row | {"sales_rank": rank} for rank, row in enumerate(sorted(rows, key=place), start=1)]
    return sorted(ranked, key=lambda row: row[key])
