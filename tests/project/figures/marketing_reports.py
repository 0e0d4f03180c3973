"""marketing: what the three reports tell, from the lines of the CRM's files and the answers of Meta and Google."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from tests.project.figures import Row, group
from tests.project.figures.marketing import Raw, campaigns, events, meta_ads, orders

Blocks = dict[str, list[Row]]


def executive_overview(raw: Raw) -> Blocks:
    """Block to its rows."""
    sold = orders(raw)
    figures = {
        "orders": len(sold),
        "revenue": revenue(sold),
        "average_order_value": revenue(sold) / len(sold),
        "repeat_purchase_rate": repeat_rate(sold),
    }
    return {
        "key_figures": [figures],
        "revenue_by_day": by(sold, "order_date", revenue=revenue),
        "by_month": [
            {"order_date": row.pop("order_month")} | row
            for row in by(sold, "order_month", revenue=revenue, orders=len)
        ],
        "revenue_by_channel": by(spoken(sold), "channel", revenue=revenue),
    }


def acquisition_and_ads(raw: Raw) -> Blocks:
    """Block to its rows."""
    ads, sold = meta_ads(raw), orders(raw)
    spend, clicks, impressions = total(ads, "spend"), total(ads, "clicks"), total(ads, "impressions")
    figures = {
        "ad_spend": spend,
        "cost_per_conversion": spend / total(ads, "conversions"),
        "impressions": impressions,
        "clicks": clicks,
        "click_through_rate": Decimal(clicks) / impressions,
        "cost_per_click": spend / clicks,
    }
    names = {row["campaign_key"]: row["campaign_name"] for row in campaigns(raw)}
    spent = {key: total(rows, "spend") for key, rows in group(ads, "campaign_key").items()}
    earned = [
        {"campaign": names[key], "revenue": revenue(rows), "spend": spent.get(key)}
        for key, rows in group(sold, "campaign_key").items()
        if names[key] != "No campaign"
    ]
    channel_of = {row["order_key"]: row["channel"] for row in spoken(sold)}
    purchases = [row for row in events(raw) if row["event_name"] == "purchase" and row["order_key"]]
    counted = group([{"channel": channel_of[row["order_key"]]} for row in purchases], "channel")
    return {
        "key_figures": [figures],
        "ctr_by_day": by(
            ads, "date", ctr=lambda rows: Decimal(total(rows, "clicks")) / total(rows, "impressions")
        ),
        "top_campaigns": sorted(earned, key=lambda row: -row["revenue"])[:10],
        "by_channel": [
            row
            | {
                "spend": spend if row["channel"] == "paid social" else None,
                "conversions": len(counted[row["channel"]]),
            }
            for row in by(spoken(sold), "channel", revenue=revenue)
        ],
    }


def customer_revenue(raw: Raw) -> Blocks:
    """Block to its rows."""
    sold = spoken(orders(raw))
    for order in sold:
        order["customer"] = "Repeat" if order["is_repeat"] else "New"
    buyers = customers(sold)
    figures = {
        "customers": buyers,
        "repeat_purchase_rate": repeat_rate(sold),
        "orders_per_customer": Decimal(len(sold)) / buyers,
        "average_order_value": revenue(sold) / len(sold),
        "revenue_per_customer": revenue(sold) / buyers,
    }
    return {
        "key_figures": [figures],
        "by_month": [
            {
                "order_date": month,
                "average_order_value": revenue(rows) / len(rows),
                "orders_per_customer": Decimal(len(rows)) / customers(rows),
            }
            for month, rows in group(sold, "order_month").items()
        ],
        "new_against_repeat": [
            {"order_date": month, "customer": customer, "revenue": revenue(rows)}
            for month, some in group(sold, "order_month").items()
            for customer, rows in group(some, "customer").items()
        ],
        "by_payment_method": by(sold, "payment_method", orders=len),
        "top_countries": by(sold, "country", revenue=revenue),
        "by_channel": by(sold, "channel", revenue=revenue),
    }


REPORTS: dict[str, Callable[[Raw], Blocks]] = {
    "executive_overview": executive_overview,
    "acquisition_and_ads": acquisition_and_ads,
    "customer_revenue": customer_revenue,
}


def by(rows: Iterable[Row], key: str, **measures: Callable[[list[Row]], Any]) -> list[Row]:
    """A row for each value of `key`, with the measures of its rows."""
    return [
        {key: value} | {name: measure(some) for name, measure in measures.items()}
        for value, some in group(rows, key).items()
    ]


def total(rows: Iterable[Row], column: str) -> Any:
    return sum(row[column] for row in rows)


def revenue(rows: Sequence[Row]) -> Decimal:
    return total(rows, "revenue")


def customers(rows: Iterable[Row]) -> int:
    return len({row["contact_key"] for row in rows})


def repeat_rate(rows: Sequence[Row]) -> Decimal:
    """Of those who bought, how many had bought before."""
    return Decimal(customers(row for row in rows if row["is_repeat"])) / customers(rows)


def spoken(rows: Iterable[Row]) -> list[Row]:
    """The rows with channels and payment methods as a page says them."""
    return [
        row | {name: row[name].replace("_", " ") for name in ("channel", "payment_method")} for row in rows
    ]
