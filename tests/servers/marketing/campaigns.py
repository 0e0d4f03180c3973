"""Campaigns and exchange rates of the sample, and what Meta Ads and GA4 tell of its orders."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Row = dict[str, Any]

FIRST_DAY, LAST_DAY = date(2025, 9, 1), date(2026, 10, 18)
CENT = Decimal("0.01")

# (valid from, US dollars for one euro, for one pound)
EXCHANGE_RATES = (
    (date(2025, 7, 1), Decimal("1.1600"), Decimal("1.3500")),
    (date(2025, 10, 1), Decimal("1.1700"), Decimal("1.3400")),
    (date(2026, 1, 1), Decimal("1.1500"), Decimal("1.3300")),
    (date(2026, 4, 1), Decimal("1.1300"), Decimal("1.3100")),
    (date(2026, 7, 1), Decimal("1.1600"), Decimal("1.3500")),
    (date(2026, 10, 1), Decimal("1.1800"), Decimal("1.3600")),
)


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign and the days it runs. daily_budget: US dollars a day, of Meta's campaigns alone."""

    campaign_id: str
    name: str
    channel: str
    first_day: date = FIRST_DAY
    last_day: date = LAST_DAY
    daily_budget: int = 0

    def runs_on(self, day: date) -> bool:
        return self.first_day <= day <= self.last_day


CAMPAIGNS = (
    Campaign("120215000000010101", "Prospecting - Broad US", "paid_social", daily_budget=9),
    Campaign("120215000000010102", "Prospecting - Lookalike EU", "paid_social", daily_budget=8),
    Campaign("120215000000010103", "Retargeting - Cart", "paid_social", daily_budget=5),
    Campaign("120215000000010104", "Retargeting - Viewed Products", "paid_social", daily_budget=4),
    Campaign(
        "120215000000010105",
        "Black Friday 2025",
        "paid_social",
        date(2025, 11, 17),
        date(2025, 12, 1),
        daily_budget=40,
    ),
    Campaign(
        "120215000000010106",
        "Spring Sale 2026",
        "paid_social",
        date(2026, 3, 15),
        date(2026, 4, 15),
        daily_budget=16,
    ),
    Campaign(
        "120215000000010107",
        "Summer Collection 2026",
        "paid_social",
        date(2026, 6, 1),
        date(2026, 7, 31),
        daily_budget=12,
    ),
    Campaign(
        "120215000000010108",
        "Back to School 2026",
        "paid_social",
        date(2026, 8, 10),
        date(2026, 9, 15),
        daily_budget=14,
    ),
    Campaign("20987650001", "Brand Search", "paid_search"),
    Campaign("20987650002", "Shopping - All Products", "paid_search"),
    Campaign("em-0001", "Newsletter", "email"),
    Campaign("af-0001", "Affiliate Partners", "affiliate"),
)
NAMES = {campaign.campaign_id: campaign.name for campaign in CAMPAIGNS}

# What GA4 calls the traffic of channels without a campaign.
_GA4_WITHOUT_CAMPAIGN = {
    "direct": ("(direct)", "(none)", "(direct)"),
    "organic": ("google", "organic", "(organic)"),
    "referral": (None, "referral", "(referral)"),
    "email": ("newsletter", "email", "(not set)"),
}


def usd_rate(currency: str, day: date) -> Decimal:
    """US dollars for one unit of a currency on a day."""
    if currency == "USD":
        return Decimal(1)
    _, euro, pound = [rates for rates in EXCHANGE_RATES if rates[0] <= day][-1]
    return euro if currency == "EUR" else pound


def insights(orders: Sequence[Row]) -> list[Row]:
    """Meta's insights by campaign and day as the Graph API gives them: numbers as strings, no day without a view."""
    draw = random.Random(5202)
    sold = Counter((order["campaign_id"], order["order_date"]) for order in orders)
    days = [FIRST_DAY + timedelta(days=offset) for offset in range((LAST_DAY - FIRST_DAY).days + 1)]
    meta = [campaign for campaign in CAMPAIGNS if campaign.daily_budget]
    rows = [
        _insight(campaign, day, sold[campaign.campaign_id, day.isoformat()], draw)
        for day in days
        for campaign in meta
        if campaign.runs_on(day)
    ]
    return [*rows, *_late_conversions(meta)]


