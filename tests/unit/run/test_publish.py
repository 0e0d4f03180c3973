"""The runs as tables of the warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline_cli.destinations.postgres import PostgresDestination
from pipeline_cli.document import CheckResult
from pipeline_cli.ledger import Ledger
from pipeline_cli.project import Project
from pipeline_cli.run import open_ledger
from pipeline_cli.running.publish import publish
from tests.unit.run.world import World, make_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = make_world(tmp_path)
    world.loader.news["api"] = 3
    return world


@pytest.fixture(params=["duckdb", "postgres"])
def project(request: pytest.FixtureRequest, world: World) -> Project:
    """A project whose ledger has one run, and an empty warehouse."""
    world.run()
    (world.project.state_dir / "warehouse.duckdb").unlink()
    if request.param == "duckdb":
        return world.project
    url = request.getfixturevalue("postgres_url")
    destination = PostgresDestination(type="postgres", credentials=url)
    return replace(
        world.project, manifest=replace(world.project.manifest, destinations={"duckdb": destination})
    )


@pytest.fixture
def ledger(project: Project) -> Iterator[Ledger]:
    with open_ledger(project) as ledger:
        yield ledger


def test_runs_steps_loads_and_checks_are_there_with_their_types(project: Project, ledger: Ledger) -> None:
    from pipeline_cli.destinations import open_warehouse

    warehouse = open_warehouse(project)
    for _ in range(2):  # twice: publishing is idempotent
        publish(ledger, warehouse, project)
        ledger.finish_run(_unpublish(ledger))
    with closing(warehouse.connect()) as connection:
        runs = connection.query(
            "SELECT status, error, ended_at >= started_at, CAST(EXTRACT(year FROM started_at) AS integer) > 2000 "
            "FROM pipeline_runs.runs"
        )
        loads = connection.query(
            "SELECT source, resource, endpoint, sum(extracted), sum(loaded), sum(quarantined), status "
            "FROM pipeline_runs.loads GROUP BY ALL"
            if warehouse.type == "duckdb"
            else "SELECT source, resource, endpoint, sum(extracted), sum(loaded), sum(quarantined), status "
            "FROM pipeline_runs.loads GROUP BY 1, 2, 3, 7"
        )
        steps = connection.query("SELECT name, tries FROM pipeline_runs.steps ORDER BY started_at")
        checks = connection.query("SELECT step, name, status FROM pipeline_runs.checks")
    warehouse.release()
    assert runs == [("succeeded", None, True, True)]
    assert loads == [("api", "items", "/items", 3, 3, 0, "succeeded")]
    assert steps == [("ingest:api", 1), ("transform:marts", 1), ("test:marts", 1)]
    assert checks == [("test:marts", "unique", "passed")]


def _unpublish(ledger: Ledger):  # type: ignore[no-untyped-def]
    from pipeline_cli.document import RunResult, utc_now

    with ledger.database.transaction() as connection:
        connection.change("UPDATE runs SET published = :published", published=False)
    return RunResult(ledger.recent()[0].run_id, "dev", "succeeded", utc_now())


def test_each_run_adds_itself(world: World) -> None:
    world.run()
    world.engine.checks = [CheckResult("unique", "failed")]
    world.run(start="test")
    rows = world.query("SELECT status, error FROM pipeline_runs.runs ORDER BY started_at")
    assert rows == [("succeeded", None), ("failed", "critical checks failed: unique (0 rows)")]


def test_new_warehouse_is_given_the_history(world: World) -> None:
    world.run()
    (world.project.state_dir / "warehouse.duckdb").unlink()
    world.run()
    assert world.query("SELECT count(*) FROM pipeline_runs.runs") == [(2,)]


def test_failure_to_publish_is_a_warning_and_made_good_by_the_next_run(world: World) -> None:
    world.loader.during["api"] = lambda request: request.warehouse.connect().execute(
        "CREATE SCHEMA pipeline_runs; CREATE VIEW pipeline_runs.runs AS SELECT 1 AS run_id"
    )
    result = world.run()
    assert result.status == "succeeded"
    assert [warning.partition(":")[0] for warning in result.warnings] == [
        "the run could not be published to the warehouse"
    ]
    with open_ledger(world.project) as ledger:
        assert ledger.document(result.run_id)["warnings"] == result.warnings
    world.loader.during.clear()
    world.query("DROP VIEW pipeline_runs.runs")
    world.run()
    assert world.query("SELECT count(*) FROM pipeline_runs.runs") == [(2,)]
