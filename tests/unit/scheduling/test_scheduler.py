"""The scheduler: which slots it runs when, whatever happens to it, to its clock and to its manifest."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline_cli.errors import Mistake
from pipeline_cli.manifest.schedules import Schedule
from tests.unit.scheduling.world import World

HOURLY = Schedule(cron="0 * * * *")
ALL = Schedule(cron="0 * * * *", catch_up="all", catch_up_limit=3)
NONE = Schedule(cron="0 * * * *", catch_up="none")


@pytest.fixture
def world(tmp_path: Path) -> Callable[..., World]:
    def make(**schedules: Schedule) -> World:
        made = World(tmp_path, **schedules)
        made.scheduler.step()
        return made

    return make


def test_a_slot_is_run_when_it_is_due_once(world: Callable[..., World]) -> None:
    shop = world(shop=HOURLY)
    assert shop.started == []
    shop.run_through(["06:00:00", "06:00:01", "06:30", "06:59:59", "07:00", "07:01"])
    assert shop.started == [("shop", "06:00"), ("shop", "07:00")]
    assert shop.slot("shop").outcome == "succeeded"
    assert shop.scheduler.counts == {"succeeded": 2}


def test_what_passed_before_a_schedule_was_first_seen_is_not_due(world: Callable[..., World]) -> None:
    shop = world(shop=ALL)
    shop.at("05:59:50")
    assert shop.started == []


def test_a_restart_neither_misses_nor_doubles_a_slot(world: Callable[..., World]) -> None:
    shop = world(shop=ALL)
    shop.run_through(["06:00"])
    shop.clock.time += timedelta(hours=2, minutes=5)
    shop.restart()
    shop.run_through(["08:05:01", "08:05:02", "08:05:03"])
    assert shop.started == [("shop", "06:00"), ("shop", "07:00"), ("shop", "08:00")]


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        (NONE, []),
        (HOURLY, ["10:00"]),
        (ALL, ["08:00", "09:00", "10:00"]),
    ],
)
def test_missed_slots_are_made_up_for_as_catch_up_says(
    world: Callable[..., World], schedule: Schedule, wanted: list[str]
) -> None:
    shop = world(shop=schedule)
    shop.clock.time += timedelta(hours=4, minutes=30)
    shop.restart()
    shop.run_through(["10:30", "10:31", "10:32", "10:33", "10:34"])
    assert [slot for _, slot in shop.started] == wanted
    left_out = 5 - len(wanted)
    assert any(f"shop: {left_out} missed slots are left out" in line for line in shop.told)


def test_without_catch_up_a_slot_may_still_be_a_minute_late(world: Callable[..., World]) -> None:
    shop = world(shop=NONE)
    shop.run_through(["06:00:59", "07:01:01"])
    assert shop.started == [("shop", "06:00")]


@pytest.mark.parametrize(
    ("schedule", "after"),
    [(NONE, []), (HOURLY, ["08:00"]), (ALL, ["07:00", "08:00"])],
)
def test_two_runs_of_a_pipeline_never_overlap(
    world: Callable[..., World], schedule: Schedule, after: list[str]
) -> None:
    shop = world(shop=schedule)
    for clock in ("06:00", "07:00", "08:00", "08:10"):
        shop.at(clock)
    assert shop.started == [("shop", "06:00")]
    shop.end_all()
    shop.run_through(["08:10:01", "08:10:02", "08:10:03"])
    assert [slot for _, slot in shop.started[1:]] == after


def test_pipelines_run_side_by_side_where_the_destination_takes_it(tmp_path: Path) -> None:
    shop = World(tmp_path, at_once=2, a=HOURLY, b=HOURLY, c=HOURLY)
    for clock in ("05:59", "06:00"):
        shop.at(clock)
    assert [name for name, _ in shop.started] == ["a", "b"]
    shop.children[0].end()
    shop.at("06:05")
    assert shop.started[2:] == [("c", "06:00")]


def test_a_pipeline_that_fails_does_not_stop_the_others(world: Callable[..., World]) -> None:
    shop = world(bad=HOURLY, good=HOURLY)
    shop.at("06:00")
    shop.children[0].end("failed")
    shop.children[1].end()
    shop.run_through(["06:01", "07:00"])
    assert [name for name, _ in shop.started] == ["bad", "good", "bad", "good"]
    assert shop.scheduler.counts == {"failed": 1, "succeeded": 1}
    assert any("bad: failed" in line and "it failed" in line for line in shop.told)


def test_a_pipeline_that_another_process_holds_waits(world: Callable[..., World]) -> None:
    shop = world(shop=HOURLY)
    shop.busy.add("shop")
    for clock in ("06:00", "06:00:01", "06:00:10"):
        shop.at(clock)
    assert len(shop.children) == 1
    shop.busy.clear()
    shop.run_through(["06:00:20", "06:00:40"])
    assert shop.started == [("shop", "06:00")] * 2
    slot = shop.slot("shop")
    assert (slot.outcome, slot.times_taken) == ("succeeded", 2)


def test_a_held_pipeline_leaves_the_slot_out_without_catch_up(world: Callable[..., World]) -> None:
    shop = world(shop=NONE)
    shop.busy.add("shop")
    for clock in ("06:00", "06:00:20", "06:00:40", "06:01:10", "06:01:30"):
        shop.at(clock)
    assert shop.slot("shop").status == "dropped"
    assert shop.slot("shop").note == "catch_up: none"


def test_a_slot_that_was_taken_but_never_run_is_taken_again(world: Callable[..., World]) -> None:
    shop = world(shop=HOURLY)
    seen = shop.book.decided_until("shop", "0 * * * * UTC", shop.clock.time)
    lost = shop.book.take("shop", shop.clock.time.replace(hour=6, minute=0, second=0), seen)
    shop.clock.time += timedelta(minutes=2)
    shop.restart()
    shop.run_through(["06:02", "06:03", "06:04"])
    assert shop.started == [("shop", "06:00")]
    assert lost is not None and shop.children[0].token != lost


def test_a_child_with_a_lost_token_opens_no_run(world: Callable[..., World]) -> None:
    shop = world(shop=HOURLY)
    seen = shop.book.decided_until("shop", "0 * * * * UTC", shop.clock.time)
    lost = shop.book.take("shop", shop.clock.time.replace(hour=6, minute=0, second=0), seen)
    shop.restart()
    shop.at("06:02")
    assert lost is not None
    late = shop.start("shop", lost)
    outcome = late.poll()
    assert outcome is not None and "another scheduler's" in str(outcome.message)
    assert len(shop.ledger.recent()) == 1


def test_a_run_that_ended_after_its_scheduler_died_is_not_run_again(world: Callable[..., World]) -> None:
    shop = world(shop=HOURLY)
    shop.at("06:00")
    shop.restart()
    shop.at("06:01")
    shop.end_all()
    shop.restart()
    shop.run_through(["06:02", "06:10"])
    assert len(shop.children) == 1
    assert (shop.slot("shop").status, shop.slot("shop").outcome) == ("ended", "succeeded")


def test_a_signal_stops_what_runs_and_the_next_scheduler_runs_its_slot_again(
    world: Callable[..., World],
) -> None:
    shop = world(shop=HOURLY)
    shop.at("06:00")
    shop.clock.at_wait = [signal.SIGTERM]
    assert shop.scheduler.run() == signal.SIGTERM
    assert shop.children[0].signals == [signal.SIGTERM]
    shop.clock.signals.clear()
    shop.restart()
    shop.run_through(["06:01", "06:02"])
    assert shop.started == [("shop", "06:00")] * 2
    assert shop.slot("shop").outcome == "succeeded"


def test_a_run_that_somebody_stopped_is_not_run_again(world: Callable[..., World]) -> None:
    shop = world(shop=HOURLY)
    shop.at("06:00")
    shop.children[0].end("interrupted")
    shop.run_through(["06:01", "06:10"])
    assert shop.started == [("shop", "06:00")]
    assert shop.slot("shop").outcome == "interrupted"


def test_a_slot_that_takes_every_scheduler_down_is_given_up(world: Callable[..., World]) -> None:
    shop = world(shop=HOURLY)
    for minute in range(6):
        shop.at(f"06:0{minute}")
        for child in shop.children:
            if child.poll() is None:
                child.end("interrupted")
        shop.restart()  # before it saw the end
    assert shop.started == [("shop", "06:00")] * 3
    assert shop.slot("shop").note == "taken 3 times"


# -- the clock -----------------------------------------------------------------------------------------------


def test_a_clock_that_goes_back_doubles_nothing(world: Callable[..., World]) -> None:
    shop = world(shop=ALL)
    shop.run_through(["06:00", "07:00", "07:30"])
    shop.run_through(["05:50", "06:00", "06:30", "07:00", "07:59", "08:00", "08:01"])
    assert shop.started == [("shop", "06:00"), ("shop", "07:00"), ("shop", "08:00")]
    assert any("The clock went back" in line for line in shop.told)


def test_a_clock_ten_years_ahead_runs_what_catch_up_says_and_stops_nothing_later(
    world: Callable[..., World],
) -> None:
    shop = world(shop=HOURLY)
    shop.run_through(["06:00", "2036-11-21T06:30:00", "2036-11-21T06:30:01"])
    assert len(shop.started) == 2
    shop.run_through(["2026-11-21T06:31:00", "2026-11-21T07:00:00"])
    shop.restart()
    shop.run_through(["2026-11-21T07:30:00", "2026-11-21T08:00:00"])
    assert [slot for _, slot in shop.started] == ["06:00", "06:00", "07:00", "08:00"]


def test_the_doubled_hour_runs_a_daily_pipeline_once_and_an_hourly_one_twice(tmp_path: Path) -> None:
    daily = Schedule(cron="30 2 * * *", timezone="Europe/Berlin", catch_up="all")
    hourly = Schedule(cron="30 * * * *", timezone="Europe/Berlin", catch_up="all")
    shop = World(tmp_path, daily=daily, hourly=hourly)
    shop.at("2026-10-24T23:40:00")  # 01:40 in Berlin; at 01:00 UTC 03:00 becomes 02:00
    shop.run_through(
        f"2026-10-25T{hour:02}:{minute:02}:00" for hour in range(3) for minute in range(0, 60, 10)
    )
    assert [slot for name, slot in shop.started if name == "daily"] == ["00:30"]
    assert [slot for name, slot in shop.started if name == "hourly"] == ["00:30", "01:30", "02:30"]


def test_the_skipped_hour_runs_a_daily_pipeline_after_the_gap(tmp_path: Path) -> None:
    shop = World(tmp_path, daily=Schedule(cron="30 2 * * *", timezone="Europe/Berlin"))
    shop.at("2026-03-29T00:30:00")
    shop.run_through(
        ["2026-03-29T00:59:00", "2026-03-29T01:00:00", "2026-03-29T01:30:00", "2026-03-29T02:00:00"]
    )
    assert shop.started == [("daily", "01:00")]  # 03:00 in Berlin


# -- the manifest --------------------------------------------------------------------------------------------


def test_a_schedule_that_is_changed_holds_from_then_on(world: Callable[..., World]) -> None:
    shop = world(shop=HOURLY)
    shop.run_through(["06:00"])
    shop.change(shop=Schedule(cron="*/10 * * * *", catch_up="all"), new=HOURLY)
    shop.run_through(["06:35", "06:40", "06:50", "07:00"])
    assert [slot for name, slot in shop.started if name == "shop"] == [
        "06:00",
        "06:10",
        "06:20",
        "06:30",
        "06:40",
    ]
    assert [slot for name, slot in shop.started if name == "new"] == ["07:00"]


def test_a_pipeline_that_is_removed_is_not_run_any_more(world: Callable[..., World]) -> None:
    shop = world(shop=HOURLY, old=HOURLY)
    shop.run_through(["06:00"])
    shop.change(shop=HOURLY)
    shop.run_through(["07:00"])
    assert [name for name, _ in shop.started] == ["shop", "old", "shop"]


def test_a_manifest_with_a_mistake_holds_slots_back_until_it_is_mended(world: Callable[..., World]) -> None:
    shop = world(shop=HOURLY)
    shop.mistake = Mistake("E111", "pipeline does not know the key 'sorces'", file="pipelines.yaml", line=9)
    shop.run_through(["06:00", "06:00:01", "06:10"])
    assert shop.started == []
    assert [line for line in shop.told if "pipelines.yaml:9:" in line] == [shop.told[0]]
    shop.mistake = None
    shop.run_through(["06:20"])
    assert shop.started == [("shop", "06:00")]


def test_a_ledger_that_is_away_for_a_moment_holds_slots_back(world: Callable[..., World]) -> None:
    shop = world(shop=HOURLY)

    def rename(before: str, after: str) -> None:
        with shop.ledger.database.transaction() as connection:
            connection.change(f"ALTER TABLE {before} RENAME TO {after}")

    rename("slots", "away")
    shop.clock.at_waits = {3: lambda: rename("away", "slots"), 8: shop.end_all, 10: shop.clock.stop}
    shop.clock.time += timedelta(seconds=29)
    assert shop.scheduler.run() == signal.SIGTERM
    assert shop.started == [("shop", "06:00")]
    assert len([line for line in shop.told if "the ledger refuses" in line]) == 1
