"""fakestore and crm, whole, on DuckDB and Postgres, against independent figures; and what all systems share."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.project.checks import (
    assert_models_hold,
    assert_succeeded,
    in_order,
    resources_of,
    select,
    steps_of,
)
from tests.project.conftest import Shop, query_duckdb
from tests.project.csv_files import SAMPLES, read_rows
from tests.project.figures import crm, customer_360, fakestore, marketing, retail_daily
from tests.reference import RUN_DOCUMENT, SECOND_RUN_DOCUMENT, built_reference
from tests.servers.json_api import sample_rows

__all__ = ["built_reference"]


def today() -> date:
    return datetime.now(UTC).date()


def test_every_gold_model_holds_the_figures_and_a_second_run_rebuilds_nothing(shop: Shop) -> None:
    assert_succeeded(shop.run("fakestore", "crm"))
    as_of = today()

    second = assert_succeeded(shop.run("fakestore", "crm"))

    for name, step in steps_of(second).items():
        assert step["status"] == "unchanged", name
        assert [resource["loaded"] for resource in step.get("resources", [])] in ([], [0, 0, 0]), name
        assert step.get("models", []) == [], name
    assert_models_hold(shop, fakestore.gold_models(shop.fakestore.data))
    assert_models_hold(shop, crm.gold_models(shop.crm.data, as_of))
    assert_no_personal_data(shop)


def assert_no_personal_data(shop: Shop) -> None:
    text = str(shop.query("SELECT * FROM gold_fakestore.mart_sales_overview"))
    for user in shop.fakestore.data["/users"]:
        personal = [user["email"], user["phone"], user["password"], user["address"]["street"]]
        assert not [value for value in [*personal, *user["name"].values()] if value in text]


def test_third_run_shows_a_new_price_a_new_cart_a_shorter_cart_and_a_moved_user(shop: Shop) -> None:
    data = shop.fakestore.data
    assert_succeeded(shop.run("fakestore"))
    assert_succeeded(shop.run("fakestore"))
    data["/products"][0]["price"] = 59
    data["/users"][0]["address"]["city"] = "Westwick"
    del data["/carts"][-1]["products"][1]  # the last cart is within the cursor's lag
    line = {"productId": 1, "quantity": 2}
    data["/carts"].append(
        {"id": 99, "userId": 2, "date": "2025-03-01T00:00:00.000Z", "products": [line], "__v": 0}
    )

    third = assert_succeeded(shop.run("fakestore"))

    assert {name: each["loaded"] for name, each in resources_of(third, "fakestore").items()} == {
        "products": 1,
        "users": 1,
        "carts": 2,
    }
    assert_models_hold(shop, fakestore.gold_models(data))
    versions = shop.query(
        "SELECT * FROM gold_fakestore.dim_products WHERE product_id = 1 ORDER BY valid_from"
    )
    assert [version["price"] for version in versions] == [Decimal("49.95"), Decimal("59.00")]
    assert versions[0]["valid_to"] == versions[1]["valid_from"]
    assert versions[1]["valid_to"] is None
    others = shop.query("SELECT COUNT(*) AS versions FROM gold_fakestore.dim_products WHERE product_id <> 1")
    assert others == [{"versions": len(data["/products"]) - 1}]


def test_records_that_break_their_contract_stay_apart_and_the_rest_arrives(shop: Shop) -> None:
    good = sample_rows("fakestore")
    free = {**good["/products"][0], "id": 500, "price": "free"}
    nameless = {name: value for name, value in good["/products"][1].items() if name != "id"}
    shop.fakestore.data["/products"] = [*good["/products"], free, nameless]

    document = assert_succeeded(shop.run("fakestore"))

    products = resources_of(document, "fakestore")["products"]
    assert (products["extracted"], products["loaded"], products["quarantined"]) == (26, 24, 2)
    assert shop.query("SELECT COUNT(*) AS rejected FROM bronze_fakestore._quarantine") == [{"rejected": 2}]
    assert_models_hold(shop, fakestore.gold_models(good))


@pytest.mark.parametrize("shop", ["duckdb"], indirect=True)
@pytest.mark.thorough
def test_a_line_whose_product_was_rejected_stays_without_a_price(shop: Shop) -> None:
    shop.fakestore.data["/products"][0]["price"] = "free"

    assert_succeeded(shop.run("fakestore"))

    known = {**shop.fakestore.data, "/products": shop.fakestore.data["/products"][1:]}
    assert_models_hold(shop, fakestore.gold_models(known))


@pytest.mark.parametrize("shop", ["duckdb"], indirect=True)
@pytest.mark.thorough
def test_a_purchase_without_its_customer_stops_the_crm_before_gold_changes(shop: Shop) -> None:
    assert_succeeded(shop.run("crm"))
    published = shop.query("SELECT * FROM gold_crm.fact_regional_sales ORDER BY region")
    orphan = {"purchase_id": 301, "customer_id": 999, "amount": 5.0, "date": "2024-05-05", "product_id": 1}
    shop.crm.data["/purchases"].append(orphan)

    result = shop.run("crm")

    assert result.exit_code == 4, result.stdout + result.stderr
    assert result.document is not None
    (error,) = result.document["errors"]
    assert error["message"] == (
        "test relationships(customer_id) (transforms/crm/models/staging/staging.yml) "
        "found 1 row in silver_crm.stg_purchases"
    )
    assert shop.query("SELECT * FROM gold_crm.fact_regional_sales ORDER BY region") == published


@pytest.mark.parametrize("shop", ["duckdb"], indirect=True)
def test_a_crm_that_tells_another_count_than_it_lists_loads_nothing(shop: Shop) -> None:
    shop.crm.data["/purchases/count"] = {"count": 301}

    result = shop.run("crm")

    assert result.exit_code == 4, result.stdout + result.stderr
    assert "301" in result.stdout
    assert "300" in result.stdout


def test_every_gold_model_has_figures_to_compare_with(project_copy: Path) -> None:
    nothing: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    covered = {
        *fakestore.gold_models(sample_rows("fakestore")),
        *crm.gold_models(sample_rows("crm"), today()),
        *customer_360.gold_models(nothing),
        *retail_daily.gold_models(nothing),
        *marketing.gold_models(marketing.Raw([], [], [], [])),
    }
    models = project_copy.glob("transforms/*/models/gold/*.sql")

    assert {f"gold_{path.parts[-4]}.{path.stem}" for path in models} == covered


def test_the_default_environment_runs_every_system_without_a_server(built_reference: Path) -> None:
    """No source is reached, and no credential given: what `make run` shows on a fresh machine."""
    first, second = (
        json.loads((built_reference / name).read_text(encoding="utf-8"))
        for name in (RUN_DOCUMENT, SECOND_RUN_DOCUMENT)
    )
    warehouse = built_reference / ".pipeline" / "dev" / "warehouse.duckdb"
    expected = fakestore.gold_models(sample_rows("fakestore")) | crm.gold_models(sample_rows("crm"), today())
    # The reference has bad records beside the samples: they are in no figure.
    expected |= customer_360.gold_models(read_rows(SAMPLES))
    for model, rows in expected.items():
        assert in_order(query_duckdb(warehouse, select(model))) == in_order(rows), model
    status_of = {pipeline["name"]: pipeline["status"] for pipeline in first["pipelines"]}
    assert status_of == dict.fromkeys(
        ("fakestore", "crm", "customer_360", "retail_daily", "marketing"), "succeeded"
    )
    again = {pipeline["name"]: pipeline["status"] for pipeline in second["pipelines"]}
    # Generated tables begin anew with each run; nothing else has changed.
    assert again == {**dict.fromkeys(status_of, "unchanged"), "retail_daily": "succeeded"}
