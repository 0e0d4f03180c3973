"""CRM: the gold models from the JSON of its API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from tests.project.figures import Row, average, group, money, step_from


def customers(rows: Iterable[Row]) -> list[Row]:
    """gold_crm.dim_customers."""
    return [
        {
            "customer_id": row["customer_id"],
            "name": row["name"].strip(),
            "email": row["email"].strip().lower(),
            "region": row["region"].strip(),
        }
        for row in sorted(rows, key=lambda row: row["customer_id"])
    ]


def customer_purchases(buyers: Iterable[Row], purchases: Iterable[Row], products: Iterable[Row]) -> list[Row]:
    """gold_crm.fact_customer_purchases."""
    by_customer = {row["customer_id"]: row for row in customers(buyers)}
    by_product = {row["product_id"]: row for row in products}
    rows = []
    for purchase in sorted(purchases, key=lambda row: row["purchase_id"]):
        product = by_product[purchase["product_id"]]
        rows.append(
            by_customer[purchase["customer_id"]]
            | {
                "purchase_id": purchase["purchase_id"],
                "date": date.fromisoformat(purchase["date"]),
                "amount": money(purchase["amount"]),
                "product_id": purchase["product_id"],
                "product_name": product["product_name"].strip(),
                "category": product["category"].strip(),
                "price": money(product["price"]),
            }
        )
    return rows


def lifetime_values(buyers: Iterable[Row], purchases: Iterable[Row], as_of: date) -> list[Row]:
    """gold_crm.fact_customer_lifetime_value; ages count up to `as_of`."""
    bought = group(purchases, "customer_id")
    rows = []
    for customer in customers(buyers):
        amounts, days = _amounts_and_days(bought[customer["customer_id"]])
        spent = sum(amounts, Decimal("0.00"))
        rows.append(
            customer
            | {
                "number_of_purchases": len(amounts),
                "total_customer_spending": spent,
                "average_purchase_value": average(amounts) or Decimal("0.00"),
                "first_purchase_date": min(days, default=None),
                "last_purchase_date": max(days, default=None),
                "customer_age_in_days": (as_of - min(days)).days if days else None,
                "customer_segment": step_from(spent, [("High-Value", 500), ("Mid-Value", 100)], "Low-Value"),
            }
        )
    return rows


def product_performance(
    buyers: Iterable[Row], purchases: Iterable[Row], products: Iterable[Row]
) -> list[Row]:
    """gold_crm.fact_product_performance."""
    regions = {row["customer_id"]: row["region"].strip() for row in buyers}
    sold = group(purchases, "product_id")
    rows = []
    for product in sorted(products, key=lambda row: row["product_id"]):
        sales = sold[product["product_id"]]
        amounts, days = _amounts_and_days(sales)
        rows.append(
            {
                "product_id": product["product_id"],
                "product_name": product["product_name"].strip(),
                "category": product["category"].strip(),
                "price": money(product["price"]),
                "number_of_units_sold": len(sales),
                "total_revenue": sum(amounts, Decimal("0.00")),
                "average_sale_price": average(amounts),
                "regions_sold_in": len({regions[sale["customer_id"]] for sale in sales}),
                "most_recent_sale_date": max(days, default=None),
            }
        )
    return rows


def regional_sales(buyers: Iterable[Row], purchases: Iterable[Row]) -> list[Row]:
    """gold_crm.fact_regional_sales, ordered by region."""
    bought = group(purchases, "customer_id")
    members = defaultdict(list)
    for customer in customers(buyers):
        members[customer["region"]].append(customer["customer_id"])
    rows = []
    for region in sorted(members):
        amounts = [money(sale["amount"]) for member in members[region] for sale in bought[member]]
        rows.append(
            {
                "region": region,
                "number_of_customers": len(members[region]),
                "number_of_purchases": len(amounts),
                "total_sales_amount": sum(amounts, Decimal("0.00")),
            }
        )
    return rows


def _amounts_and_days(purchases: Iterable[Row]) -> tuple[list[Decimal], list[date]]:
    purchases = list(purchases)
    return [money(row["amount"]) for row in purchases], [date.fromisoformat(row["date"]) for row in purchases]


def gold_models(data: dict[str, list[Row]], as_of: date) -> dict[str, list[Row]]:
    """Model to its rows. data: by the API's path."""
    buyers, purchases, products = data["/customers"], data["/purchases"], data["/products"]
    return {
        "gold_crm.dim_customers": customers(buyers),
        "gold_crm.fact_customer_purchases": customer_purchases(buyers, purchases, products),
        "gold_crm.fact_customer_lifetime_value": lifetime_values(buyers, purchases, as_of),
        "gold_crm.fact_product_performance": product_performance(buyers, purchases, products),
        "gold_crm.fact_regional_sales": regional_sales(buyers, purchases),
    }
