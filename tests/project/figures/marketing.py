"""marketing: the gold models from the lines of the CRM's files and the answers of Meta and Google."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import yaml

from tests.project.figures import Row, group, money

TextRow = dict[str, str]
# US dollars for one unit, from a day on.
RATES: dict[str, list[tuple[str, str]]] = {
    "USD": [("2025-07-01", "1")],
    "EUR": [
        ("2025-07-01", "1.16"),
        ("2025-10-01", "1.17"),
        ("2026-01-01", "1.15"),
        ("2026-04-01", "1.13"),
        ("2026-07-01", "1.16"),
        ("2026-10-01", "1.18"),
    ],
    "GBP": [
        ("2025-07-01", "1.35"),
        ("2025-10-01", "1.34"),
        ("2026-01-01", "1.33"),
        ("2026-04-01", "1.31"),
        ("2026-07-01", "1.35"),
        ("2026-10-01", "1.36"),
    ],
}
# What a run or the clock decides, not the data.
AUDIT = ("_run_id", "_extracted_at", "_row_hash", "_loaded_at")


@dataclass(frozen=True, slots=True)
class Raw:
    """What the three sources give. contacts, orders: of the CSV files; insights, events: of the APIs' answers."""

    contacts: list[TextRow]
    orders: list[TextRow]
    insights: list[Row]
    events: list[TextRow]


def read_raw(sources: Path) -> Raw:
    """The files and recordings in the folder `sources`; of two lines of one key the later file's counts."""
    reports = _answers(sources / "ga4")
    return Raw(
        contacts=_read_files(sources / "marketing_crm", "contacts"),
        orders=_read_files(sources / "marketing_crm", "orders"),
        insights=[row for answer in _answers(sources / "meta_ads") for row in answer["data"]],
        events=[_named(row, report) for report in reports for row in report["rows"]],
    )


def _read_files(folder: Path, name: str) -> list[TextRow]:
    rows: dict[str, TextRow] = {}
    for file in sorted(folder.glob(f"{name}*.csv")):
        with file.open(newline="", encoding="utf-8") as lines:
            rows |= {next(iter(row.values())): row for row in csv.DictReader(lines)}
    return list(rows.values())


