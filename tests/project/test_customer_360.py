"""customer_360, whole, on DuckDB and Postgres: files of a folder, and of a bucket on an S3 server."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.project.checks import (
    assert_described,
    assert_models_hold,
    assert_succeeded,
    ingest_only,
    resources_of,
    steps_of,
)
from tests.project.conftest import Shop
from tests.project.csv_files import FILES, SAMPLES, CsvRow, read_rows, write_rows
from tests.project.figures import customer_360
from tests.servers.s3 import S3Server

PIPELINE = "customer_360"


def lake_of(shop: Shop) -> Path:
    return shop.root / "sources" / "customer_360"


def loads_of(document: dict[str, object]) -> dict[str, tuple[int, int, int]]:
    """Resource to (loaded, unchanged, quarantined)."""
    found = resources_of(document, PIPELINE)
    return {name: (each["loaded"], each["deduplicated"], each["quarantined"]) for name, each in found.items()}


def test_gold_follows_the_files_by_key_and_the_same_files_twice_change_nothing(shop: Shop) -> None:
    lake = lake_of(shop)
    data = read_rows(lake)
    first = assert_succeeded(shop.run(PIPELINE))
    assert loads_of(first) == {name: (len(data[name]), 0, 0) for name in FILES}
    assert_models_hold(shop, customer_360.gold_models(data))
    assert_described(shop, "silver_customer_360", "gold_customer_360")

    second = assert_succeeded(shop.run(PIPELINE))
    for name in FILES:  # sent again, as they were
        os.utime(lake / f"{name}.csv")
    third = assert_succeeded(shop.run(PIPELINE))

    assert {step["status"] for step in steps_of(second).values()} == {"unchanged"}
    for kind in ("transform", "test"):
        assert steps_of(third)[f"{kind}:{PIPELINE}"]["status"] == "unchanged"
    assert loads_of(third) == {name: (0, len(data[name]), 0) for name in FILES}

    change_some(data)
    write_rows(lake, "orders", data["orders"])
    write_rows(lake, "tickets", data["tickets"])
    write_rows(lake, "users_2", data["users"][-1:])
    fourth = assert_succeeded(shop.run(PIPELINE))

    assert loads_of(fourth) == {
        "users": (1, 0, 0),
        "orders": (1, len(data["orders"]) - 1, 0),
        "tickets": (1, len(data["tickets"]) - 1, 0),
    }
    assert_models_hold(shop, customer_360.gold_models(data))


def change_some(data: dict[str, list[CsvRow]]) -> None:
    """An order is cancelled, a ticket closed (the calendar gets a year longer), and somebody signs up."""
    order = next(row for row in data["orders"] if row["status"] == "paid")
    order |= {"status": "cancelled", "amount": "0.01"}
    ticket = next(row for row in data["tickets"] if not row["closed_at"])
    ticket["closed_at"] = "2027-02-28T23:59:59.500000Z"
    data["users"].append({**data["users"][0], "user_id": "90001", "email": "New.Comer@Example.com"})


def test_a_load_that_fails_shows_nothing_and_the_next_one_loads_it_all(shop: Shop) -> None:
    lake = lake_of(shop)
    data = read_rows(lake)
    ingest_only(shop, PIPELINE)
    assert_succeeded(shop.run(PIPELINE))
    before = {name: bronze(shop, name) for name in FILES}
    change_some(data)
    for name in ("users", "orders"):
        write_rows(lake, name, data[name])
    whole = gzip.compress((lake / "tickets.csv").read_bytes())
    (lake / "tickets_2.csv.gz").write_bytes(whole[: len(whole) // 2])

    failed = shop.run(PIPELINE)

    assert failed.exit_code == 1, failed.stdout + failed.stderr
    assert "tickets_2.csv.gz" in failed.stdout
    assert {name: bronze(shop, name) for name in FILES} == before
    (lake / "tickets_2.csv.gz").write_bytes(whole)
    again = assert_succeeded(shop.run(PIPELINE))
    assert {name: loaded for name, (loaded, _, _) in loads_of(again).items()} == {
        "users": 1,
        "orders": 1,
        "tickets": 0,
    }
    assert len(bronze(shop, "users")) == len(data["users"])


def test_rows_that_break_their_contract_stay_apart_and_the_rest_arrives(shop: Shop) -> None:
    lake = lake_of(shop)
    good = read_rows(lake)
    ingest_only(shop, PIPELINE)
    order, ticket = good["orders"][0], good["tickets"][0]
    free = {**order, "order_id": "90001", "amount": "free"}
    lost = {**order, "order_id": "90002", "status": "lost"}
    far = {**ticket, "ticket_id": "90003", "opened_at": "9999-01-01T00:00:00Z"}
    write_rows(lake, "orders", [free, *good["orders"], lost])
    write_rows(lake, "tickets", [far, *good["tickets"]])

    document = assert_succeeded(shop.run(PIPELINE))

    assert loads_of(document) == {
        "users": (len(good["users"]), 0, 0),
        "orders": (len(good["orders"]), 0, 2),
        "tickets": (len(good["tickets"]), 0, 1),
    }
    rejected = shop.query("SELECT resource, reasons FROM bronze_customer_360._quarantine")
    for resource, path in (("orders", "amount"), ("orders", "status"), ("tickets", "opened_at")):
        assert [row for row in rejected if row["resource"] == resource and path in str(row["reasons"])]
    assert {row["order_id"] for row in bronze(shop, "orders")} == {
        int(row["order_id"]) for row in good["orders"]
    }


def bronze(shop: Shop, table: str) -> list[dict[str, object]]:
    key = table.removesuffix("s") + "_id"
    return shop.query(f"SELECT * FROM bronze_customer_360.{table} ORDER BY {key}")


@pytest.mark.parametrize("shop", ["duckdb"], indirect=True)
@pytest.mark.thorough
def test_an_order_of_nobody_stops_before_gold_changes(shop: Shop) -> None:
    data = read_rows(lake_of(shop))
    assert_succeeded(shop.run(PIPELINE))
    nobodys = {**data["orders"][0], "order_id": "90001", "user_id": "90002"}
    newcomer = {**data["users"][0], "user_id": "90001", "signed_up_at": "2027-01-01T00:00:00Z"}
    write_rows(lake_of(shop), "orders_2", [nobodys])
    write_rows(lake_of(shop), "users_2", [newcomer])

    result = shop.run(PIPELINE)

    assert result.exit_code == 4, result.stdout + result.stderr
    assert result.document is not None
    (error,) = result.document["errors"]
    assert error["message"] == (
        "test relationships(user_id) (transforms/customer_360/models/staging/staging.yml) "
        "found 1 row in silver_customer_360.stg_orders"
    )
    assert_models_hold(shop, customer_360.gold_models(data))


def test_the_sample_reaches_every_branch_of_the_models() -> None:
    rows = customer_360.gold_models(read_rows(SAMPLES))["gold_customer_360.customer_360"]

    assert any(row["orders"] == 0 for row in rows)
    assert any(row["tickets"] == 0 for row in rows)
    assert any(row["orders"] == 0 and row["tickets"] == 0 for row in rows)
    assert any(row["cancelled_orders"] for row in rows)
    assert any(row["open_tickets"] and row["hours_to_resolution"] is None for row in rows)
    assert any(row["open_tickets"] and row["hours_to_resolution"] is not None for row in rows)
    for column in ("signed_up_at", "last_order_at"):
        assert any(row["last_activity_at"] == row[column] for row in rows)
    assert len({row["email"] for row in rows}) == len(rows)


@pytest.mark.parametrize("shop", ["duckdb"], indirect=True)
def test_generated_files_reach_a_bucket_and_come_from_there(shop: Shop, s3_server: S3Server) -> None:
    bucket = s3_server.create_bucket("data-lake")
    lake = {
        "DATA_LAKE_URL": f"s3://{bucket}",
        "DATA_LAKE_KEY_ID": s3_server.access_key,
        "DATA_LAKE_SECRET_KEY": s3_server.secret_key,
        "DATA_LAKE_ENDPOINT": s3_server.endpoint_url,
    }
    shop = replace(shop, more_variables=lake)

    put = shop.command("generate", "customer_360_generator", "--to", "data_lake", "--format", "csv")

    assert put.exit_code == 0, put.stdout + put.stderr
    assert s3_server.keys(bucket) == sorted(f"{name}.csv" for name in FILES)
    for name in FILES:
        stored = s3_server.client().get_object(Bucket=bucket, Key=f"{name}.csv")["Body"].read()
        assert stored == (SAMPLES / f"{name}.csv").read_bytes()
    first = assert_succeeded(shop.run(PIPELINE))
    assert all(loaded for loaded, _, _ in loads_of(first).values())
    assert_models_hold(shop, customer_360.gold_models(read_rows(SAMPLES)))
    second = assert_succeeded(shop.run(PIPELINE))
    assert {step["status"] for step in steps_of(second).values()} == {"unchanged"}
