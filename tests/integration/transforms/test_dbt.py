"""The dbt engine on small projects, with real databases."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline_cli.errors import TransformError

from .conftest import ORDERS, Shop, by_name

PROJECT = """\
name: {name}
version: "1.0"
profile: {name}
models:
  +materialized: table
  {name}:
    +schema: gold_{name}
"""
SCHEMA_NAME = """{% macro generate_schema_name(custom_schema_name, node) -%}
{{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
"""
SOURCES = """version: 2
sources:
  - name: shop
    schema: bronze_shop
    tables: [{name: orders}, {name: users}]
"""
STG_ORDERS = """SELECT id AS order_id, user_id, CAST(amount AS DECIMAL(18, 2)) AS amount
FROM {{ source('shop', 'orders') }} WHERE amount >= {{ var('smallest', 0) }}
"""
STG_USERS = "SELECT id AS user_id, name FROM {{ source('shop', 'users') }}\n"
FACT_ORDERS = """SELECT o.order_id, u.name, o.amount
FROM {{ ref('stg_orders') }} AS o LEFT JOIN {{ ref('stg_users') }} AS u ON u.user_id = o.user_id
"""
MART = (
    "SELECT name, CAST(SUM(amount) AS DECIMAL(18, 2)) AS amount FROM {{ ref('fact_orders') }} GROUP BY name\n"
)
SCHEMA = """version: 2
models:
  - name: stg_orders
    columns: [{name: order_id, data_tests: [unique]}]
  - name: stg_users
    config: {materialized: view}
  - name: fact_orders
    columns: [{name: name, data_tests: [{not_null: {config: {severity: warn}}}]}]
unit_tests:
  - name: sums
    model: mart
    given:
      - {input: ref('fact_orders'), rows: [{name: Ann, amount: 2.5}, {name: Ann, amount: 1.5}]}
    expect: {rows: [{name: Ann, amount: 4.0}]}
"""
POSITIVE = "{{ config(tags=['critical']) }}\nSELECT * FROM {{ ref('fact_orders') }} WHERE amount <= 0\n"
FILES = {
    "dbt_project.yml": PROJECT.format(name="shop"),
    "macros/generate_schema_name.sql": SCHEMA_NAME,
    "models/sources.yml": SOURCES,
    "models/stg_orders.sql": STG_ORDERS,
    "models/stg_users.sql": STG_USERS,
    "models/fact_orders.sql": FACT_ORDERS,
    "models/mart.sql": MART,
    "models/schema.yml": SCHEMA,
    "tests/positive_amounts.sql": POSITIVE,
}
ALL = ["gold_shop.fact_orders", "gold_shop.mart", "gold_shop.stg_orders", "gold_shop.stg_users"]
CHECKS = {
    "gold_shop.stg_orders:unique(order_id)": ("passed", "critical"),
    "gold_shop.fact_orders:not_null(name)": ("passed", "warning"),
    "gold_shop.mart:sums": ("passed", "critical"),
    "positive_amounts": ("passed", "critical"),
}


@pytest.fixture
def shop(make_shop: Callable[[str], Shop]) -> Shop:
    made = make_shop("dbt")
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
    assert (built.status, built.models, built.checks) == ("unchanged", [], [])


def test_fresh_table_rebuilds_only_what_it_feeds(shop: Shop) -> None:
    shop.build(fresh=None)
    shop.execute("INSERT INTO bronze_shop.orders VALUES (4, 2, 7, '{}')")
    built = shop.build(ORDERS)
    assert sorted(by_name(built)) == ["gold_shop.fact_orders", "gold_shop.mart", "gold_shop.stg_orders"]
    assert shop.query("SELECT amount FROM gold_shop.mart WHERE name = 'Bob'") == [(12,)]


def test_changed_model_is_built_again_with_what_follows(shop: Shop) -> None:
    shop.build(fresh=None)
    shop.write({"models/fact_orders.sql": FACT_ORDERS.replace("o.amount\n", "o.amount * 2 AS amount\n")})
    assert sorted(by_name(shop.build())) == ["gold_shop.fact_orders", "gold_shop.mart"]
    assert shop.query("SELECT amount FROM gold_shop.mart WHERE name = 'Bob'") == [(10,)]


def test_changed_variable_is_a_change(shop: Shop) -> None:
    shop.build(fresh=None)
    transform = shop.project.manifest.transforms["shop"]
    built = shop.build(transform=type(transform)(transform.engine, transform.path, {"smallest": 10}))
    assert sorted(by_name(built)) == ALL
    assert shop.query("SELECT count(*) FROM gold_shop.fact_orders") == [(2,)]


@pytest.mark.thorough
def test_changed_environment_variable_is_a_change(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write({"models/mart.sql": "SELECT '{{ env_var('SHOP_NAME', 'none') }}' AS name, 4.0 AS amount\n"})
    shop.write({"models/schema.yml": SCHEMA.partition("unit_tests:")[0]})
    shop.build(fresh=None)
    assert shop.build().status == "unchanged"
    monkeypatch.setenv("SHOP_NAME", "corner")
    shop.build()
    assert shop.query("SELECT name FROM gold_shop.mart") == [("corner",)]


def test_full_refresh_builds_everything_again(shop: Shop) -> None:
    shop.build(fresh=None)
    shop.execute("DELETE FROM bronze_shop.orders WHERE id = 1")
    assert sorted(by_name(shop.build(full_refresh=True))) == ALL
    assert shop.query("SELECT count(*) FROM gold_shop.fact_orders") == [(2,)]


def test_failed_critical_test_stops_what_follows(shop: Shop) -> None:
    shop.build(fresh=None)
    shop.execute("INSERT INTO bronze_shop.orders VALUES (3, 1, 1, '{}')")
    built = shop.build(ORDERS)
    assert built.status == "failed"
    found = "test unique(order_id) (transforms/shop/models/schema.yml) found 1 row in gold_shop.stg_orders"
    assert (built.message, built.file) == (found, "transforms/shop/models/schema.yml")
    assert built.hint is not None and "pipeline-cli run shop --from transform" in built.hint
    assert "Either the data or the model is wrong" in built.hint
    rows = re.search(r"The rows are in (\S+)\.", built.hint)
    assert rows is not None
    assert [json.loads(line) for line in (shop.root / rows[1]).read_text().splitlines()] == [
        {"unique_field": 3, "n_records": 2}
    ]
    assert by_name(built) == {
        "gold_shop.stg_orders": "failed",
        "gold_shop.fact_orders": "skipped",
        "gold_shop.mart": "skipped",
    }
    assert shop.query("SELECT count(*) FROM gold_shop.fact_orders") == [(3,)]
    assert shop.query("SELECT count(*) FROM gold_shop.stg_orders") == [(3,)]
    shop.execute("DELETE FROM bronze_shop.orders WHERE id = 3 AND amount = 1")
    assert shop.build(ORDERS).status == "succeeded"


EVERY_TABLE = ("stg_orders", "stg_users", "fact_orders", "mart")


def published(shop: Shop) -> dict[str, list[tuple[object, ...]]]:
    return {name: sorted(shop.query(f"SELECT * FROM gold_shop.{name}"), key=repr) for name in EVERY_TABLE}


def test_failed_critical_test_of_the_last_table_leaves_everything_as_it_was(shop: Shop) -> None:
    shop.build(fresh=None)
    before = published(shop)
    shop.execute("INSERT INTO bronze_shop.orders VALUES (4, 2, 0, '{}')")
    built = shop.build(ORDERS)
    assert (built.status, built.message) == (
        "failed",
        "test positive_amounts (transforms/shop/tests/positive_amounts.sql) found 1 row",
    )
    assert by_name(built)["gold_shop.stg_orders"] == "unchanged"
    assert published(shop) == before
    shop.execute("UPDATE bronze_shop.orders SET amount = 1 WHERE id = 4")
    assert shop.build(ORDERS).status == "succeeded"
    assert published(shop)["mart"] == [("Ann", 30), ("Bob", 6)]


@pytest.mark.thorough
def test_an_sql_error_or_a_failed_test_in_a_full_refresh_leaves_everything_as_it_was(shop: Shop) -> None:
    shop.build(fresh=None)
    before = published(shop)
    shop.execute("INSERT INTO bronze_shop.orders VALUES (4, 2, 0, '{}')")
    assert shop.build(full_refresh=True).status == "failed"
    assert published(shop) == before
    shop.write(
        {"models/fact_orders.sql": FACT_ORDERS.replace("o.amount\n", "CAST(u.name AS DECIMAL) AS amount\n")}
    )
    shop.execute("DELETE FROM bronze_shop.orders WHERE id = 1")
    failed = shop.build(ORDERS)
    assert (failed.status, by_name(failed)["gold_shop.stg_orders"]) == ("failed", "unchanged")
    assert published(shop) == before


def test_failed_warning_stops_nothing(shop: Shop) -> None:
    shop.execute("INSERT INTO bronze_shop.orders VALUES (4, 99, 1, '{}')")
    built = shop.build(fresh=None)
    assert built.status == "succeeded", built.message
    warned = [check for check in built.checks if check.status == "warned"]
    assert [(check.name, check.severity, check.failures) for check in warned] == [
        ("gold_shop.fact_orders:not_null(name)", "warning", 1)
    ]


def test_sql_error_midway_skips_what_follows(shop: Shop) -> None:
    shop.write(
        {"models/fact_orders.sql": FACT_ORDERS.replace("o.amount\n", "CAST(u.name AS DECIMAL) AS amount\n")}
    )
    built = shop.build(fresh=None)
    assert built.status == "failed"
    assert built.message is not None and built.file == "transforms/shop/models/fact_orders.sql"
    assert built.message.startswith(f"gold_shop.fact_orders ({built.file}): ")
    assert "compiled code" not in built.message and "Error in model" not in built.message
    statuses = by_name(built)
    assert (statuses["gold_shop.fact_orders"], statuses["gold_shop.mart"]) == ("failed", "skipped")
    assert shop.build(fresh=frozenset()).status == "failed"


def test_failed_unit_test_keeps_its_model_from_being_built(shop: Shop) -> None:
    shop.write({"models/schema.yml": SCHEMA.replace("amount: 4.0", "amount: 5.0")})
    built = shop.build(fresh=None)
    assert built.message is not None and built.message.startswith("unit test gold_shop.mart:sums (")
    assert by_name(built)["gold_shop.mart"] == "skipped"


def test_each_test_runs_once_in_a_build_and_its_test(shop: Shop) -> None:
    built = shop.build(fresh=None)
    names = {check.name: (check.status, check.severity) for check in built.checks}
    assert names == CHECKS
    tested = shop.test()
    assert {check.name: (check.status, check.severity) for check in tested.checks} == CHECKS
    assert tested.status == "succeeded", tested.message


def test_test_alone_runs_every_test(shop: Shop) -> None:
    shop.build(fresh=None)
    shop.test()
    shop.execute("INSERT INTO gold_shop.stg_orders VALUES (1, 1, 10)")
    tested = shop.test()
    assert len(tested.checks) == len(CHECKS)
    assert tested.status == "failed"
    assert tested.message is not None and tested.message.endswith("found 1 row in gold_shop.stg_orders")


def test_documentation_is_one_page_that_a_note_names(shop: Shop) -> None:
    shop.build(fresh=None)
    assert shop.test().notes == ["documentation: .pipeline/dev/dbt/shop/docs.html"]
    page = (shop.root / ".pipeline/dev/dbt/shop/docs.html").read_text()
    assert "fact_orders" in page
    shop.build()
    assert shop.test().notes == []


@pytest.mark.thorough
def test_two_transforms_in_one_warehouse_leave_each_other_alone(shop: Shop) -> None:
    shop.write(
        {
            "dbt_project.yml": PROJECT.format(name="other"),
            "macros/generate_schema_name.sql": SCHEMA_NAME,
            "models/sources.yml": SOURCES,
            "models/people.sql": STG_USERS,
        },
        transform="other",
    )
    shop.build(fresh=None)
    assert sorted(by_name(shop.build(name="other", fresh=None))) == ["gold_other.people"]
    assert shop.build().status == "unchanged"
    assert shop.build(name="other").status == "unchanged"


def test_users_own_dbt_uses_the_same_database(shop: Shop) -> None:
    shop.build(fresh=None)
    shop.execute("DROP TABLE gold_shop.mart")
    shop.warehouse.release()
    folder = shop.root / "transforms/shop"
    environ = dict(os.environ)
    if shop.warehouse.type == "postgres":
        environ |= shop.warehouse.dbt_environment()
    command = [Path(sys.executable).parent / "dbt", "--no-send-anonymous-usage-stats", "build"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert shop.query("SELECT count(*) FROM gold_shop.mart") == [(2,)]


def test_profile_holds_neither_secret_nor_path_of_this_machine(shop: Shop) -> None:
    shop.build(fresh=None)
    text = (shop.root / "transforms/shop/profiles.yml").read_text()
    assert "canary" not in text
    assert str(shop.root) not in text


def test_profile_of_the_users_own_is_not_overwritten(shop: Shop) -> None:
    shop.write({"profiles.yml": "shop: {}\n"})
    with pytest.raises(TransformError, match=r"profiles\.yml was not written by pipeline-cli"):
        shop.build(fresh=None)
    assert (shop.root / "transforms/shop/profiles.yml").read_text() == "shop: {}\n"


def test_file_is_free_after_release_and_nothing_stands_in_the_project(
    shop: Shop, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = Path.cwd()
    shop.build(fresh=None)
    shop.test()
    shop.warehouse.release()
    if shop.warehouse.type == "duckdb":
        code = "import duckdb, sys; duckdb.connect(sys.argv[1])"
        subprocess.run([sys.executable, "-c", code, shop.warehouse.location], check=True)
    left = {path.name for path in (shop.root / "transforms/shop").iterdir()}
    assert left <= {"dbt_project.yml", "models", "macros", "tests", "profiles.yml", ".keep"}
    assert Path.cwd() == folder
    assert capfd.readouterr().out == ""


def test_folder_that_is_no_project_is_told(shop: Shop) -> None:
    with pytest.raises(TransformError, match="transforms/other is not a dbt project"):
        shop.build(name="other", fresh=None)


def test_missing_packages_are_told(shop: Shop) -> None:
    shop.write({"packages.yml": "packages: [{package: dbt-labs/dbt_utils, version: 1.1.1}]\n"})
    with pytest.raises(TransformError, match="packages that are not installed") as caught:
        shop.build(fresh=None)
    assert caught.value.hint == "Run `dbt deps` in transforms/shop."


def test_model_that_cannot_be_parsed_is_told_with_its_file(shop: Shop) -> None:
    shop.write({"models/mart.sql": "SELECT * FROM {{ ref('nothing') }}\n"})
    with pytest.raises(TransformError, match=r"models/mart\.sql") as caught:
        shop.build(fresh=None)
    assert str(shop.root) not in caught.value.message


def test_a_mistake_in_a_template_is_told_with_its_line(shop: Shop) -> None:
    shop.write({"models/mart.sql": "SELECT 1 AS x,\n  {{ oops( }}\n"})
    with pytest.raises(TransformError) as caught:
        shop.build(fresh=None)
    (mistake,) = caught.value.mistakes
    assert (mistake.file, mistake.line) == ("transforms/shop/models/mart.sql", 2)


def test_password_stands_in_no_file(shop: Shop) -> None:
    shop.build(fresh=None)
    shop.test()
    files = [path for path in shop.root.rglob("*") if path.is_file() and path.suffix != ".duckdb"]
    assert [str(path) for path in files if b"canary" in path.read_bytes()] == []
