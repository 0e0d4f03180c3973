"""The reference project's models of marketing on rows made by hand: what late and vanished records do to gold."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Shop, by_name

MODELS = Path(__file__).parents[3] / "transforms" / "marketing"
GOLD = ("dim_campaign", "dim_contacts", "dim_meta_ads", "fact_orders", "dim_ga4_events")
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


def key_of(value: str) -> str:
    return hashlib.md5(f"{len(value)}:{value}".encode()).hexdigest()


@pytest.fixture
def shop(make_shop: Callable[[str], Shop]) -> Shop:
    shop = make_shop("dbt")
    folder = shop.root / "transforms" / "shop"
    left = shutil.ignore_patterns("target", "logs", "profiles.yml")
    shutil.copytree(MODELS, folder, dirs_exist_ok=True, ignore=left)
    for statement in filter(str.strip, BRONZE.split(";")):
        shop.execute(statement)
    add_contact(shop, "C-1", "Spain")
    add_order(shop, "O-1", "C-1", "2026-01-05 12:00:00+00", "10.00, 'USD'", "'M-1', 'paid_social'")
    add_order(shop, "O-2", "C-2", "2026-01-06 12:00:00+00", "10.00, 'EUR'", "NULL, 'direct'")
    add_order(shop, "O-3", "C-1", "2026-02-01 12:00:00+00", "1.50, 'GBP'", "NULL, 'pigeon'")
    shop.execute(
        f"INSERT INTO bronze_meta_ads.insights VALUES ('M-1', 'Spring', '2026-01-05', 'USD', 100, 5, 2.50, 1, {FIRST})"
    )
    add_event(shop, "e-1", "2026-01-05 12:00:00+00", "T-O-1")
    add_event(shop, "e-3", "2026-02-01 12:00:00+00", "T-O-3")
    return shop


def add_contact(shop: Shop, contact: str, country: str, audit: str = FIRST) -> None:
    shop.execute(
        f"INSERT INTO bronze_marketing_crm.contacts VALUES"
        f" ('{contact}', '{contact}@example.com', '2025-12-01 00:00:00+00', '{country}', NULL, TRUE, {audit})"
    )


def add_order(
    shop: Shop, order: str, contact: str, moment: str, price: str, origin: str, audit: str = FIRST
) -> None:
    shop.execute(
        f"INSERT INTO bronze_marketing_crm.orders VALUES ('{order}', '{contact}', NULL, '{moment}', NULL, {price}, 1,"
        f" {origin}, 'google', 'cpc', 'T-{order}', FALSE, 'card', {audit})"
    )


def add_event(shop: Shop, event: str, moment: str, transaction: str, audit: str = FIRST) -> None:
    shop.execute(
        f"INSERT INTO bronze_ga4.events VALUES ('{event}', 'purchase', '{moment}', 'u', 10.00, '{transaction}',"
        f" 'google', 'cpc', 'Spring', {audit})"
    )


def read_gold(shop: Shop) -> dict[str, list[str]]:
    """Every gold model's rows, without the time at which they were written."""
    found = {}
    for model in GOLD:
        columns = shop.query(
            "SELECT column_name FROM information_schema.columns"
            f" WHERE table_schema = 'gold_marketing' AND table_name = '{model}' ORDER BY 1"
        )
        names = ", ".join(name for (name,) in columns if name != "_loaded_at")
        found[model] = sorted(map(str, shop.query(f"SELECT {names} FROM gold_marketing.{model}")))
    return found


def orders(shop: Shop) -> dict[str, tuple[str, str]]:
    rows = shop.query("SELECT order_id, revenue, country FROM gold_marketing.fact_orders")
    return {order: (str(revenue), country) for order, revenue, country in rows}


