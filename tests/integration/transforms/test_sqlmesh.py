"""The SQLMesh engine on small projects, with real databases."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline_cli.errors import TransformError

from .conftest import BRONZE, ORDERS, USERS, Shop, by_name

CONFIG = "from pipeline_cli import sqlmesh_config\n\nconfig = sqlmesh_config(__file__)\n"
STG_ORDERS = """MODEL (name silver_shop.stg_orders, kind FULL, audits (unique_values(columns := (order_id))));
SELECT id AS order_id, user_id, amount::DECIMAL(18, 2) AS amount FROM bronze_shop.orders WHERE amount >= @smallest
"""
STG_USERS = """MODEL (name silver_shop.stg_users, kind VIEW, audits (not_null(columns := (user_id, name))));
SELECT id AS user_id, name FROM bronze_shop.users
"""
FACT_ORDERS = """MODEL (
  name gold_shop.fact_orders, kind FULL,
  audits (forall(criteria := (amount > 0)), number_of_rows(threshold := 100, blocking := false))
);
SELECT orders.order_id, users.name, orders.amount
FROM silver_shop.stg_orders AS orders LEFT JOIN silver_shop.stg_users AS users ON users.user_id = orders.user_id
"""
MART = """MODEL (name gold_shop.mart, kind FULL);
SELECT name, SUM(amount)::DECIMAL(18, 2) AS amount FROM gold_shop.fact_orders GROUP BY name
"""
UNIT_TEST = """test_mart:
  model: gold_shop.mart
  inputs:
    gold_shop.fact_orders:
      rows: [{order_id: 1, name: Ann, amount: 2.5}, {order_id: 2, name: Ann, amount: 1.5}]
  outputs:
    query: {rows: [{name: Ann, amount: 4.0}]}
