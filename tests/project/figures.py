"""What the reference project's gold models must hold, computed in plain Python from the APIs' JSON.

Written from the systems' description, not from the SQL: it shares no code with the models. Every function
returns one dict a row with every column of the model, ordered by its key; amounts are Decimal, days date.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Row = dict[str, Any]
CENT = Decimal("0.01")


def money(value: Any) -> Decimal:
    """A JSON number as an amount with two places, exactly as it was written."""
    return Decimal(str(value)).quantize(CENT, rounding=ROUND_HALF_UP)


Steps = Sequence[tuple[str, float]]


def _from(value: Any, steps: Steps, otherwise: str) -> str:
    """The first step whose bound the value reaches; the bound itself counts."""
    return next((name for name, bound in steps if value >= bound), otherwise)


def _over(value: Any, steps: Steps, otherwise: str) -> str:
    """The first step whose bound the value exceeds; the bound itself does not count."""
    return next((name for name, bound in steps if value > bound), otherwise)


# -- fakestore -----------------------------------------------------------------------------------------------


def cart_items(products: Iterable[Row], carts: Iterable[Row]) -> list[Row]:
    """gold_fakestore.fact_cart_items; a line whose product is missing has no price."""
    by_id = {product["id"]: product for product in products}
    rows = []
    for cart in sorted(carts, key=lambda row: row["id"]):
        sold_at = datetime.fromisoformat(cart["date"]).astimezone(UTC)
        for position, line in enumerate(cart["products"], start=1):
            product = by_id.get(line["productId"])
            price = money(product["price"]) if product else None
            rows.append(
                {
                    "cart_item_id": f"{cart['id']}-{position}",
                    "cart_id": cart["id"],
                    "user_id": cart["userId"],
                    "product_id": line["productId"],
                    "sale_date": sold_at.date(),
                    "quantity": line["quantity"],
                    "unit_price": price,
                    "line_revenue": None if price is None else price * line["quantity"],
                    "product_rating": float(product["rating"]["rate"]) if product else None,
                }
            )
    return rows


def cart_totals(products: Iterable[Row], carts: Iterable[Row]) -> list[Row]:
    """gold_fakestore.fact_carts."""
    carts = sorted(carts, key=lambda row: row["id"])
    lines = defaultdict(list)
    for item in cart_items(products, carts):
        lines[item["cart_id"]].append(item)
    return [
        {
            "cart_id": cart["id"],
            "user_id": cart["userId"],
            "sale_date": datetime.fromisoformat(cart["date"]).astimezone(UTC).date(),
            "item_count": len(lines[cart["id"]]),
            "total_quantity": sum(item["quantity"] for item in lines[cart["id"]]),
            "total_revenue": sum((item["line_revenue"] or 0 for item in lines[cart["id"]]), Decimal("0.00")),
        }
        for cart in carts
    ]


def sales_overview(products: Iterable[Row], users: Iterable[Row], carts: Iterable[Row]) -> list[Row]:
    """gold_fakestore.mart_sales_overview, ordered by cart and position."""
    products = list(products)
    categories = {product["id"]: product["category"].strip() for product in products}
    buyers = {user["id"]: user for user in users}
    return [
        _sale(item, categories.get(item["product_id"]), buyers.get(item["user_id"]))
        for item in cart_items(products, carts)
    ]


def _sale(item: Row, category: str | None, buyer: Row | None) -> Row:
    known = item["unit_price"] is not None
    ratings = [("High", 4.5), ("Medium", 3.5), ("Low", 2.5)]
    prices = [("Premium", 1000), ("Mid-Range", 500), ("Standard", 100)]
    sizes = [("Bulk", 10), ("Multi-Unit", 5), ("Multiple", 1)]
    values = [("High", 2000), ("Medium", 500)]
    return item | {
        "sale_year": item["sale_date"].year,
        "sale_month": item["sale_date"].month,
        "sale_day": item["sale_date"].day,
        "product_category": category,
        "rating_category": _from(item["product_rating"], ratings, "Poor") if known else None,
        "price_tier": _over(item["unit_price"], prices, "Budget") if known else None,
        "customer_name": buyer["username"] if buyer else None,
        "customer_city": buyer["address"]["city"].strip() if buyer else None,
        "order_value_category": _over(item["line_revenue"], values, "Standard") if known else None,
        "purchase_size_category": _over(item["quantity"], sizes, "Single"),
    }


def current_products(products: Iterable[Row]) -> list[Row]:
    """The current versions in gold_fakestore.dim_products, without valid_from and valid_to."""
    return [
        {
            "product_id": product["id"],
            "title": product["title"].strip(),
            "category": product["category"].strip(),
            "price": money(product["price"]),
            "rating_rate": float(product["rating"]["rate"]),
            "rating_count": product["rating"]["count"],
        }
        for product in sorted(products, key=lambda row: row["id"])
    ]


def current_users(users: Iterable[Row]) -> list[Row]:
    """The current versions in gold_fakestore.dim_users, without valid_from and valid_to."""
    return [
        {
            "user_id": user["id"],
            "username": user["username"],
            "email": user["email"],
            "first_name": user["name"]["firstname"],
            "last_name": user["name"]["lastname"],
            "city": user["address"]["city"].strip(),
        }
        for user in sorted(users, key=lambda row: row["id"])
    ]


# -- crm -----------------------------------------------------------------------------------------------------


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
    bought = _group(purchases, "customer_id")
    rows = []
    for customer in customers(buyers):
        amounts, days = _amounts_and_days(bought[customer["customer_id"]])
        spent = sum(amounts, Decimal("0.00"))
        rows.append(
            customer
            | {
                "number_of_purchases": len(amounts),
                "total_customer_spending": spent,
                "average_purchase_value": _average(amounts) or Decimal("0.00"),
                "first_purchase_date": min(days, default=None),
                "last_purchase_date": max(days, default=None),
                "customer_age_in_days": (as_of - min(days)).days if days else None,
                "customer_segment": _from(spent, [("High-Value", 500), ("Mid-Value", 100)], "Low-Value"),
            }
        )
    return rows


def product_performance(
    buyers: Iterable[Row], purchases: Iterable[Row], products: Iterable[Row]
) -> list[Row]:
    """gold_crm.fact_product_performance."""
    regions = {row["customer_id"]: row["region"].strip() for row in buyers}
    sold = _group(purchases, "product_id")
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
                "average_sale_price": _average(amounts),
                "regions_sold_in": len({regions[sale["customer_id"]] for sale in sales}),
                "most_recent_sale_date": max(days, default=None),
            }
        )
    return rows


def regional_sales(buyers: Iterable[Row], purchases: Iterable[Row]) -> list[Row]:
    """gold_crm.fact_regional_sales, ordered by region."""
    bought = _group(purchases, "customer_id")
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


def _group(rows: Iterable[Row], key: str) -> defaultdict[Any, list[Row]]:
    groups: defaultdict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return groups


def _amounts_and_days(purchases: Iterable[Row]) -> tuple[list[Decimal], list[date]]:
    purchases = list(purchases)
    return [money(row["amount"]) for row in purchases], [date.fromisoformat(row["date"]) for row in purchases]


def _average(amounts: Sequence[Decimal]) -> Decimal | None:
    if not amounts:
        return None
    return (sum(amounts) / len(amounts)).quantize(CENT, rounding=ROUND_HALF_UP)