def test_what_comes_late_or_vanishes_makes_gold_what_a_full_refresh_would(shop: Shop) -> None:
    first = shop.build()
    assert first.status == "succeeded", first.message
    assert {check.name for check in first.checks if check.status == "warned"} == {
        "silver_marketing.stg_orders:accepted_values(channel)",  # pigeon
        "silver_marketing.stg_orders:relationships(contact_id)",  # C-2, who is not known yet
    }
    assert orders(shop) == {
        "O-1": ("10.00", "Spain"),
        "O-2": ("11.50", "Unknown"),
        "O-3": ("2.00", "Spain"),
    }
    written = shop.query("SELECT _loaded_at FROM gold_marketing.fact_orders WHERE order_id = 'O-1'")

    add_contact(shop, "C-2", "Portugal", SECOND)
    add_order(shop, "O-4", "C-2", "2025-12-31 23:30:00-01", "2.00, 'EUR'", "'E-1', 'email'", SECOND)
    add_event(shop, "e-0", "2026-01-05 11:00:00+00", "T-O-1", SECOND)  # the purchase was told earlier, too
    add_event(shop, "e-4", "2026-01-01 00:30:00+00", "T-O-4", SECOND)
    shop.execute("DELETE FROM bronze_marketing_crm.orders WHERE order_id = 'O-3'")
    shop.execute("DELETE FROM bronze_ga4.events WHERE event_id = 'e-3'")
    shop.execute("DELETE FROM bronze_meta_ads.insights WHERE campaign_id = 'M-1'")
    shop.execute(
        f"INSERT INTO bronze_meta_ads.insights VALUES ('M-1', 'Spring', '2026-01-05', 'USD', 100, 4, 2.50, 2, {SECOND})"
    )
    second = shop.build()

    assert second.status == "succeeded", second.message
    assert orders(shop) == {
        "O-1": ("10.00", "Spain"),
        "O-2": ("11.50", "Portugal"),
        "O-4": ("2.30", "Portugal"),
    }
    assert shop.query(
        "SELECT order_key, order_date, order_month FROM gold_marketing.fact_orders WHERE order_id = 'O-4'"
    ) == shop.query(f"SELECT '{key_of('O-4')}', CAST('2026-01-01' AS DATE), CAST('2026-01-01' AS DATE)")
    assert shop.query(
        "SELECT transaction_id, CAST(event_ts AS TEXT) FROM gold_marketing.dim_ga4_events ORDER BY 1"
    ) == [("T-O-1", "2026-01-05 11:00:00"), ("T-O-4", "2026-01-01 00:30:00")]
    assert shop.query("SELECT clicks, conversions FROM gold_marketing.dim_meta_ads") == [(4, 2)]
    # What nothing has happened to is not written again.
    assert written == shop.query("SELECT _loaded_at FROM gold_marketing.fact_orders WHERE order_id = 'O-1'")

    incremental = read_gold(shop)
    assert shop.build(full_refresh=True).status == "succeeded"
    assert read_gold(shop) == incremental


BROKEN = {
    "orders SET currency = 'CHF'": "not_null(usd_rate)",
    "orders SET contact_id = NULL": "not_null(contact_id)",
    "contacts SET contact_id = NULL": "not_null(contact_id)",
}


def test_a_failed_critical_test_of_silver_leaves_all_of_gold_as_it_was(shop: Shop) -> None:
    assert shop.build().status == "succeeded"
    before = read_gold(shop)
    shop.execute("UPDATE bronze_meta_ads.insights SET clicks = 1")
    shop.execute("CREATE TABLE kept AS SELECT * FROM bronze_marketing_crm.orders")

    for broken, check in BROKEN.items():
        shop.execute(f"UPDATE bronze_marketing_crm.{broken}")
        failed = shop.build()

        assert failed.status == "failed"
        assert check in str(failed.message)
        gold = {status for name, status in by_name(failed).items() if name.startswith("gold_")}
        assert gold == {"skipped"}
        assert read_gold(shop) == before
        shop.execute("DELETE FROM bronze_marketing_crm.orders")
        shop.execute("INSERT INTO bronze_marketing_crm.orders SELECT * FROM kept")