"""
FILES = {
    "config.py": CONFIG,
    "models/stg_orders.sql": STG_ORDERS,
    "models/stg_users.sql": STG_USERS,
    "models/fact_orders.sql": FACT_ORDERS,
    "models/mart.sql": MART,
    "tests/test_mart.yaml": UNIT_TEST,
}
ALL = ["gold_shop.fact_orders", "gold_shop.mart", "silver_shop.stg_orders", "silver_shop.stg_users"]


@pytest.fixture
def shop(make_shop: Callable[[str], Shop]) -> Shop:
    made = make_shop("sqlmesh")
    made.write(FILES)
    return made


def test_first_build_makes_every_model_and_counts_its_rows(shop: Shop) -> None:
    built = shop.build(fresh=None)
    assert built.status == "succeeded", built.message
    assert sorted(by_name(built)) == ALL
    assert {model.name: model.rows for model in built.models}["gold_shop.mart"] == 2
    assert shop.query("SELECT name, amount FROM gold_shop.mart ORDER BY name") == [("Ann", 30), ("Bob", 5)]


def test_nothing_new_and_nothing_changed_builds_nothing(shop: Shop) -> None:
    shop.build(fresh=None)
    built = shop.build()
    assert (built.status, built.models) == ("unchanged", [])


def test_fresh_table_rebuilds_only_what_it_feeds(shop: Shop) -> None:
    shop.build(fresh=None)
    shop.execute("INSERT INTO bronze_shop.orders VALUES (4, 2, 7, '{}')")
    built = shop.build(ORDERS)
    assert built.status == "succeeded", built.message
    assert sorted(by_name(built)) == ["gold_shop.fact_orders", "gold_shop.mart", "silver_shop.stg_orders"]
    assert shop.query("SELECT amount FROM gold_shop.mart WHERE name = 'Bob'") == [(12,)]


def test_changed_model_is_built_again_with_what_follows(shop: Shop) -> None:
    shop.build(fresh=None)
    shop.write(
        {"models/fact_orders.sql": FACT_ORDERS.replace("orders.amount\n", "orders.amount * 2 AS amount\n")}
    )
    built = shop.build()
    assert sorted(by_name(built)) == ["gold_shop.fact_orders", "gold_shop.mart"]
    assert shop.query("SELECT amount FROM gold_shop.mart WHERE name = 'Bob'") == [(10,)]


def test_changed_variable_is_a_change(shop: Shop) -> None:
    shop.build(fresh=None)
    transform = shop.project.manifest.transforms["shop"]
    changed = type(transform)(transform.engine, transform.path, {"smallest": 10})
    built = shop.build(transform=changed)
    assert "silver_shop.stg_orders" in by_name(built)
    assert shop.query("SELECT count(*) FROM gold_shop.fact_orders") == [(2,)]


def test_full_refresh_builds_everything_again(shop: Shop) -> None:
    shop.build(fresh=None)
    shop.execute("DELETE FROM bronze_shop.orders WHERE id = 1")
    built = shop.build(full_refresh=True)
    assert sorted(by_name(built)) == ALL
    assert shop.query("SELECT count(*) FROM gold_shop.fact_orders") == [(2,)]


def test_failed_audit_leaves_what_is_published(shop: Shop) -> None:
    shop.build(fresh=None)
    before = shop.query("SELECT * FROM gold_shop.fact_orders ORDER BY order_id")
    shop.execute("INSERT INTO bronze_shop.orders VALUES (5, 1, 0, '{}'), (6, 1, 0, '{}')")
    built = shop.build(ORDERS)
    assert built.status == "failed"
    assert built.message == "audit forall(amount > 0) found 2 rows in gold_shop.fact_orders"
    assert built.hint is not None and "pipeline-cli run shop --from transform" in built.hint
    assert by_name(built) == {"gold_shop.fact_orders": "failed", "gold_shop.mart": "skipped"}
    assert [(check.name, check.failures) for check in built.checks] == [
        ("gold_shop.fact_orders:forall(amount > 0)", 2)
    ]
    assert shop.query("SELECT * FROM gold_shop.fact_orders ORDER BY order_id") == before
    assert shop.query("SELECT count(*) FROM silver_shop.stg_orders") == [(3,)]
    shop.execute("DELETE FROM bronze_shop.orders WHERE amount = 0")
    shop.execute("INSERT INTO bronze_shop.orders VALUES (7, 1, 1, '{}')")
    assert shop.build(ORDERS).status == "succeeded"
    assert shop.query("SELECT count(*) FROM gold_shop.fact_orders") == [(4,)]


def test_failed_audit_of_a_changed_model_leaves_what_is_published(shop: Shop) -> None:
    shop.build(fresh=None)
    shop.write(
        {"models/fact_orders.sql": FACT_ORDERS.replace("orders.amount\n", "-1 * orders.amount AS amount\n")}
    )
    built = shop.build()
    assert built.message == "audit forall(amount > 0) found 3 rows in gold_shop.fact_orders"
    assert by_name(built) == {"gold_shop.fact_orders": "failed", "gold_shop.mart": "skipped"}
    assert shop.query("SELECT min(amount) FROM gold_shop.fact_orders") == [(5,)]


def published(shop: Shop) -> dict[str, list[tuple[object, ...]]]:
    return {name: sorted(shop.query(f"SELECT * FROM {name}"), key=repr) for name in ALL}


@pytest.mark.thorough
def test_failed_audit_in_a_full_refresh_leaves_everything_as_it_was(shop: Shop) -> None:
    shop.build(fresh=None)
    before = published(shop)
    shop.execute("INSERT INTO bronze_shop.orders VALUES (5, 1, 0, '{}')")
    built = shop.build(full_refresh=True)
    assert (built.status, by_name(built)["gold_shop.fact_orders"]) == ("failed", "failed")
    assert published(shop) == before


@pytest.mark.thorough
def test_failed_audit_of_one_model_publishes_no_change_of_another(shop: Shop) -> None:
    shop.build(fresh=None)
    before = published(shop)
    shop.execute("INSERT INTO bronze_shop.orders VALUES (5, 1, 0, '{}')")
    shop.write(
        {
            "models/stg_users.sql": STG_USERS.replace(
                "id AS user_id, name", "id AS user_id, upper(name) AS name"
            )
        }
    )
    assert shop.build(ORDERS).status == "failed"
    assert published(shop) == before
    shop.execute("DELETE FROM bronze_shop.orders WHERE id = 5")
    assert shop.build(ORDERS).status == "succeeded"
    assert published(shop)["gold_shop.mart"] == [("ANN", 30), ("BOB", 5)]


def test_new_rows_reach_a_model_that_a_change_elsewhere_rebuilt_in_the_same_run(shop: Shop) -> None:
    shop.build(fresh=None)
    shop.execute("INSERT INTO bronze_shop.orders VALUES (5, 1, 4, '{}')")
    shop.write(
        {
            "models/stg_users.sql": STG_USERS.replace(
                "id AS user_id, name", "id AS user_id, upper(name) AS name"
            )
        }
    )
    assert shop.build(ORDERS).status == "succeeded"
    assert published(shop)["gold_shop.mart"] == [("ANN", 34), ("BOB", 5)]


def test_failed_audit_of_an_old_model_in_a_plan_leaves_it_as_it_was(shop: Shop) -> None:
    """A plan also fills the days that have passed since, in place, of models that have not changed."""
    shop.build(fresh=None)
    before = published(shop)
    shop.execute("INSERT INTO bronze_shop.orders VALUES (5, 1, 0, '{}')")
    shop.execute("DELETE FROM sqlmesh_shop._intervals")
    shop.write(
        {
            "models/stg_users.sql": STG_USERS.replace(
                "id AS user_id, name", "id AS user_id, upper(name) AS name"
            )
        }
    )
    assert shop.build().status == "failed"
    assert published(shop) == before


def test_sql_error_midway_skips_what_follows(shop: Shop) -> None:
    shop.write(
        {
            "models/fact_orders.sql": FACT_ORDERS.replace(
                "orders.amount\n", "(users.name)::DECIMAL(18, 2) AS amount\n"
            )
        }
    )
    built = shop.build(fresh=None)
    assert built.status == "failed"
    assert built.message is not None
    assert built.message.startswith("gold_shop.fact_orders (transforms/shop/models/fact_orders.sql): ")
    assert "Ann" in built.message
    assert by_name(built) == {"gold_shop.fact_orders": "failed", "gold_shop.mart": "skipped"}


def test_failed_unit_test_builds_nothing(shop: Shop) -> None:
    shop.write({"tests/test_mart.yaml": UNIT_TEST.replace("4.0", "5.0")})
    built = shop.build(fresh=None)
    assert built.status == "failed"
    assert built.message is not None and "unit test test_mart failed" in built.message
    assert list(shop.warehouse.relations(["gold_shop"])) == []


def test_test_has_every_audit_after_a_build_and_alone(shop: Shop) -> None:
    shop.build(fresh=None)
    expected = {
        "silver_shop.stg_orders:unique_values(order_id)": ("passed", "critical"),
        "silver_shop.stg_users:not_null(user_id, name)": ("passed", "critical"),
        "gold_shop.fact_orders:forall(amount > 0)": ("passed", "critical"),
        "gold_shop.fact_orders:number_of_rows(100)": ("warned", "warning"),
    }
    for tested in (shop.test(), shop.test()):
        assert tested.status == "succeeded", tested.message
        assert {check.name: (check.status, check.severity) for check in tested.checks} == expected


def test_audit_that_does_not_block_warns_also_when_it_passed_in_the_build(shop: Shop) -> None:
    shop.write({"models/fact_orders.sql": FACT_ORDERS.replace("threshold := 100", "threshold := 1")})
    shop.build(fresh=None)
    checks = {check.name: (check.status, check.severity) for check in shop.test().checks}
    assert checks["gold_shop.fact_orders:number_of_rows(1)"] == ("passed", "warning")


def test_test_finds_rows_that_came_another_way(shop: Shop) -> None:
    shop.build(fresh=None)
    shop.test()
    shop.execute("INSERT INTO bronze_shop.users VALUES (3, NULL, now())")
    tested = shop.test()
    assert tested.status == "failed"
    assert tested.message == "audit not_null(user_id, name) found 1 row in silver_shop.stg_users"


@pytest.mark.thorough
def test_two_transforms_in_one_warehouse_leave_each_other_alone(shop: Shop) -> None:
    model = "MODEL (name gold_other.users, kind FULL);\nSELECT id FROM bronze_shop.users\n"
    shop.write({"config.py": CONFIG, "models/users.sql": model}, transform="other")
    shop.build(fresh=None)
    assert sorted(by_name(shop.build(name="other", fresh=None))) == ["gold_other.users"]
    assert shop.build().status == "unchanged"
    assert shop.build(name="other").status == "unchanged"
    shop.write({"models/users.sql": model.replace("SELECT id", "SELECT id, name")}, transform="other")
    assert shop.build(name="other").status == "succeeded"
    assert shop.build().status == "unchanged"
    assert shop.query("SELECT count(*) FROM gold_shop.mart") == [(2,)]
    assert {name for name, _ in shop.warehouse.relations(["sqlmesh_shop", "sqlmesh_other"])} == {
        "sqlmesh_shop",
        "sqlmesh_other",
    }


def test_users_own_sqlmesh_sees_the_same_state(shop: Shop, home: Path) -> None:
    shop.build(fresh=None)
    shop.warehouse.release()
    command = [Path(sys.executable).parent / "sqlmesh", "plan", "--no-prompts", "--skip-tests"]
    done = subprocess.run(
        command,
        cwd=shop.root / "transforms/shop",
        capture_output=True,
        text=True,
        timeout=120,
        env=dict(os.environ),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No changes to plan" in done.stdout, done.stdout
    assert not (shop.root / "transforms/shop/.cache").exists()


def test_file_is_free_after_release_and_nothing_stands_in_the_project(shop: Shop) -> None:
    shop.build(fresh=None)
    shop.test()
    shop.warehouse.release()
    if shop.warehouse.type == "duckdb":
        code = "import duckdb, sys; duckdb.connect(sys.argv[1])"
        subprocess.run([sys.executable, "-c", code, shop.warehouse.location], check=True)
    left = {path.name for path in (shop.root / "transforms/shop").iterdir()}
    assert left <= {"config.py", "models", "tests", "external_models.yaml", ".keep", "__pycache__"}


def test_project_without_a_config_is_built_all_the_same(shop: Shop) -> None:
    (shop.root / "transforms/shop/config.py").unlink()
    assert shop.build(fresh=None).status == "succeeded"


def test_folder_that_is_no_project_is_told(shop: Shop) -> None:
    with pytest.raises(TransformError, match="transforms/other is not a SQLMesh project"):
        shop.build(name="other", fresh=None)


def test_model_that_cannot_be_read_is_told_with_its_file(shop: Shop) -> None:
    shop.write({"models/mart.sql": "MODEL (name gold_shop.mart);\nSELECT FROM WHERE\n"})
    with pytest.raises(TransformError) as caught:
        shop.build(fresh=None)
    (mistake,) = caught.value.mistakes
    assert (mistake.file, mistake.line) == ("transforms/shop/models/mart.sql", 2)
    assert len(mistake.message) < 80 and "\x1b" not in mistake.message


def test_a_column_that_is_not_there_is_told_with_its_model_and_file(shop: Shop) -> None:
    shop.build(fresh=None)
    shop.write({"models/fact_orders.sql": FACT_ORDERS.replace("orders.amount\n", "nope, orders.amount\n")})
    built = shop.build()
    assert (built.status, built.file) == ("failed", "transforms/shop/models/fact_orders.sql")
    assert built.message is not None
    assert built.message.startswith("gold_shop.fact_orders (transforms/shop/models/fact_orders.sql): ")


def test_incremental_models_take_rows_that_came_today(shop: Shop) -> None:
    model = """MODEL (name gold_shop.seen, kind INCREMENTAL_BY_TIME_RANGE (time_column seen_on), start '2026-01-01');