def _insight(campaign: Campaign, day: date, sold: int, draw: random.Random) -> Row:
    spend = Decimal(campaign.daily_budget * draw.randint(75, 125)) / 100
    impressions = int(spend * 1000 / draw.randint(8, 14))
    clicks = impressions * draw.randint(60, 220) // 10_000
    if draw.random() < 0.02:  # paused after an hour: seen, hardly paid for, never clicked
        spend, impressions, clicks = Decimal("0.31"), 38, 0
    seen_only = 1 if draw.random() < 0.12 else 0
    return _as_insight(campaign, day, impressions, clicks, spend.quantize(CENT), sold + seen_only)


def _late_conversions(campaigns: Sequence[Campaign]) -> Iterator[Row]:
    """Who saw a campaign and buys when it is over: a row of conversions without impressions, clicks and spend."""
    for campaign in campaigns:
        day = campaign.last_day + timedelta(days=2)
        if day <= LAST_DAY:
            yield _as_insight(campaign, day, 0, 0, Decimal(0), 1)


def _as_insight(
    campaign: Campaign, day: date, impressions: int, clicks: int, spend: Decimal, conversions: int
) -> Row:
    actions = [("link_click", clicks * 9 // 10), ("purchase", conversions)]
    row: Row = {
        "campaign_id": campaign.campaign_id,
        "campaign_name": campaign.name,
        "account_currency": "USD",
        "impressions": str(impressions),
        "clicks": str(clicks),
        "spend": str(spend),
        "actions": [{"action_type": kind, "value": str(count)} for kind, count in actions if count],
        "date_start": day.isoformat(),
        "date_stop": day.isoformat(),
    }
    if not row["actions"]:
        del row["actions"]  # the API leaves out what there is none of
    return row


def ga4_events(orders: Sequence[Row]) -> list[Row]:
    """What GA4 counted, a row a combination of dimensions: value_usd as the metric, everything else dimensions.

    Orders of visitors without a user_pseudo_id (no consent) are not there, some carts are that were never ordered.
    """
    draw = random.Random(4)
    rows = []
    for order in orders:
        if not order["user_pseudo_id"]:
            continue
        moment = datetime.fromisoformat(order["order_ts"])
        day = date.fromisoformat(order["order_date"])
        value = (Decimal(order["amount"]) * usd_rate(order["currency"], day)).quantize(CENT, ROUND_HALF_UP)
        rows.append(_ga4_row(order, moment, "purchase", order["transaction_id"], value))
        if draw.random() < 0.25:
            before = moment - timedelta(minutes=draw.randint(3, 40))
            rows.append(_ga4_row(order, before, "add_to_cart", "(not set)", Decimal(0)))
    return sorted(rows, key=lambda row: tuple(row.values()))


def _ga4_row(order: Row, moment: datetime, event: str, transaction: str, value: Decimal) -> Row:
    if order["campaign_id"]:
        source, medium, campaign = order["utm_source"], order["utm_medium"], NAMES[order["campaign_id"]]
    else:
        known, medium, campaign = _GA4_WITHOUT_CAMPAIGN[order["channel"]]
        source = known or order["utm_source"]
    moment = (moment - (moment.utcoffset() or timedelta())).replace(tzinfo=None)
    return {
        "dateHourMinute": f"{moment:%Y%m%d%H%M}",
        "eventName": event,
        "customUser:user_pseudo_id": order["user_pseudo_id"],
        "transactionId": transaction,
        "sessionSource": source,
        "sessionMedium": medium,
        "sessionCampaignName": campaign,
        "purchaseRevenue": str(value.normalize()) if value == value.to_integral() else str(value),
    }
