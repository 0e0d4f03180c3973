"""How many intervals of models by time range a plan says are built again, held against what is built then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline_cli.testing import make_project
from tests.integration.planning.conftest import World

pytestmark = pytest.mark.thorough

MANIFEST = """
version: 1
name: shop
default_environment: dev
environments: {dev: {destination: warehouse}}
sources:
  shop:
    type: filesystem
    bucket_url: data
    resources:
      orders: {primary_key: order_id, write_disposition: merge}
transforms:
  shop: {engine: sqlmesh, path: transforms/shop}
pipelines:
  shop: {sources: [shop], transforms: [shop]}
"""
# One row an interval that was built: SQLMesh calls the query once for each, and it writes down for which.
MODEL = """
MODEL (
  name gold_shop.{name},
  kind INCREMENTAL_BY_TIME_RANGE (time_column built_for, batch_size 1),
  {when}
);

SELECT
  CAST(@start_ts AS TIMESTAMP) AS built_for,
  COUNT(*) AS orders
FROM bronze_shop.orders
"""
BEGIN = datetime.now(UTC).date() - timedelta(days=6)
MODELS = {
    "days": "cron '@daily', start '2026-01-01', end '2026-01-10'",
    "hours": "cron '@hourly', start '2026-01-01', end '2026-01-02'",
    "months": "cron '@monthly', start '2025-11-01', end '2026-02-28'",
    "until_now": f"cron '@daily', start '{BEGIN}'",
    "untouched": "cron '@daily', start '2026-01-01', end '2026-01-10'",
}


def write_models(world: World, *names: str, counted: str = "COUNT(*)") -> None:
    for name in names:
        text = MODEL.format(name=name, when=MODELS[name]).replace("COUNT(*)", counted)
        (world.root / f"transforms/shop/models/{name}.sql").write_text(text)


def test_a_changed_model_by_time_range_is_told_with_the_intervals_that_are_built_again(world: World) -> None:
    orders = "order_id,day\n1,2026-01-01\n2,2026-01-02\n"
    make_project(world.root, MANIFEST, {"data/orders.csv": orders, "transforms/shop/models/.keep": ""})
    write_models(world, *MODELS)
    ran = world.run("run")
    assert ran.exit_code == 0, ran.stdout + ran.stderr
    changed = ("days", "hours", "months", "until_now")
    write_models(world, *changed, counted="COUNT(*) + 100")

    days_before = (datetime.now(UTC).date() - BEGIN).days
    planned = world.run("plan", "--no-probe", "--json")
    days_after = (datetime.now(UTC).date() - BEGIN).days
    assert planned.document is not None, planned.stderr
    told: dict[str, dict[str, Any]] = {
        each["item"].partition(".")[2]: each for each in planned.document["changes"]
    }
    # By the calendar: 10 days; 2 days of 24 hours; November to February; every day that is over.
    assert {name: told[name]["intervals"] for name in ("days", "hours", "months")} == {
        "days": 10,
        "hours": 48,
        "months": 4,
    }
    assert told["until_now"]["intervals"] in (days_before, days_after)
    assert told.keys() == set(changed)
    assert told["hours"]["effect"] == "rebuilt whole, 48 rows in 48 intervals"
    shown = world.run("plan", "--no-probe").stdout
    assert "rebuilt whole, 10 rows in 10 intervals" in shown

    rebuilt = world.run("run")
    assert rebuilt.exit_code == 0, rebuilt.stdout + rebuilt.stderr
    for name in changed:
        built = world.query(
            f"SELECT count(*), count(DISTINCT built_for) FROM gold_shop.{name} WHERE orders = 102"
        )
        assert built == [(told[name]["intervals"],) * 2], name
    assert world.query("SELECT count(*) FROM gold_shop.untouched WHERE orders = 2") == [(10,)]
