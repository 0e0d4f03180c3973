"""Plans in files, protected environments and restore points, with the real command on real data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.planning.conftest import DESTINATIONS, PAIRS, World

ORDERS = "SELECT order_id, amount FROM bronze_files.orders ORDER BY order_id"
VISITS = "SELECT page FROM bronze_files.visits ORDER BY page"


def protect(world: World) -> None:
    world.change("pipelines.yaml", "{destination: warehouse}", "{destination: warehouse, protected: true}")


def test_a_protected_environment_runs_data_refuses_changes_and_takes_an_applied_plan(world: World) -> None:
    world.take(PAIRS / "fields_and_keys" / "before")
    protect(world)
    assert world.run("run").exit_code == 0
    (world.root / "data" / "orders_2.csv").write_text("order_id,amount,currency\n4,12.0,EUR\n")
    assert world.run("run").exit_code == 0
    assert world.query("SELECT count(*) FROM bronze_files.orders") == [(4,)]

    world.change(
        "pipelines.yaml", "visits: {write_disposition: append}", "visits: {write_disposition: replace}"
    )
    (world.root / "data" / "visits.csv").write_text("page,at\n/c,2026-01-03T10:00:00Z\n")
    refused = world.run("run", "--json")
    assert (refused.exit_code, refused.document and refused.document["errors"][0]["code"]) == (10, "E025")
    assert "source files" in refused.stderr
    assert "pipeline-cli plan --out" in refused.stderr
    assert world.query(VISITS) == [("/a",), ("/b",)]

    planned = world.run("plan", "--out", "changes.plan")
    assert "Next: pipeline-cli apply changes.plan --allow-destructive" in planned.stdout
    assert world.run("run").exit_code == 10  # a plan that is not applied allows nothing
    careful = world.run("apply", "changes.plan")
    assert (careful.exit_code, "E024" in careful.stderr) == (2, True)
    assert world.query(VISITS) == [("/a",), ("/b",)]
    applied = world.run("apply", "changes.plan", "--allow-destructive")
    assert applied.exit_code == 0, applied.stderr
    assert world.query(VISITS) == [("/c",)]
    assert world.run("run").exit_code == 0

    listed = world.run("restore", "--json").document
    assert listed is not None
    (point,) = listed["points"]
    assert point["id"] in applied.stderr
    assert "Nothing was changed" in world.run("restore", point["id"]).stdout
    assert world.query(VISITS) == [("/c",)]
    restored = world.run("restore", point["id"], "--yes")
    assert restored.exit_code == 0, restored.stderr
    assert "Put the manifest back as it was, then: pipeline-cli plan --out back.plan" in restored.stdout
    assert world.query(VISITS) == [("/a",), ("/b",)]
    assert world.query("SELECT count(*) FROM bronze_files.orders") == [(4,)]
    assert world.query("SELECT path FROM bronze_files._files WHERE resource = 'visits'") == [("visits.csv",)]

    assert world.run("restore", point["id"], "--discard").exit_code == 0
    assert "There is no restore point." in world.run("restore").stdout
    assert world.query(
        f"SELECT count(*) FROM information_schema.schemata WHERE schema_name LIKE 'restore_{point['id']}%'"
    ) == [(0,)]


def test_a_plan_is_refused_when_it_does_not_hold_any_more(world: World) -> None:
    world.take(PAIRS / "fields_and_keys" / "before")
    assert world.run("run").exit_code == 0
    world.change(
        "pipelines.yaml",
        "people: {primary_key: person_id, ",
        "people: {max_rejected: 1, primary_key: person_id, ",
    )
    assert world.run("plan", "--out", "a.plan", "--no-probe").exit_code == 0

    world.change("pipelines.yaml", "max_rejected: 1,", "max_rejected: 2,")
    stale = world.run("apply", "a.plan")
    assert (stale.exit_code, "E023  a.plan is stale: source files is another." in stale.stderr) == (2, True)
    world.change("pipelines.yaml", "max_rejected: 2,", "max_rejected: 1,")

    # New rows are no change of what was planned, and another file of the same name is.
    (world.root / "data" / "orders_2.csv").write_text("order_id,amount,currency\n4,12.0,EUR\n")
    text = (world.root / "a.plan").read_text()
    (world.root / "b.plan").write_text(text.replace('"to_run": [', '"to_run": ["other",'))
    forged = world.run("apply", "b.plan")
    assert (forged.exit_code, "E022" in forged.stderr) == (2, True)
    assert world.run("apply", "a.plan").exit_code == 0
    assert world.query("SELECT count(*) FROM bronze_files.orders") == [(4,)]
    again = world.run("apply", "a.plan")
    assert (again.exit_code, "source files was deployed since" in again.stderr) == (2, True)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"id": 1}', json.dumps({"format": 1, "id": "x"})])
def test_a_file_that_is_no_plan_is_told_in_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "destinations").mkdir()
    (tmp_path / "destinations" / "warehouse.yaml").write_text(DESTINATIONS["duckdb"])
    world = World(tmp_path)
    world.take(PAIRS / "fields_and_keys" / "before")
    (world.root / "x.plan").write_text(content)
    result = world.run("apply", "x.plan")
    assert (result.exit_code, "x.plan is no plan that this version made" in result.stderr) == (2, True)


def test_an_environment_that_ran_before_there_was_a_record_is_compared_by_its_tables(tmp_path: Path) -> None:
    (tmp_path / "destinations").mkdir()
    (tmp_path / "destinations" / "warehouse.yaml").write_text(DESTINATIONS["duckdb"])
    world = World(tmp_path)
    world.take(PAIRS / "fields_and_keys" / "before")
    assert world.run("run").exit_code == 0
    world.query("DROP TABLE pipeline_runs.deployed")
    world.change(
        "pipelines.yaml", "people: {primary_key: person_id,", "people: {max_rejected: 1, primary_key: email,"
    )
    planned = world.run("plan", "--no-probe")
    assert planned.exit_code == 0, planned.stderr
    assert "compared with its warehouse." in planned.stdout
    assert "primary_key: person_id -> email" in planned.stdout
    assert "Note: No run has left a record" in planned.stdout
    assert "max_rejected" not in planned.stdout