SELECT id AS user_id, seen_at::DATE AS seen_on FROM bronze_shop.users WHERE seen_at::DATE BETWEEN @start_ds AND @end_ds
"""
    shop.write({"models/seen.sql": model})
    shop.build(fresh=None)
    assert shop.query("SELECT count(*) FROM gold_shop.seen") == [(2,)]
    shop.execute("INSERT INTO bronze_shop.users VALUES (3, 'Cid', now())")
    shop.build(USERS)
    assert shop.query("SELECT count(*) FROM gold_shop.seen") == [(3,)]


@pytest.mark.parametrize("kind", ["DATE", pytest.param("TEXT", marks=pytest.mark.thorough)])
def test_rows_of_a_load_that_commits_after_their_interval_was_built_arrive(shop: Shop, kind: str) -> None:
    staged = f"SELECT id AS user_id, seen_at::DATE::{kind} AS seen_on FROM bronze_shop.users"
    seen = "SELECT user_id, seen_on FROM silver_shop.stg_seen WHERE seen_on BETWEEN @start_ds AND @end_ds"
    by_time = "INCREMENTAL_BY_TIME_RANGE (time_column seen_on), start '2026-01-01'"
    shop.write(
        {
            "models/stg_seen.sql": f"MODEL (name silver_shop.stg_seen, kind VIEW);\n{staged}\n",
            "models/seen.sql": f"MODEL (name gold_shop.seen, kind {by_time});\n{seen}\n",
            "models/count.sql": "MODEL (name gold_shop.n, kind FULL);\nSELECT count(*) AS n FROM gold_shop.seen\n",
        }
    )
    shop.execute("ALTER TABLE bronze_shop.users ADD COLUMN _dlt_load_id TEXT")
    bronze = [replace(each, columns={**each.columns, "_dlt_load_id": "text"}) for each in BRONZE]
    shop.build(fresh=None, bronze=bronze)
    assert shop.query("SELECT n FROM gold_shop.n") == [(2,)]
    shop.execute("INSERT INTO bronze_shop.users VALUES (3, 'Cid', '2026-03-01 10:00:00+00', '1750000000.1')")
    shop.execute("INSERT INTO bronze_shop.users VALUES (4, 'Dora', now(), '1750000000.1')")
    shop.build(USERS, bronze=bronze, new_loads={"bronze_shop": ["1750000000.1"]})
    assert sorted(shop.query("SELECT user_id FROM gold_shop.seen")) == [(1,), (2,), (3,), (4,)]
    assert shop.query("SELECT n FROM gold_shop.n") == [(4,)]


def test_password_stands_in_no_file(shop: Shop) -> None:
    shop.build(fresh=None)
    shop.test()
    files = [path for path in shop.root.rglob("*") if path.is_file() and path.suffix != ".duckdb"]
    assert [str(path) for path in files if b"canary" in path.read_bytes()] == []