def _answers(folder: Path) -> list[Row]:
    recording = yaml.load((folder / "recording.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return [json.loads(each["response"]["body"]["string"]) for each in recording["interactions"]]


def _named(row: Row, report: Row) -> TextRow:
    names = [header["name"] for header in [*report["dimensionHeaders"], *report["metricHeaders"]]]
    values = [each["value"] for each in [*row["dimensionValues"], *row["metricValues"]]]
    return dict(zip(names, values, strict=True))


def key_of(*values: str | None) -> str:
    """A surrogate key: MD5 over each value behind its length, a dash for one that is missing."""
    spelt = "".join("-" if value is None else f"{len(value)}:{value}" for value in values)
    return hashlib.md5(spelt.encode()).hexdigest()


def in_dollars(amount: str, currency: str, day: date) -> Decimal:
    rate = max(each for each in RATES[currency] if each[0] <= day.isoformat())[1]
    return money(Decimal(amount) * Decimal(rate))


def divide(total: Any, number: Any, places: int) -> Decimal | None:
    """Rounded half up; None where number is 0."""
    if not number:
        return None
    return (Decimal(total) / number).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def orders(raw: Raw) -> list[Row]:
    """gold_marketing.fact_orders, without what is only for audits."""
    countries = {row["contact_id"]: row["country"] for row in raw.contacts}
    found = []
    for row in raw.orders:
        moment = _moment(row["order_ts"])
        found.append(
            {
                "order_key": key_of(row["order_id"]),
                "order_id": row["order_id"],
                "contact_key": key_of(row["contact_id"]),
                "campaign_key": key_of(row["campaign_id"] or "(none)"),
                "order_ts": moment,
                "order_date": moment.date(),
                "order_month": moment.date().replace(day=1),
                "revenue": in_dollars(row["amount"], row["currency"], moment.date()),
                "amount": money(row["amount"]),
                "currency": row["currency"],
                "items": int(row["items"]),
                "channel": row["channel"],
                "utm_source": row["utm_source"] or None,
                "utm_medium": row["utm_medium"] or None,
                "payment_method": row["payment_method"],
                "is_repeat": row["is_repeat"] == "true",
                "transaction_id": row["transaction_id"],
                "country": countries.get(row["contact_id"], "Unknown"),
            }
        )
    return found


def contacts(raw: Raw) -> list[Row]:
    """gold_marketing.dim_contacts; who has only ordered so far is an id."""
    bought = group(orders(raw), "contact_key")
    known = {row["contact_id"]: row for row in raw.contacts}
    ids = dict.fromkeys([*known, *(row["contact_id"] for row in raw.orders)])
    return [_contact(each, known.get(each), bought[key_of(each)]) for each in ids]


def _contact(contact_id: str, told: TextRow | None, bought: Sequence[Row]) -> Row:
    return {
        "contact_key": key_of(contact_id),
        "contact_id": contact_id,
        "email": told["email"].lower() if told else None,
        "created_at": _moment(told["created_at"]) if told else None,
        "country": told["country"] if told else "Unknown",
        "phone": (told["phone"] or None) if told else None,
        "email_opt_in": told["email_opt_in"] == "true" if told else None,
        "first_order_date": min((each["order_date"] for each in bought), default=None),
        "orders": len(bought),
        "revenue": sum((each["revenue"] for each in bought), Decimal("0.00")),
    }


def meta_ads(raw: Raw) -> list[Row]:
    """gold_marketing.dim_meta_ads."""
    found = []
    for row in raw.insights:
        day = date.fromisoformat(row["date_start"])
        impressions, clicks = int(row["impressions"]), int(row["clicks"])
        spend = in_dollars(row["spend"], row["account_currency"], day)
        conversions = sum(
            int(action["value"]) for action in row.get("actions", []) if action["action_type"] == "purchase"
        )
        found.append(
            {
                "meta_ads_key": key_of(row["campaign_id"], row["date_start"]),
                "campaign_key": key_of(row["campaign_id"]),
                "campaign_id": row["campaign_id"],
                "campaign_name": row["campaign_name"],
                "date": day,
                "impressions": impressions,
                "clicks": clicks,
                "spend": spend,
                "conversions": conversions,
                "ctr": divide(clicks, impressions, 6),
                "cpc": divide(spend, clicks, 4),
                "cost_per_conversion": divide(spend, conversions, 4),
            }
        )
    return found


def campaigns(raw: Raw) -> list[Row]:
    """gold_marketing.dim_campaign."""
    advertised = {row["campaign_id"]: row for row in sorted(meta_ads(raw), key=lambda row: row["date"])}
    days = defaultdict(list)
    for insight in meta_ads(raw):
        days[insight["campaign_id"]].append(insight["date"])
    names, channels = defaultdict(list), defaultdict(list)
    told = {row["transactionId"]: row["sessionCampaignName"] for row in raw.events}
    for row, order in zip(raw.orders, orders(raw), strict=True):
        if row["campaign_id"]:
            days[row["campaign_id"]].append(order["order_date"])
            channels[row["campaign_id"]].append(row["channel"])
            name = told.get(row["transaction_id"], "(not set)")
            names[row["campaign_id"]] += [name] if name[0] != "(" else []
    found = [
        {
            "campaign_key": key_of(campaign),
            "campaign_id": campaign,
            "campaign_name": advertised[campaign]["campaign_name"]
            if campaign in advertised
            else _most_frequent(names[campaign]) or campaign,
            "channel": "paid_social" if campaign in advertised else _most_frequent(channels[campaign]),
            "first_date": min(days[campaign]),
            "last_date": max(days[campaign]),
        }
        for campaign in days
    ]
    nothing = dict.fromkeys(("channel", "first_date", "last_date"))
    none = {"campaign_key": key_of("(none)"), "campaign_id": "(none)", "campaign_name": "No campaign"}
    return [*found, none | nothing]


def events(raw: Raw) -> list[Row]:
    """gold_marketing.dim_ga4_events, without the key of events that are no purchase, and what is only for audits."""
    known = {row["transaction_id"]: row["order_key"] for row in orders(raw)}
    by_name = {
        row["campaign_name"]: row["campaign_key"]
        for row in sorted(campaigns(raw), key=lambda row: row["campaign_id"], reverse=True)
    }
    seen: set[tuple[str, str]] = set()
    found = []
    for row in sorted(raw.events, key=lambda row: row["dateHourMinute"]):
        told = {name: None if value == "(not set)" else value for name, value in row.items()}
        transaction, campaign = told["transactionId"], told["sessionCampaignName"]
        if transaction is not None and (row["eventName"], transaction) in seen:
            continue
        seen.add((row["eventName"], transaction or ""))
        moment = datetime.strptime(row["dateHourMinute"], "%Y%m%d%H%M")
        found.append(
            {
                "ga4_event_key": key_of(row["eventName"], transaction, None) if transaction else None,
                "event_ts": moment,
                "event_date": moment.date(),
                "event_name": row["eventName"],
                "user_pseudo_id": told["customUser:user_pseudo_id"],
                "value_usd": money(row["purchaseRevenue"]),
                "transaction_id": transaction,
                "order_key": known.get(transaction or ""),
                "source": told["sessionSource"],
                "medium": told["sessionMedium"],
                "campaign_name": campaign,
                "campaign_key": by_name.get(campaign or "", key_of("(none)")),
            }
        )
    return found


def gold_models(raw: Raw) -> dict[str, list[Row]]:
    """Model to its rows."""
    return {
        "gold_marketing.fact_orders": orders(raw),
        "gold_marketing.dim_contacts": contacts(raw),
        "gold_marketing.dim_meta_ads": meta_ads(raw),
        "gold_marketing.dim_campaign": campaigns(raw),
        "gold_marketing.dim_ga4_events": events(raw),
    }


def _moment(text: str) -> datetime:
    """UTC, without a time zone, as the models have it."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def _most_frequent(texts: Sequence[str]) -> str | None:
    """Of equals the first by the alphabet."""
    counts = Counter(texts)
    return min(counts, key=lambda text: (-counts[text], text), default=None)
