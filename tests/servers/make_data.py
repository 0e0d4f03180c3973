"""Writes data/{fakestore,crm}/*.json: invented rows in the APIs' real shapes, the same each time.

    python -m tests.servers.make_data

The rows reach every branch of the models, on both sides of each boundary.
"""

from __future__ import annotations

import json
import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.servers.json_api import DATA_DIR

Row = dict[str, Any]

# title, price, category, rate, count: prices around 100, 500 and 1000, rates around 2.5, 3.5 and 4.5
PRODUCTS = [
    ("Walnut Desk Lamp", 49.95, "lighting", 4.5, 120),
    ("Café Crème Mug, 300 ml", 12.5, "kitchen", 4.4, 259),
    ("Carpenter's Square 12\"", 21, "tools", 3.5, 71),
    ("Copper Kettle", 100, "kitchen", 3.4, 146),
    ("Oak Cutting Board", 100.01, "kitchen", 2.5, 38),
    ('Garden Shears "Édith"', 99.99, "garden & outdoor", 2.4, 54),
    ("Standing Desk", 500, "office", 4.8, 310),
    ("Ergonomic Chair", 500.01, "office", 4.6, 203),
    ("Espresso Machine", 999.99, "kitchen", 3.9, 99),
    ("Cargo Bicycle", 1000, "outdoor", 4.1, 61),
    ("Cargo Bicycle, electric", 1000.01, "outdoor", 5, 12),
    ("Workbench; heavy, 2 m", 1299.5, "tools", 3, 8),
    ("Telescope 8″", 2499, "optics", 4.9, 45),
    ("Paper Clips (100)", 0.5, "office", 1.9, 402),
    ("Seed Sample", 0, "garden & outdoor", 0, 0),
    ("雪 Snow Shovel", 34.2, "garden & outdoor", 3.6, 87),
    ("Rain Barrel", 250, "garden & outdoor", 2.6, 23),
    ("Linen Curtain — 140 × 240", 79.9, "home", 4, 130),
    ("Wool Blanket", 139.25, "home", 4.7, 166),
    ("Bookshelf", 220.4, "home", 3.2, 75),
    ("Label Printer", 649.99, "office", 2.1, 34),
    ("Binoculars 10x42", 389, "optics", 4.3, 58),
    ("Backslash \\ Ruler", 3.75, "office", 1, 5),
    ("Reading Light", 15.35, "lighting", 3.7, 91),
]

CITIES = ["Northport", "São Pedro", "Kleinfeld", "O'Hara Falls", "Łąka", "Eastwick"]

# user id, date, (product id, quantity) of each line: quantities 1, 2, 5, 6, 10, 11; line revenue of exactly
# 500 and 2000 and just above; one product twice in a cart; a cart at the end of a month and of a year
CARTS = [
    (1, "2024-01-31T23:59:59.000Z", [(1, 4), (2, 1), (3, 6)]),
    (1, "2024-02-29T00:00:00.000Z", [(7, 1), (8, 1), (4, 5)]),
    (2, "2024-03-01T08:30:00.000Z", [(10, 2), (11, 2)]),
    (3, "2024-03-01T08:30:00.000Z", [(13, 1)]),
    (3, "2024-03-15T12:00:00.000Z", [(14, 11), (14, 10)]),
    (4, "2024-04-02T00:00:00.000Z", [(5, 5), (6, 20), (16, 2)]),
    (5, "2024-05-20T17:45:10.500Z", [(9, 2), (12, 1), (15, 1)]),
    (5, "2024-06-30T23:00:00.000Z", [(17, 2), (18, 1)]),
    (6, "2024-07-04T00:00:00.000Z", [(19, 6)]),
    (7, "2024-08-08T08:08:08.000Z", [(20, 3), (21, 1), (22, 1), (23, 100)]),
    (8, "2024-09-09T00:00:00.000Z", [(24, 1)]),
    (8, "2024-10-10T00:00:00.000Z", [(2, 2), (24, 12)]),
    (9, "2024-12-31T23:59:59.999Z", [(13, 11)]),
    (9, "2025-01-01T00:00:00.000Z", [(1, 10), (10, 1)]),
    (1, "2025-02-03T00:00:00.000Z", [(8, 4), (7, 4), (3, 1)]),
]

