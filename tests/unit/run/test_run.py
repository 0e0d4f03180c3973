"""A run's order, and what happens to the rest when a step fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline_cli.document import CheckResult, ModelResult
from pipeline_cli.errors import ChecksFailed, SourceError, UsageError
from pipeline_cli.manifest.models import Pipeline
from pipeline_cli.progress import Progress
from pipeline_cli.run import exit_code, open_ledger
from pipeline_cli.transforms.base import TransformResult
from tests.unit.run.world import World, make_world, statuses


def fail_with(error: BaseException):  # type: ignore[no-untyped-def]
    def act(_request: object) -> None:
        raise error

    return act


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = make_world(tmp_path)
    world.loader.news["api"] = 3
    return world


def test_first_run_does_every_step_and_tells_the_listener_in_order(world: World) -> None:
    world.loader.during["api"] = lambda request: request.progress(Progress("items", 3))
    result = world.run()
    assert statuses(result) == {
        "ingest:api": "succeeded",
        "transform:marts": "succeeded",
        "test:marts": "succeeded",
    }
    assert (result.status, exit_code(result)) == ("succeeded", 0)
    assert world.watcher.heard == [
        ("run_started", "running"),
        ("step_started", "shop", "ingest:api"),
        ("progress", "ingest:api", "items", "3"),
        ("step_finished", "shop", "ingest:api", "succeeded"),
        ("step_started", "shop", "transform:marts"),
        ("step_finished", "shop", "transform:marts", "succeeded"),
        ("step_started", "shop", "test:marts"),
        ("step_finished", "shop", "test:marts", "succeeded"),
        ("run_finished", "succeeded"),
    ]


def test_ledger_gives_the_document_of_the_run_again(world: World) -> None:
    result = world.run()
    with open_ledger(world.project) as ledger:
        assert ledger.document(result.run_id) == result.to_dict()


def test_failed_source_skips_its_pipeline_and_leaves_the_other_whole(tmp_path: Path) -> None:
    pipelines = {
        "left": Pipeline(sources=("a", "b"), transforms=("one",)),
        "right": Pipeline(sources=("c",), transforms=("two",)),
    }
    world = make_world(tmp_path, pipelines)
    world.loader.during["b"] = fail_with(SourceError("b is down"))
    world.loader.news = {"a": 1, "b": 1, "c": 1}
    result = world.run()
    assert statuses(result) == {
        "left/ingest:a": "succeeded",
        "left/ingest:b": "failed",
        "left/transform:one": "skipped",
        "left/test:one": "skipped",
        "right/ingest:c": "succeeded",
        "right/transform:two": "succeeded",
        "right/test:two": "succeeded",
    }
    assert result.pipelines[0].steps[2].notes == ["skipped: ingest:b failed"]
    assert [(pipeline.name, pipeline.status) for pipeline in result.pipelines] == [
        ("left", "failed"),
        ("right", "succeeded"),
    ]
    assert (result.status, exit_code(result)) == ("failed", 1)


def test_source_shared_by_two_pipelines_is_ingested_once(tmp_path: Path) -> None:
    shared = {name: Pipeline(sources=("a",), transforms=(name,)) for name in ("one", "two")}
    world = make_world(tmp_path, shared)
    world.loader.news["a"] = 2
    result = world.run()
    assert [request.source for request in world.loader.requests] == ["a"]
    assert set(statuses(result).values()) == {"succeeded"}
    assert world.query("SELECT count(*) FROM pipeline_runs.loads") == [(1,)]


@pytest.mark.parametrize(
    ("error", "code", "exits_with"),
    [
        (SourceError("down"), "E310", 1),
        (ChecksFailed("2 of 3 rejected"), "E400", 4),
        (ZeroDivisionError("division by zero"), "E900", 3),
        (SystemExit(7), "E900", 3),
    ],
)
def test_exit_code_says_what_kind_of_failure_it_was(
    world: World, error: BaseException, code: str, exits_with: int
) -> None:
    world.loader.during["api"] = fail_with(error)
    result = world.run()
    assert [entry.code for entry in result.errors] == [code]
    assert exit_code(result) == exits_with
    assert statuses(result)["transform:marts"] == "skipped"


def test_traceback_of_a_bug_stands_in_the_log_alone(world: World) -> None:
    world.engine.during["transform:marts"] = fail_with(ZeroDivisionError("division by zero"))
    result = world.run()
    log = (world.project.pipeline_dir / "logs" / f"{result.run_id}.log").read_text()
    assert "Traceback (most recent call last)" in log
    assert "Traceback" not in str(result.to_dict())


def test_account_that_does_not_balance_fails_the_step(world: World) -> None:
    world.loader.unaccounted = 1
    result = world.run()
    assert statuses(result)["ingest:api"] == "failed"
    assert "3 extracted, but 2 loaded + 0 quarantined + 0 deduplicated = 2" in result.errors[0].message
    assert exit_code(result) == 1


def test_critical_test_that_fails_stops_the_transforms_after_it(tmp_path: Path) -> None:
    world = make_world(tmp_path, {"shop": Pipeline(sources=("api",), transforms=("one", "two"))})
    world.loader.news["api"] = 1
    world.engine.checks = [CheckResult("unique_id", "failed", "critical", 3)]
    result = world.run()
    assert statuses(result) == {
        "ingest:api": "succeeded",
        "transform:one": "succeeded",
        "test:one": "failed",
        "transform:two": "skipped",
        "test:two": "skipped",
    }
    assert result.errors[0].message == "critical checks failed: unique_id (3 rows)"
    assert exit_code(result) == 4


def test_warnings_of_tests_do_not_fail_the_run(world: World) -> None:
    world.engine.checks = [CheckResult("freshness", "warned", "warning", 2)]
    result = world.run()
    assert (result.status, exit_code(result)) == ("succeeded", 0)
    assert result.pipelines[0].steps[2].checks[0].status == "warned"


def test_transform_that_fails_says_why_and_skips_its_tests(world: World) -> None:
    failed = ModelResult("gold_shop.marts", "failed", message="no such column")
    world.engine.result = TransformResult("failed", [failed], message="gold_shop.marts: no such column")
    result = world.run()
    assert statuses(result) == {
        "ingest:api": "succeeded",
        "transform:marts": "failed",
        "test:marts": "skipped",
    }
    assert (result.errors[0].code, exit_code(result)) == ("E330", 1)


def test_from_leaves_the_earlier_steps_out(world: World) -> None:
    world.run()
    result = world.run(start="test")
    assert statuses(result) == {"test:marts": "succeeded"}
    assert len(world.engine.tested) == 2


def test_unknown_pipeline_touches_nothing(world: World) -> None:
    with pytest.raises(UsageError) as raised:
        world.run("shp")
    assert raised.value.hint == "Did you mean shop?"
    assert not world.project.pipeline_dir.exists()


def test_full_refresh_of_a_protected_environment_needs_yes(tmp_path: Path) -> None:
    world = make_world(tmp_path, protected=True)
    with pytest.raises(UsageError, match="protected"):
        world.run(full_refresh=True)
    assert not world.project.pipeline_dir.exists()
    world.run(full_refresh=True, yes=True)
    assert world.loader.requests[0].full_refresh
    assert world.engine.built[0].full_refresh


def test_warehouse_that_cannot_be_reached_is_a_failed_run_in_the_ledger(world: World) -> None:
    path = world.project.state_dir / "warehouse.duckdb"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"this is no DuckDB file" * 1000)
    result = world.run()
    assert set(statuses(result).values()) == {"skipped"}
    assert (result.status, exit_code(result)) == ("failed", 1)
    with open_ledger(world.project) as ledger:
        assert ledger.recent()[0].status == "failed"


def test_secrets_are_masked_in_the_document_the_ledger_and_the_log(tmp_path: Path) -> None:
    world = make_world(tmp_path, secrets=frozenset({"hunter2secret"}))
    world.loader.during["api"] = fail_with(SourceError("no: hunter2secret", hint="try hunter2secret"))
    result = world.run()
    assert "hunter2secret" not in str(result.to_dict())
    assert "***" in result.errors[0].message
    for path in world.project.pipeline_dir.rglob("*"):
        assert not path.is_file() or b"hunter2secret" not in path.read_bytes(), path


class TestRetry:
    def test_does_only_what_failed_or_was_skipped(self, world: World) -> None:
        world.engine.during["transform:marts"] = fail_with(SourceError("no"))
        failed = world.run()
        world.engine.during.clear()
        result = world.run(retry_of="last")
        assert statuses(result) == {"transform:marts": "succeeded", "test:marts": "succeeded"}
        assert [step.tries for step in result.pipelines[0].steps] == [2, 1]
        assert len(world.loader.requests) == 1
        assert failed.run_id != result.run_id

    def test_of_a_run_that_was_mended_since_has_nothing_to_do(self, world: World) -> None:
        world.engine.during["transform:marts"] = fail_with(SourceError("no"))
        failed = world.run()
        world.engine.during.clear()
        world.run()
        with pytest.raises(UsageError, match="nothing left to retry"):
            world.run(retry_of=failed.run_id)

    def test_keeps_the_full_refresh_that_failed(self, world: World) -> None:
        world.loader.during["api"] = fail_with(SourceError("no"))
        world.run(full_refresh=True)
        world.loader.during.clear()
        world.run(retry_of="last")
        assert [request.full_refresh for request in world.loader.requests] == [True, True]

    def test_of_a_run_in_another_environment_is_refused(self, world: World) -> None:
        world.loader.during["api"] = fail_with(SourceError("no"))
        failed = world.run()
        manifest = world.project.manifest
        environments = {**manifest.environments, "live": manifest.environments["dev"]}
        with_live = replace(manifest, environments=environments)
        world.project = replace(world.project, manifest=with_live, environment_name="live")
        with pytest.raises(UsageError, match="'dev'") as caught:
            world.run(retry_of=failed.run_id)
        assert caught.value.hint == f"pipeline-cli retry {failed.run_id} --env dev"

    def test_without_a_failed_run_is_a_usage_error(self, world: World) -> None:
        world.run()
        with pytest.raises(UsageError, match="nothing to retry"):
            world.run(retry_of="last")
