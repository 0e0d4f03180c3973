"""The reference project's models of marketing on rows made by hand: what late and vanished records do to gold."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from .conftest import Shop, by_name
from .marketing_rows import MODELS, ORDERS_FIRST, ORDERS_SECOND, load_first, load_second

GOLD = ("dim_campaign", "dim_contacts", "dim_meta_ads", "fact_orders", "dim_ga4_events")


@pytest.fixture
def shop(make_shop: Callable[[str], Shop]) -> Shop:
    shop = make_shop("dbt")
    folder = shop.root / "transforms" / "shop"
    left = shutil.ignore_patterns("target", "logs", "profiles.yml")
    shutil.copytree(MODELS, folder, dirs_exist_ok=True, ignore=left)
    load_first(shop.execute)
    return shop


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
    assert orders(shop) == ORDERS_FIRST
    written = shop.query("SELECT _loaded_at FROM gold_marketing.fact_orders WHERE order_id = 'O-1'")

    load_second(shop.execute)
    second = shop.build()

    assert second.status == "succeeded", second.message
    assert orders(shop) == ORDERS_SECOND
    assert shop.query(
        "SELECT order_date, order_month FROM gold_marketing.fact_orders WHERE order_id = 'O-4'"
    ) == shop.query("SELECT CAST('2026-01-01' AS DATE), CAST('2026-01-01' AS DATE)")
    assert shop.query(
        "SELECT transaction_id, CAST(event_ts AS TEXT) FROM gold_marketing.dim_ga4_events ORDER BY 1"
    ) == [("T-1", "2026-01-05 11:00:00"), ("T-4", "2026-01-01 00:30:00")]
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
