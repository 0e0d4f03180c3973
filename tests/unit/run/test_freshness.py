"""When a transform is done, and with which tables fresh."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline_cli.document import CheckResult
from pipeline_cli.errors import TransformError
from pipeline_cli.load import IngestRequest
from pipeline_cli.run import exit_code, open_ledger
from pipeline_cli.transforms.base import TransformRequest, TransformResult
from tests.unit.run.world import Loader, World, make_world, statuses

ITEMS = frozenset({("bronze_api", "items"), ("bronze_api", "items__tags")})


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A project that has been run once."""
    world = make_world(tmp_path)
    world.loader.news["api"] = 3
    world.run()
    return world


def model_of(world: World) -> Path:
    return world.project.root / "transforms" / "marts" / "model.sql"


def fail(_request: TransformRequest) -> None:
    raise TransformError("no")


def test_nothing_new_and_nothing_changed_is_unchanged_without_the_engine(world: World) -> None:
    result = world.run()
    assert set(statuses(result).values()) == {"unchanged"}
    assert (result.status, exit_code(result)) == ("unchanged", 0)
    assert (len(world.engine.built), len(world.engine.tested)) == (1, 1)


def test_unchanged_test_shows_the_checks_of_the_last_one(world: World) -> None:
    world.engine.checks = [CheckResult("freshness", "warned", "warning", 2)]
    model_of(world).write_text("SELECT 2")
    world.run()
    result = world.run()
    assert result.pipelines[0].steps[2].checks == [CheckResult("freshness", "warned", "warning", 2)]
    assert statuses(result)["test:marts"] == "unchanged"


def test_first_build_does_not_know_what_is_fresh(world: World) -> None:
    assert world.engine.built[0].fresh is None


def test_new_records_make_their_tables_fresh_with_child_tables(world: World) -> None:
    world.loader.news["api"] = 1
    world.run()
    first, second = world.engine.built
    assert second.fresh == ITEMS
    assert first.new_loads == {}
    assert {dataset: len(ids) for dataset, ids in second.new_loads.items()} == {"bronze_api": 1}


def test_changed_model_is_built_with_nothing_fresh(world: World) -> None:
    model_of(world).write_text("SELECT 2")
    world.run()
    assert world.engine.built[1].fresh == frozenset()


@pytest.mark.parametrize(
    "name", ["target/run.json", "logs/dbt.log", ".cache/x", "external_models.yaml", "a/__pycache__/m.pyc"]
)
def test_files_that_engines_write_change_nothing(world: World, name: str) -> None:
    path = model_of(world).parent / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("generated")
    assert world.run().status == "unchanged"


def test_variable_of_the_environment_that_a_model_reads_is_part_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_of(world).write_text("SELECT '{{ env_var('SHOP_REGION', 'all') }}'")
    world.run()
    assert world.run().status == "unchanged"
    monkeypatch.setitem(os.environ, "SHOP_REGION", "north")
    assert statuses(world.run())["transform:marts"] == "succeeded"


def test_failed_build_is_built_again_with_all_that_is_fresh_since_the_last_success(world: World) -> None:
    world.engine.during["transform:marts"] = fail
    world.loader.news["api"] = 1
    world.run()
    world.engine.during.clear()
    result = world.run()
    assert statuses(result)["ingest:api"] == "unchanged"
    assert statuses(result)["transform:marts"] == "succeeded"
    assert world.engine.built[-1].fresh == ITEMS


def test_full_refresh_that_failed_is_followed_by_a_build_of_everything(world: World) -> None:
    world.engine.during["transform:marts"] = fail
    world.run(full_refresh=True)
    world.engine.during.clear()
    world.run()
    assert world.engine.built[-1].fresh is None


def test_rows_that_were_taken_back_let_the_next_build_be_from_nothing(world: World) -> None:
    with open_ledger(world.project) as ledger:
        ledger.ask_rebuild(world.project.environment_name, "shop", "marts", "a rollback")
    world.engine.during["transform:marts"] = fail
    world.run()
    world.engine.during.clear()
    world.run()
    assert [request.full_refresh for request in world.engine.built] == [False, True, True]
    assert statuses(world.run())["transform:marts"] == "unchanged"


def test_load_of_a_run_that_was_killed_before_the_ledger_knew_is_transformed(world: World) -> None:
    def commit_and_die(request: IngestRequest) -> None:
        Loader.commit(request, "bronze_api", "1800000000.5")
        raise SystemExit(9)

    world.loader.during["api"] = commit_and_die
    world.run()
    world.loader.during.clear()
    result = world.run()
    assert statuses(result)["ingest:api"] == "unchanged"
    assert statuses(result)["transform:marts"] == "succeeded"
    assert world.engine.built[-1].fresh is None


def test_dropped_relation_is_built_again(world: World) -> None:
    world.query("DROP TABLE gold_shop.marts")
    result = world.run()
    assert statuses(result)["transform:marts"] == "succeeded"
    assert world.engine.built[-1].fresh is None
    assert world.query("SELECT * FROM gold_shop.marts") == [(1,)]


def test_lost_ledger_means_build_everything(world: World) -> None:
    for path in world.project.pipeline_dir.glob("runs.db*"):
        path.unlink()
    result = world.run()
    assert statuses(result)["transform:marts"] == "succeeded"
    assert world.engine.built[-1].fresh is None


def test_failed_tests_are_tested_again_though_nothing_changed(world: World) -> None:
    world.engine.checks = [CheckResult("unique", "failed", "critical", 1)]
    world.run(start="test")
    world.engine.checks = [CheckResult("unique", "passed")]
    result = world.run()
    assert statuses(result) == {
        "ingest:api": "unchanged",
        "transform:marts": "unchanged",
        "test:marts": "succeeded",
    }


def test_engine_that_rebuilt_nothing_for_a_changed_file_is_tested_again(world: World) -> None:
    world.engine.result = TransformResult("unchanged")
    model_of(world).write_text("-- only a comment\nSELECT 1")
    result = world.run()
    assert statuses(result)["transform:marts"] == "unchanged"
    assert statuses(result)["test:marts"] == "succeeded"


def test_from_test_always_tests(world: World) -> None:
    assert statuses(world.run(start="test")) == {"test:marts": "succeeded"}
    assert len(world.engine.tested) == 2
