"""Tables that are old, have unusual numbers of rows, or had too many records rejected."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline_cli.ledger import Ledger
from pipeline_cli.manifest.models import Limit, Monitor
from pipeline_cli.manifest.sources import RestApiSource
from tests.unit.monitoring.world import DAY, HOUR, NOON, STEPS, World, found, opened


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path) as world:
        yield world


def test_a_table_that_runs_leave_out_grows_old(world: World) -> None:
    world.run(3 * DAY)
    world.run(HOUR, steps=STEPS[1:])
    (finding,) = world.look().findings
    assert (finding.check, finding.subject) == ("freshness", "api")
    assert finding.message == "api: items last loaded 2 d 23 h ago"
    assert finding.next == "pipeline-cli run shop"


def test_freshness_has_its_own_threshold(world: World) -> None:
    world.run(5 * HOUR)
    (finding,) = world.look(monitor=Monitor(freshness=2 * HOUR)).findings
    assert finding.message == "api: items last loaded 4 h 57 min ago, and may be 2 h old"
    assert finding.since is not None
    assert timedelta() < NOON - finding.since < 3 * HOUR
    assert found(world.look(monitor=Monitor(freshness=6 * HOUR))) == []


def test_a_load_with_nothing_new_is_fresh_and_one_that_failed_is_not(world: World) -> None:
    world.run(6 * HOUR, status="unchanged", new=0)
    assert found(world.look(monitor=Monitor(freshness=7 * HOUR))) == []
    world.run(HOUR, failed="ingest:api")
    assert found(world.look(monitor=Monitor(freshness=2 * HOUR))) == ["last_run", "step", "freshness"]


def test_a_run_that_did_not_come_is_told_once_not_for_each_table(world: World) -> None:
    world.run(5 * DAY)
    assert found(world.look()) == ["late"]


def test_tables_that_the_manifest_has_no_more_do_not_grow_old(world: World) -> None:
    world.run(5 * HOUR)
    client = {"base_url": "https://api.example.com"}
    world.source = RestApiSource(type="rest_api", client=client, resources={"others": {}})  # type: ignore[arg-type]
    assert found(world.look(monitor=Monitor(freshness=HOUR))) == []


def test_a_source_that_brings_nothing_new_is_told_only_where_asked(world: World) -> None:
    world.run(4 * DAY)
    world.runs(60, every=HOUR, status="unchanged", new=0)
    assert found(world.look()) == []
    (finding,) = world.look(monitor=Monitor(new_rows=3 * DAY)).findings
    assert finding.message == "api has brought no new row for 3 d 23 h; they are expected within 3 d"
    assert found(world.look(monitor=Monitor(new_rows=5 * DAY))) == []


@pytest.mark.parametrize(
    ("rows", "told"), [(100, False), (49, True), (51, False), (199, False), (201, True), (0, True)]
)
def test_a_load_of_over_twice_or_under_half_the_usual_rows_is_told(
    world: World, rows: int, told: bool
) -> None:
    world.runs(5)
    world.run(HOUR, rows=rows)
    health = world.look()
    assert found(health) == (["rows"] if told else [])
    if told:
        assert health.findings[0].message == f"{rows} rows of api.items extracted; usual are 100"


def test_a_number_of_rows_that_came_lately_is_usual(world: World) -> None:
    world.run(7 * DAY, rows=900)
    world.runs(5, rows=100)
    world.run(HOUR, rows=500)
    assert found(world.look()) == []


def test_where_usually_nothing_comes_some_rows_are_no_news(world: World) -> None:
    world.runs(6, rows=0)
    world.run(HOUR, rows=500)
    assert found(world.look()) == []


def test_small_differences_and_full_refreshes_are_no_news(world: World) -> None:
    world.runs(5, rows=4)
    world.run(HOUR, rows=12)
    assert found(world.look()) == []
    assert found(world.look(monitor=Monitor(min_rows=5))) == ["rows"]
    world.run(timedelta(minutes=30), rows=4000, full_refresh=True)
    assert found(world.look(monitor=Monitor(min_rows=5))) == []


def test_too_few_loads_say_nothing_of_what_is_usual(world: World) -> None:
    world.runs(4)
    world.run(HOUR, rows=900)
    assert found(world.look()) == []


def test_a_model_that_lost_its_rows_is_told(world: World) -> None:
    world.runs(5, model_rows=5000)
    world.run(HOUR, model_rows=12)
    (finding,) = world.look().findings
    assert finding.message == "12 rows of gold_shop.sales in the model; usual are 5,000"


@pytest.mark.parametrize(("rejected", "told"), [(1, False), (2, True)])
def test_more_than_one_percent_rejected_is_told(world: World, rejected: int, told: bool) -> None:
    world.run(HOUR, rejected=rejected)
    health = world.look()
    assert found(health) == (["quarantine"] if told else [])
    if told:
        (finding,) = health.findings
        assert finding.message == "2 of 100 records of api.items were rejected (2%; at most 1%)"
        assert finding.next == "pipeline-cli quarantine list --source api --resource items"


def test_quarantine_has_its_own_limit_and_a_load_with_nothing_does_not_end_it(world: World) -> None:
    world.run(2 * HOUR, rejected=20)
    world.run(HOUR, rows=0, status="unchanged")
    assert found(world.look()) == ["quarantine"]
    assert found(world.look(monitor=Monitor(quarantine=Limit(share=0.2)))) == []
    assert found(world.look(monitor=Monitor(quarantine=Limit(count=19)))) == ["quarantine"]


def test_a_ledger_on_a_server_is_looked_at_in_the_same_way(postgres_url: str, tmp_path: Path) -> None:
    ledger = Ledger.open(postgres_url)
    try:
        world = World(tmp_path, ledger)
        world.runs(5, model_rows=1000)
        world.run(HOUR, 2 * HOUR, rows=900, rejected=90, model_rows=3)
        checks = found(world.look(service_level=HOUR, monitor=Monitor(new_rows=HOUR / 2)))
        assert checks == ["service_level", "duration", "rows", "rows", "quarantine"]
        world.environment = "prod"
        assert found(world.look()) == ["late"]
    finally:
        ledger.close()
