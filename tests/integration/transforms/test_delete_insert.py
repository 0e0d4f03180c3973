"""A model that deletes and then inserts, and fails between the two: what is published is as before."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import ORDERS, Shop
from .test_dbt import FILES as DBT
from .test_sqlmesh import FILES as SQLMESH

SEEN = {
    "sqlmesh": """MODEL (name gold_shop.seen, kind INCREMENTAL_BY_TIME_RANGE (time_column seen_on), start '2026-01-01');
SELECT id AS order_id, amount, current_date AS seen_on FROM bronze_shop.orders WHERE current_date >= @start_ds
""",
    "dbt": """{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='order_id') }}
SELECT id AS order_id, amount FROM {{ source('shop', 'orders') }}
""",
}
PUBLISHED = "SELECT order_id, amount FROM gold_shop.seen ORDER BY order_id"
# It tells how many rows are left when the INSERT begins: none, if the DELETE came before.
TRIGGER = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE left_rows bigint;
BEGIN
  EXECUTE format('SELECT count(*) FROM %I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO left_rows;
  RAISE EXCEPTION 'refused with % rows left', left_rows;
END $$
"""


def find_table(shop: Shop) -> str:
    """The table that holds the model's rows; SQLMesh shows it through a view."""
    rows = shop.query(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
        " AND table_schema LIKE '%gold_shop' AND table_name LIKE '%seen%' AND table_name NOT LIKE '%dev'"
    )
    [(schema, name)] = rows
    return f'"{schema}"."{name}"'


@pytest.mark.thorough
@pytest.mark.parametrize("make_shop", ["postgres"], indirect=True)
@pytest.mark.parametrize("engine", ["sqlmesh", "dbt"])
def test_a_failure_between_delete_and_insert_changes_nothing(
    make_shop: Callable[..., Shop], engine: str
) -> None:
    shop = make_shop(engine)
    files = {**SQLMESH, "models/seen.sql": SEEN["sqlmesh"]}
    shop.write(files if engine == "sqlmesh" else {**DBT, "models/seen.sql": SEEN["dbt"]})
    assert shop.build(fresh=None).status == "succeeded"
    before = shop.query(PUBLISHED)
    assert before == [(1, 10), (2, 20), (3, 5)]
    table = find_table(shop)
    shop.execute(TRIGGER)
    shop.execute(
        f"CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse()"
    )
    shop.execute("UPDATE bronze_shop.orders SET amount = amount + 1")
    failed = shop.build(ORDERS)
    assert failed.status == "failed"
    assert failed.message is not None and "refused with 0 rows left" in failed.message, failed.message
    assert shop.query(PUBLISHED) == before
    shop.execute(f"DROP TRIGGER refuse ON {table}")
    again = shop.build(ORDERS)
    assert again.status == "succeeded", again.message
    assert shop.query(PUBLISHED) == [(1, 11), (2, 21), (3, 6)]
