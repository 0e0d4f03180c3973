"""A report with filters and every kind of chart, over rows that plain Python can add up as well."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline_cli.testing import make_project
from tests.integration.reports.conftest import DUCKDB, MANIFEST, Shelf

Row = Mapping[str, Any]
EVIL = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\" onmouseover='alert(1)' &amp; {{ 7*7 }}",
)
AS_OF = date(2026, 10, 18)
MADE_AT = datetime(2026, 10, 19, 6, tzinfo=UTC)
REPORT = """
title: "Shop </script><img src=x onerror=alert(2)>"
as_of: SELECT MAX(ordered_on) FROM gold.orders
currency: "$"
queries:
  orders: SELECT *, CASE WHEN is_repeat THEN 1 ELSE 0 END AS repeated FROM gold.orders
filters:
  date: {type: period, column: ordered_on}
  channel: {type: choice, column: channel, label: "Channel <b>"}
  country: {type: choice, column: country}
blocks:
  totals:
    type: figures
    query: orders
    figures:
      orders: {aggregate: count}
      revenue: {aggregate: sum, format: money, change: month}
      customers: {aggregate: count_distinct, column: contact}
      average: {aggregate: {average: revenue}, format: money}
      repeat_rate: {aggregate: {ratio: {of: repeated, to: {count: order_id}}}, format: percent}
      largest: {aggregate: {max: revenue}, format: money}
      last_order: {aggregate: {max: ordered_on}}
      all_orders: {sql: SELECT COUNT(*) AS all_orders FROM gold.orders}
  by_day: {type: line, query: orders, x: ordered_on, y: revenue, aggregate: sum, period: day, format: money}
  by_month:
    type: stacked_bar
    query: orders
    x: ordered_on
    y: revenue
    color: channel
    aggregate: sum
    period: month
  customers:
    type: bar
    query: orders
    x: ordered_on
    y: customers
    aggregates: {customers: {count_distinct: contact}}
    period: month
  area: {type: area, query: orders, x: ordered_on, y: revenue, color: country, aggregate: sum, period: month}
  combined:
    type: combined
    query: orders
    x: ordered_on
    y: revenue
    line: orders
    aggregates: {revenue: sum, orders: count}
    period: quarter
  by_channel:
    type: bar
    query: orders
    x: channel
    y: [revenue, largest]
    aggregates: {revenue: sum, largest: {max: revenue}}
    limit: 3
  shares: {type: donut, query: orders, x: channel, y: revenue, aggregate: sum, limit: 2}
  places:
    type: scatter
    query: orders
    x: orders
    y: revenue
    name: contact
    aggregates: {revenue: sum, orders: count}
  contacts:
    type: table
    query: orders
    limit: 3
    columns: {contact: {}, orders: {aggregate: count}, revenue: {aggregate: sum, format: money, bar: true}}
  unfollowed: {type: figures, sql: SELECT channel FROM gold.orders, figures: {rows: {aggregate: count}}}
"""


def make_rows(seed: int = 7, count: int = 260) -> list[Row]:
    """Orders of four months until AS_OF; some without a channel, a country, a revenue or a date."""
    luck = random.Random(seed)

    def often(value: Any) -> Any:
        return value if luck.random() < 0.93 else None

    rows = [
        {
            "order_id": n,
            "ordered_on": often(AS_OF - timedelta(days=int(luck.random() ** 2 * 140))),
            "channel": often(luck.choice((*EVIL, "email"))),
            "country": often(luck.choice(("DE", "US"))),
            "contact": f"c{luck.randint(1, 40)}",
            "revenue": often(Decimal(luck.randint(-2000, 99999)) / 100),
            "is_repeat": luck.random() < 0.4,
        }
        for n in range(count)
    ]
    rows[0] |= {"ordered_on": AS_OF, "channel": "email", "country": "DE", "revenue": Decimal("0.10")}
    return rows


def write_shop(folder: Path, rows: Sequence[Row], report: str = REPORT) -> Path:
    """The report's page."""
    make_project(folder, MANIFEST % DUCKDB)
    shelf = Shelf(folder, DUCKDB)
    shelf.fill("gold", "orders", rows)
    shelf.add("shop", report)
    edition = shelf.write("shop", made_at=MADE_AT)
    return edition.home / edition.id / "shop.html"


def chosen(rows: Sequence[Row], keep: Callable[[Row], bool]) -> dict[str, Any]:
    """The figures of the rows that are kept, in plain Python."""
    kept = [row for row in rows if keep(row)]
    revenue = [row["revenue"] for row in kept if row["revenue"] is not None]
    days = [row["ordered_on"] for row in kept if row["ordered_on"] is not None]
    return {
        "Orders": len(kept),
        "Revenue": sum(revenue) if revenue else None,
        "Customers": len({row["contact"] for row in kept}),
        "Average": sum(revenue) / len(revenue) if revenue else None,
        "Repeat rate": Decimal(sum(row["is_repeat"] for row in kept)) / len(kept) if kept else None,
        "Largest": max(revenue, default=None),
        "Last order": max(days, default=None),
    }
