"""Fakestore: the gold models from the JSON of its API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from tests.project.figures import Row, money, step_from, step_over


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
        "rating_category": step_from(item["product_rating"], ratings, "Poor") if known else None,
        "price_tier": step_over(item["unit_price"], prices, "Budget") if known else None,
        "customer_name": buyer["username"] if buyer else None,
        "customer_city": buyer["address"]["city"].strip() if buyer else None,
        "order_value_category": step_over(item["line_revenue"], values, "Standard") if known else None,
        "purchase_size_category": step_over(item["quantity"], sizes, "Single"),
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


def gold_models(data: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Model to its rows; of the slowly changing dimensions the current versions. data: by the API's path."""
    products, users, carts = data["/products"], data["/users"], data["/carts"]
    return {
        "gold_fakestore.fact_cart_items": cart_items(products, carts),
        "gold_fakestore.fact_carts": cart_totals(products, carts),
        "gold_fakestore.mart_sales_overview": sales_overview(products, users, carts),
        "gold_fakestore.dim_products": current_products(products),
        "gold_fakestore.dim_users": current_users(users),
    }
