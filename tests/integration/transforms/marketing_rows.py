"""Bronze rows of marketing, made by hand: a first load, and what comes late, is restated or vanishes after it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Execute = Callable[[str], object]

MODELS = Path(__file__).parents[3] / "transforms" / "marketing"
AUDIT = "_run_id TEXT, _extracted_at TIMESTAMP WITH TIME ZONE, _dlt_load_id TEXT"
BRONZE = f"""
CREATE SCHEMA bronze_marketing_crm;
CREATE SCHEMA bronze_meta_ads;
CREATE SCHEMA bronze_ga4;
CREATE TABLE bronze_marketing_crm.contacts (
    contact_id TEXT, email TEXT, created_at TIMESTAMP WITH TIME ZONE, country TEXT, phone TEXT, email_opt_in BOOLEAN,
    {AUDIT}
);
CREATE TABLE bronze_marketing_crm.orders (
    order_id TEXT, contact_id TEXT, user_pseudo_id TEXT, order_ts TIMESTAMP WITH TIME ZONE, order_date DATE,
    amount DECIMAL(18, 2), currency TEXT, items BIGINT, campaign_id TEXT, channel TEXT, utm_source TEXT,
    utm_medium TEXT, transaction_id TEXT, is_repeat BOOLEAN, payment_method TEXT, {AUDIT}
);
CREATE TABLE bronze_meta_ads.insights (
    campaign_id TEXT, campaign_name TEXT, date DATE, account_currency TEXT, impressions BIGINT, clicks BIGINT,
    spend DECIMAL(18, 2), conversions BIGINT, {AUDIT}
);
CREATE TABLE bronze_ga4.events (
    event_id TEXT, event_name TEXT, event_ts TIMESTAMP WITH TIME ZONE, user_pseudo_id TEXT, value_usd DECIMAL(18, 2),
    transaction_id TEXT, source TEXT, medium TEXT, campaign_name TEXT, {AUDIT}
);
"""
FIRST = "'run-1', '2026-10-18 08:00:00+00', '1'"
SECOND = "'run-2', '2026-10-19 08:00:00+00', '2'"
# Order to its revenue in dollars and the country of its contact.
ORDERS_FIRST = {"O-1": ("10.00", "Spain"), "O-2": ("11.50", "Unknown"), "O-3": ("2.00", "Spain")}
ORDERS_SECOND = {"O-1": ("10.00", "Spain"), "O-2": ("11.50", "Portugal"), "O-4": ("2.30", "Portugal")}


def load_first(execute: Execute) -> None:
    for statement in filter(str.strip, BRONZE.split(";")):
        execute(statement)
    add_contact(execute, "C-1", "Spain")
    add_order(execute, "'O-1', 'C-1'", "2026-01-05 12:00:00+00", "10.00, 'USD'", "'M-1', 'paid_social'")
    add_order(execute, "'O-2', 'C-2'", "2026-01-06 12:00:00+00", "10.00, 'EUR'", "NULL, 'direct'")
    add_order(execute, "'O-3', 'C-1'", "2026-02-01 12:00:00+00", "1.50, 'GBP'", "NULL, 'pigeon'")
    add_insight(execute, clicks=5, conversions=1)
    add_event(execute, "e-1", "2026-01-05 12:00:00+00", "T-1")
    add_event(execute, "e-3", "2026-02-01 12:00:00+00", "T-3")


def load_second(execute: Execute) -> None:
    add_contact(execute, "C-2", "Portugal", SECOND)
    add_order(execute, "'O-4', 'C-2'", "2025-12-31 23:30:00-01", "2.00, 'EUR'", "'E-1', 'email'", SECOND)
    add_event(execute, "e-0", "2026-01-05 11:00:00+00", "T-1", SECOND)  # the purchase was told earlier, too
    add_event(execute, "e-4", "2026-01-01 00:30:00+00", "T-4", SECOND)
    execute("DELETE FROM bronze_marketing_crm.orders WHERE order_id = 'O-3'")
    execute("DELETE FROM bronze_ga4.events WHERE event_id = 'e-3'")
    execute("DELETE FROM bronze_meta_ads.insights WHERE campaign_id = 'M-1'")
    add_insight(execute, clicks=4, conversions=2, audit=SECOND)


def add_contact(execute: Execute, contact: str, country: str, audit: str = FIRST) -> None:
    execute(
        f"INSERT INTO bronze_marketing_crm.contacts VALUES"
        f" ('{contact}', '{contact}@example.com', '2025-12-01 00:00:00+00', '{country}', NULL, TRUE, {audit})"
    )


def add_order(execute: Execute, order: str, moment: str, price: str, origin: str, audit: str = FIRST) -> None:
    """order: its id and the contact's; price: amount and currency; origin: campaign and channel; all as SQL."""
    transaction = order[: order.index(",")].replace("O-", "T-")
    execute(
        f"INSERT INTO bronze_marketing_crm.orders VALUES ({order}, NULL, '{moment}', NULL, {price}, 1,"
        f" {origin}, 'google', 'cpc', {transaction}, FALSE, 'card', {audit})"
    )


def add_insight(execute: Execute, *, clicks: int, conversions: int, audit: str = FIRST) -> None:
    execute(
        "INSERT INTO bronze_meta_ads.insights VALUES"
        f" ('M-1', 'Spring', '2026-01-05', 'USD', 100, {clicks}, 2.50, {conversions}, {audit})"
    )


def add_event(execute: Execute, event: str, moment: str, transaction: str, audit: str = FIRST) -> None:
    execute(
        f"INSERT INTO bronze_ga4.events VALUES ('{event}', 'purchase', '{moment}', 'u', 10.00, '{transaction}',"
        f" 'google', 'cpc', 'Spring', {audit})"
    )
