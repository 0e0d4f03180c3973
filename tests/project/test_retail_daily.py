"""retail_daily, whole, on DuckDB and Postgres, against the generated rows, exported as files."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.project.checks import (
    assert_described,
    assert_models_hold,
    assert_succeeded,
    in_order,
    ingest_only,
    resources_of,
)
from tests.project.conftest import Shop
from tests.project.csv_files import read_csv
from tests.project.figures import retail_daily

Tables = dict[str, list[dict[str, str]]]
TABLES = ("customers", "products", "stores", "transactions")
PIPELINE = "retail_daily"


def export_rows(shop: Shop, folder: Path) -> Tables:
    """What the generator makes, as it writes it into CSV files: every value a text."""
    lake = replace(shop, more_variables={"DATA_LAKE_URL": str(folder)})
    done = lake.command("generate", "retail", "--to", "data_lake", "--format", "csv")
    assert done.exit_code == 0, done.stdout + done.stderr
    return {table: read_csv(folder / f"{table}.csv") for table in TABLES}


def change_source(shop: Shop, old: str, new: str) -> None:
    file = shop.root / "sources" / "retail.yaml"
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def count_rows(shop: Shop) -> dict[str, int]:
    return {table: shop.query(f"SELECT COUNT(*) AS n FROM bronze_retail.{table}")[0]["n"] for table in TABLES}


def test_every_gold_model_holds_the_figures_and_each_run_begins_with_fresh_tables(
    shop: Shop, tmp_path: Path
) -> None:
    data = export_rows(shop, tmp_path / "lake")
    sizes = {table: len(rows) for table, rows in data.items()}

    first = assert_succeeded(shop.run(PIPELINE))

    assert {name: each["loaded"] for name, each in resources_of(first, "retail").items()} == sizes
    assert_models_hold(shop, retail_daily.gold_models(data))
    assert_described(shop, "silver_retail_daily", "gold_retail_daily")
    change_source(shop, "seed: 42", "seed: 43")
    assert_succeeded(shop.run_changed(PIPELINE))
    others = export_rows(shop, tmp_path / "other lake")
    assert count_rows(shop) == sizes
    assert {row["transaction_id"] for row in others["transactions"]}.isdisjoint(
        row["transaction_id"] for row in data["transactions"]
    )
    assert_models_hold(shop, retail_daily.gold_models(others))


@pytest.mark.parametrize("shop", ["duckdb"], indirect=True)
@pytest.mark.thorough
def test_the_same_seed_makes_the_same_rows_again_and_none_twice(shop: Shop) -> None:
    ingest_only(shop, PIPELINE)
    rows = "SELECT * EXCLUDE (_run_id, _extracted_at, _dlt_load_id) FROM bronze_retail.transactions"
    assert_succeeded(shop.run(PIPELINE))
    once = shop.query(rows)

    assert_succeeded(shop.run(PIPELINE))

    assert in_order(shop.query(rows)) == in_order(once)


@pytest.mark.parametrize("shop", ["duckdb"], indirect=True)
def test_generated_rows_are_as_the_system_says(shop: Shop, tmp_path: Path) -> None:
    data = export_rows(shop, tmp_path / "lake")
    transactions = data["transactions"]

    for parent, key in (("customers", "customer_id"), ("products", "product_id"), ("stores", "store_id")):
        keys = [row[key] for row in data[parent]]
        assert len(set(keys)) == len(keys)
        assert {row[key] for row in transactions} <= set(keys)
    assert len({row["transaction_id"] for row in transactions}) == len(transactions)
    assert all(Decimal(20) <= Decimal(row["transaction_amount"]) <= 1000 for row in transactions)
    assert {int(row["quantity"]) for row in transactions} == set(range(1, 51))
    assert {row["payment_method"] for row in transactions} == {"Cash", "Credit Card", "PayPal"}
    days = {date.fromisoformat(row["transaction_date"]) for row in transactions}
    assert days == {
        date.fromordinal(number) for number in range(min(days).toordinal(), max(days).toordinal() + 1)
    }
    assert {row["category"] for row in data["products"]} == {"Electronics", "Clothing", "Food", "Books"}
    assert all(Decimal(10) <= Decimal(row["price"]) <= 1000 for row in data["products"])
    assert all(1 <= int(row["quantity"]) <= 200 for row in data["products"])
    assert {row["store_type"] for row in data["stores"]} == {"Retail", "Online"}
    buyers = {sale["customer_id"] for sale in transactions}
    assert any(row["customer_id"] not in buyers for row in data["customers"])


@pytest.mark.parametrize("shop", ["duckdb"], indirect=True)
@pytest.mark.thorough
def test_amounts_out_of_range_stop_before_gold_changes(shop: Shop) -> None:
    assert_succeeded(shop.run(PIPELINE))
    published = shop.query("SELECT * FROM gold_retail_daily.daily_kpis ORDER BY transaction_date")
    change_source(shop, "{decimal: [20, 1000], places: 2}", "{decimal: [20, 2000], places: 2}")

    result = shop.run(PIPELINE)

    assert result.exit_code == 4, result.stdout + result.stderr
    assert "silver_retail_daily.stg_transactions" in result.stdout
    assert shop.query("SELECT * FROM gold_retail_daily.daily_kpis ORDER BY transaction_date") == published
