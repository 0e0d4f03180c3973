"""Runs that failed, did not come, came too late or took too long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline_cli.document import StepResult
from pipeline_cli.ledger import RunEntry, new_run_id
from pipeline_cli.manifest.models import Monitor
from pipeline_cli.manifest.schedules import Schedule
from pipeline_cli.monitoring.findings import Finding, Health
from pipeline_cli.monitoring.runs import _cut
from pipeline_cli.monitoring.summary import describe_findings
from tests.unit.monitoring.world import DAY, HOUR, NOON, STEPS, World, found, opened

DAILY = "0 6 * * *"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path) as world:
        yield world


def test_a_pipeline_that_ran_is_well(world: World) -> None:
    world.run(HOUR)
    health = world.look()
    assert (found(health), health.status, health.last_success) == (
        [],
        "succeeded",
        NOON - timedelta(minutes=50),
    )


def test_a_pipeline_that_never_ran_is_told_as_such(world: World) -> None:
    health = world.look()
    (finding,) = health.findings
    assert (finding.check, health.status, finding.next) == ("late", "never run", "pipeline-cli run shop")
    assert finding.message == "it has never run in this environment"


def test_runs_of_other_environments_and_pipelines_do_not_count(world: World) -> None:
    world.run(HOUR, pipeline="other")
    world.environment = "prod"
    assert found(world.look()) == ["late"]
    world.run(HOUR)
    assert found(world.look()) == []
    world.environment = "dev"
    assert found(world.look()) == ["late"]


def test_a_failed_run_is_told_with_its_step_try_and_log_since_it_first_failed(world: World) -> None:
    world.run(5 * HOUR)
    world.run(3 * HOUR, failed="ingest:api")
    run_id = world.run(HOUR, failed="ingest:api", tries=3)
    run, step = world.look().findings
    assert (run.check, run.message) == ("last_run", "the last run failed at ingest:api")
    assert (run.since, run.next) == (NOON - timedelta(minutes=170), f"pipeline-cli retry {run_id}")
    assert step.message == "ingest:api failed at try 3: the API answered 500"
    assert (step.step, step.tries, step.run_id) == ("ingest:api", 3, run_id)
    assert step.next == f"pipeline-cli logs {run_id} --step ingest:api"


def test_commands_name_an_environment_that_is_not_the_default(world: World) -> None:
    world.environment = "prod"
    run_id = world.run(HOUR, failed="test:marts")
    assert [each.next for each in world.look().findings] == [
        f"pipeline-cli retry {run_id} --env prod",
        f"pipeline-cli logs {run_id} --step test:marts --env prod",
    ]


def test_a_retry_that_does_what_was_left_ends_the_failure(world: World) -> None:
    world.run(2 * HOUR, failed="transform:marts")
    world.run(HOUR, steps=STEPS[1:])
    assert found(world.look()) == []


def test_a_step_that_failed_is_told_until_it_was_done_again(world: World) -> None:
    world.run(3 * HOUR, failed="ingest:api")
    world.run(HOUR, steps=STEPS[1:])
    (finding,) = world.look().findings
    assert (finding.check, finding.step) == ("step", "ingest:api")


def test_steps_that_the_pipeline_has_no_more_are_not_told(world: World) -> None:
    world.run(3 * HOUR, failed="report:old", steps=(*STEPS, "report:old"))
    world.run(HOUR)
    assert found(world.look()) == []


def test_a_run_that_was_cut_off_is_told(world: World) -> None:
    world.run(HOUR, status="interrupted")
    (finding,) = world.look().findings
    assert finding.message == "the last run was interrupted at test:marts"


def test_a_run_that_is_under_way_is_well_and_in_time(world: World) -> None:
    world.run(4 * DAY)
    assert found(world.look()) == ["late"]
    world.run(timedelta(minutes=20), status="running")
    health = world.look()
    assert (found(health), health.status) == ([], "running")


def test_a_failure_before_a_run_that_is_under_way_is_still_told(world: World) -> None:
    world.run(HOUR, failed="ingest:api")
    world.run(timedelta(minutes=20), status="running", steps=STEPS[1:])
    assert found(world.look()) == ["last_run", "step"]


def test_without_a_schedule_every_says_when_a_run_is_missed(world: World) -> None:
    world.run(3 * DAY)
    (finding,) = world.look().findings
    assert finding.message == "the last run began 3 d ago; one is expected every 2 d"
    assert finding.since == NOON - DAY + timedelta(minutes=10)
    assert found(world.look(monitor=Monitor(every=4 * DAY))) == []


@pytest.mark.parametrize(("ago_h", "grace_h", "late"), [(7, 1, True), (5.5, 1, False), (7, 7, False)])
def test_a_slot_without_a_run_is_told_after_its_grace(
    world: World, ago_h: float, grace_h: int, late: bool
) -> None:
    world.run(timedelta(hours=ago_h))
    health = world.look(schedule=DAILY, monitor=Monitor(grace=grace_h * HOUR))
    assert found(health) == (["late"] if late else [])
    if late:
        (finding,) = health.findings
        assert finding.message.startswith("no run for the slot of 21 Nov 2026, 06:00 UTC; the last one began")
        assert finding.since == datetime(2026, 11, 21, 6, tzinfo=UTC)
    assert health.next_slot == datetime(2026, 11, 22, 6, tzinfo=UTC)


def test_slots_are_those_of_the_schedules_time_zone(world: World) -> None:
    world.run(timedelta(hours=6.5))  # 05:30 UTC: in Berlin after 6, in UTC before
    assert found(world.look(schedule=DAILY)) == ["late"]
    assert found(world.look(schedule=Schedule(cron=DAILY, timezone="Europe/Berlin"))) == []


def test_a_schedule_of_working_days_waits_over_the_weekend(world: World) -> None:
    world.run(timedelta(hours=30))
    assert found(world.look(schedule="0 6 * * 1-5")) == []
    world.now = NOON + 2 * DAY
    assert found(world.look(schedule="0 6 * * 1-5")) == ["late"]


def test_a_slot_that_succeeded_too_late_has_missed_the_service_level(world: World) -> None:
    world.run(30 * HOUR)
    world.run(6 * HOUR, 2 * HOUR)
    health = world.look(schedule=DAILY, service_level=HOUR)
    (finding,) = health.findings
    assert finding.message == (
        "the slot of 21 Nov 2026, 06:00 UTC had to succeed within 1 h, and it succeeded 2 h after it"
    )
    assert finding.since == datetime(2026, 11, 21, 7, tzinfo=UTC)
    assert found(world.look(schedule=DAILY, service_level=3 * HOUR)) == []


def test_a_slot_that_failed_has_missed_the_service_level_too(world: World) -> None:
    world.run(30 * HOUR)
    world.run(6 * HOUR, failed="ingest:api")
    assert found(world.look(schedule=DAILY, service_level=HOUR)) == ["last_run", "step", "service_level"]


def test_a_pipeline_that_is_newer_than_the_slot_has_missed_nothing(world: World) -> None:
    world.run(HOUR)
    assert found(world.look(schedule=DAILY, service_level=HOUR)) == []


def test_without_a_schedule_the_service_level_is_a_runs_length(world: World) -> None:
    world.run(3 * HOUR, timedelta(minutes=45))
    (finding,) = world.look(service_level=timedelta(minutes=30)).findings
    assert finding.message == "the last run took 45 minutes; it had to succeed within 30 minutes"
    world.run(HOUR, status="running")
    (finding,) = world.look(service_level=timedelta(minutes=30)).findings
    assert finding.message.startswith("the last run has been running for 1 h")


def test_a_run_of_over_twice_the_median_is_slow(world: World) -> None:
    world.runs(5)
    world.run(HOUR, timedelta(minutes=19))
    assert found(world.look()) == []
    run_id = world.run(timedelta(minutes=30), timedelta(minutes=21))
    (finding,) = world.look().findings
    assert finding.message == "the last run took 21 minutes; usual is 10 minutes"
    assert (finding.run_id, finding.numbers["usual_duration_s"]) == (run_id, 600)


def test_too_few_runs_say_nothing_of_what_is_usual(world: World) -> None:
    world.runs(4)
    world.run(5 * HOUR, 4 * HOUR)
    assert found(world.look()) == []
    assert found(world.look(monitor=Monitor(min_runs=4))) == ["duration"]


def test_runs_with_nothing_new_or_other_steps_or_a_failure_say_nothing_of_it(world: World) -> None:
    world.runs(5, status="unchanged", took=timedelta(seconds=5))
    world.runs(5, every=3 * HOUR, steps=STEPS[1:], took=timedelta(seconds=5))
    world.run(2 * HOUR, timedelta(minutes=90))
    assert found(world.look()) == []


def test_short_runs_are_never_slow(world: World) -> None:
    world.runs(5, took=timedelta(seconds=3))
    world.run(HOUR, timedelta(seconds=29))
    assert found(world.look()) == []
    assert found(world.look(monitor=Monitor(min_duration=timedelta(seconds=10)))) == ["duration"]


def test_a_run_under_way_is_slow_before_it_ends(world: World) -> None:
    world.runs(5)
    run_id = world.run(HOUR, status="running")
    (finding,) = world.look().findings
    assert finding.message == "the last run has been running for 1 h; usual is 10 minutes"
    assert finding.next == f"pipeline-cli logs {run_id}"


def test_a_pipeline_that_waits_for_others_of_its_run_is_not_slow(world: World) -> None:
    world.runs(5)
    began = NOON - 5 * HOUR
    selection = {"other": ["ingest:x"], "shop": list(STEPS)}
    world.ledger.start_run(RunEntry(new_run_id(began), "dev", "run", selection, began))
    health = world.look()
    assert (found(health), health.status) == ([], "running")


def test_a_pipeline_is_over_when_its_steps_are_though_its_run_goes_on(world: World) -> None:
    world.runs(5)
    began = NOON - 5 * HOUR
    entry = RunEntry(new_run_id(began), "dev", "run", {"shop": ["ingest:api"], "other": ["ingest:x"]}, began)
    world.ledger.start_run(entry)
    world.ledger.finish_step(
        entry.run_id, "shop", StepResult("ingest:api", "ingest", "succeeded", 1, began, 5.0)
    )
    health = world.look()
    assert (found(health), health.status) == ([], "succeeded")


def test_what_a_step_said_is_one_short_line_that_a_terminal_can_show() -> None:
    assert _cut("a\x1b[31mred\nmore") == "a [31mred"
    assert len(_cut("x" * 999)) == 200


def test_a_name_that_a_source_gave_does_not_move_the_cursor() -> None:
    health = Health(
        "shop", [Finding("rows", "9 rows of api.\x1b[2J\r\nall is well", "pipeline-cli runs\x1b")]
    )
    assert all(line.isprintable() for line in describe_findings([health], 80))