REGIONS = ["North", "South", "East", "West", "Île-de-France"]

# What one customer spends in all, with one purchase or two: both sides of 100 and 500
BOUNDARY_SPENDING = [["100.00"], ["99.99"], ["500.00"], ["499.99"], ["60.00", "40.00"], ["250.00", "250.00"]]


def fakestore_products() -> list[Row]:
    return [
        {
            "id": number,
            "title": title,
            "price": price,
            "description": f"Sample product {number}.",
            "category": category,
            "image": f"https://shop.example.com/img/{number}.jpg",
            "rating": {"rate": rate, "count": count},
        }
        for number, (title, price, category, rate, count) in enumerate(PRODUCTS, start=1)
    ]


def fakestore_users() -> list[Row]:
    return [
        {
            "address": {
                "geolocation": {"lat": f"{number * 3.25 - 20:.4f}", "long": f"{90 - number * 12.5:.4f}"},
                "city": CITIES[number % len(CITIES)],
                "street": f"Sample Street {number}",
                "number": 100 + number,
                "zipcode": f"{10000 + number:05d}-{1000 + number}",
            },
            "id": number,
            "email": f"user{number:02d}@example.com",
            "username": f"user_{number:02d}",
            "password": f"not-a-secret-{number:02d}",
            "name": {"firstname": f"First{number:02d}", "lastname": f"O'Sample{number:02d}"},
            "phone": f"1-555-010-{number:04d}",
            "__v": 0,
        }
        for number in range(1, 13)
    ]


def fakestore_carts() -> list[Row]:
    return [
        {
            "id": number,
            "userId": user,
            "date": moment,
            "products": [{"productId": product, "quantity": quantity} for product, quantity in lines],
            "__v": 0,
        }
        for number, (user, moment, lines) in enumerate(CARTS, start=1)
    ]


def crm_products() -> list[Row]:
    categories = ["Software", "Training", "Hardware", "Support & Care", "Büro"]
    return [
        {
            "product_id": number,
            "product_name": f"{categories[number % 5]} package {number}",
            "category": categories[number % 5],
            "price": 15 if number == 1 else round(number * 17.35, 2),
        }
        for number in range(1, 26)
    ]


def crm_customers() -> list[Row]:
    names = ["Ana", "Björn", "Chloé", "D'Arcy", "Edith", "Zoë"]
    return [
        {
            "customer_id": number,
            "name": f"{names[number % 6]} Sample {number:02d}",
            "email": f"customer{number:02d}@example.com",
            "region": REGIONS[number % len(REGIONS)],
        }
        for number in range(1, 61)
    ]


def crm_purchases() -> list[Row]:
    """300 purchases: customers 1 to 6 at the segments' boundaries, 7 to 12 small sums, 55 to 60 none.

    Product 25 is never sold.
    """
    draw = random.Random(2024)
    wanted = [(buyer, amount) for buyer, sums in enumerate(BOUNDARY_SPENDING, start=1) for amount in sums]
    wanted += [(buyer, f"{draw.randint(100, 3500) / 100:.2f}") for buyer in range(7, 13) for _ in range(2)]
    while len(wanted) < 300:
        wanted.append((draw.randint(13, 54), f"{draw.randint(100, 40000) / 100:.2f}"))
    return [
        {
            "purchase_id": number,
            "customer_id": buyer,
            "amount": float(amount),
            "date": (date(2023, 1, 1) + timedelta(days=draw.randint(0, 729))).isoformat(),
            "product_id": draw.randint(1, 24),
        }
        for number, (buyer, amount) in enumerate(wanted, start=1)
    ]


def main(folder: Path = DATA_DIR) -> None:
    """Write one folder an API and one file a resource below `folder`."""
    samples = {
        "fakestore": [fakestore_products, fakestore_users, fakestore_carts],
        "crm": [crm_products, crm_customers, crm_purchases],
    }
    for api, makers in samples.items():
        (folder / api).mkdir(parents=True, exist_ok=True)
        for make in makers:
            resource = make.__name__.removeprefix(f"{api}_")
            text = json.dumps(make(), indent=1, ensure_ascii=False) + "\n"
            (folder / api / f"{resource}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
