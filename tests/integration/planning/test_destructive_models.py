"""A model that keeps its rows loses a column: SQLMesh refuses that, and a plan says what would be lost."""

from __future__ import annotations

import pytest

from tests.integration.planning.conftest import PAIRS, World

HISTORY = "transforms/shop/models/history.sql"
WITH_DAY = "note::TEXT AS note,\n  day"


def columns(world: World) -> set[str]:
    rows = world.query(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'gold_shop' AND table_name = 'history'"
    )
    return {name for (name,) in rows}


@pytest.mark.thorough
def test_a_dimension_with_versions_loses_a_column_where_a_plan_was_applied(world: World) -> None:
    world.take(PAIRS / "models_in_sqlmesh" / "before")
    world.change(HISTORY, "note::TEXT AS note", WITH_DAY)
    assert world.run("run").exit_code == 0
    versions = "SELECT order_id, note, valid_from FROM gold_shop.history ORDER BY order_id"
    before = world.query(versions)
    assert len(before) == 3 and "day" in columns(world)

    world.change(HISTORY, WITH_DAY, "note::TEXT AS note")
    world.change("transforms/shop/models/days.sql", "SUM(amount) AS revenue", "SUM(amount) * 2 AS revenue")
    planned = world.run("plan", "--no-probe", "--out", "a.plan")
    assert planned.exit_code == 0, planned.stderr
    told = " ".join(planned.stdout.replace("│", " ").split())
    assert "gold_shop.history" in told and "day is dropped" in told and "gold_shop.days" in told
    assert "apply a.plan --allow-destructive" in told

    refused = world.run("run")
    assert (refused.exit_code, "Traceback" in refused.stdout + refused.stderr) == (1, False)
    assert "day" in columns(world)
    assert world.run("apply", "a.plan").exit_code == 2
    assert "day" in columns(world)

    applied = world.run("apply", "a.plan", "--allow-destructive")
    assert applied.exit_code == 0, applied.stdout + applied.stderr
    assert "day" not in columns(world)
    assert world.query(versions) == before
    assert world.query("SELECT sum(revenue) FROM gold_shop.days") == [(77,)]
