"""Cron expressions: what is one, and which moments it names, daylight saving included."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice, takewhile

import pytest

from pipeline_cli.cron import PRESETS, CronError, check, last_slots, next_slots, values_of, zone_of

BERLIN = zone_of("Europe/Berlin")


def slots(expression: str, after: str, count: int, zone: tzinfo = BERLIN) -> list[str]:
    """The next slots as the wall clock of the zone says them, with the offset."""
    found = islice(next_slots(expression, zone, datetime.fromisoformat(after)), count)
    return [f"{slot.astimezone(zone):%m-%d %H:%M %z}" for slot in found]


@pytest.mark.parametrize(
    "expression",
    [
        *PRESETS,
        "0 6 * * *",
        "*/15 * * * *",
        "0 6 * JAN-mar MON",
        "1-5/2,7 * * * sun-mon",
        "0 0 30 2 1",
        "0 0 29 2 *",
    ],
)
def test_cron_expressions_and_presets_are_schedules(expression: str) -> None:
    check(expression)
    assert next(next_slots(expression, UTC, datetime(2026, 1, 1, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("expression", "field", "told"),
    [
        ("61 * * * *", 0, "'61' is no minute"),
        ("0 24 * * *", 1, "'24' is no hour"),
        ("0 0 L * *", 2, "'L' is no day of the month"),
        ("0 6 * foo *", 3, "'foo' is no month"),
        ("0 0 * * 5#2", 4, "'5#2' is no day of the week"),
        ("0 6 5-1 * *", 2, "'5-1' is no"),
        ("*/0 * * * *", 0, "'*/0' is no minute"),
        ("0 0 30 2 *", None, "this day never comes"),
        ("0 0 31 2,4,6 *", None, "this day never comes"),
        ("0 6 * *", None, "this has 4 fields"),
        ("0 0 6 * * *", None, "this has 6 fields"),
        ("", None, "this has 0 fields"),
        ("@reboot", None, "there is no preset '@reboot'"),
    ],
)
def test_what_is_no_schedule_is_told_with_its_field(expression: str, field: int | None, told: str) -> None:
    with pytest.raises(CronError, match=re.escape(told)) as caught:
        check(expression)
    assert caught.value.field == field
    assert caught.value.hint


def test_an_hour_that_is_skipped_moves_a_fixed_time_to_the_end_of_the_gap() -> None:
    found = slots("30 2 * * *", "2026-03-28T00:00+00:00", 3)
    assert found == ["03-28 02:30 +0100", "03-29 03:00 +0200", "03-30 02:30 +0200"]


def test_an_hour_that_is_doubled_runs_a_fixed_time_once_and_the_first_time() -> None:
    found = slots("30 2 * * *", "2026-10-24T00:00+00:00", 3)
    assert found == ["10-24 02:30 +0200", "10-25 02:30 +0200", "10-26 02:30 +0100"]
    # Asked in the second of the two hours, what was in the first does not come again.
    assert slots("45 2 * * *", "2026-10-25T01:30+00:00", 1) == ["10-26 02:45 +0100"]


def test_every_so_many_minutes_goes_by_the_time_that_passes() -> None:
    doubled = slots("*/30 * * * *", "2026-10-24T23:45+00:00", 6)
    assert doubled == [
        "10-25 02:00 +0200", "10-25 02:30 +0200", "10-25 02:00 +0100", "10-25 02:30 +0100", 
        "10-25 03:00 +0100", "10-25 03:30 +0100",
    ]  # fmt: skip
    skipped = slots("0 * * * *", "2026-03-28T23:30+00:00", 4)
    assert skipped == ["03-29 01:00 +0100", "03-29 03:00 +0200", "03-29 04:00 +0200", "03-29 05:00 +0200"]


@pytest.mark.parametrize(
    "expression", ["* * * * *", "7 * * * *", "30 2 * * *", "0 0 1 * *", "15 1,2,3 * * 0"]
)
def test_the_last_slots_are_the_end_of_all_of_them(expression: str) -> None:
    after, until = datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 11, 3, 12, 34, tzinfo=UTC)
    every = list(takewhile(lambda slot: slot <= until, next_slots(expression, BERLIN, after)))
    assert last_slots(expression, BERLIN, after, until, 50) == every[-50:]


def test_the_last_slots_of_ten_years_are_found_without_going_through_them() -> None:
    now = datetime(2026, 11, 3, tzinfo=UTC)
    found = last_slots("* * * * *", BERLIN, now - timedelta(days=3650), now, 3)
    assert found == [now - timedelta(minutes=2), now - timedelta(minutes=1), now]


def test_an_expression_says_which_values_its_fields_allow() -> None:
    (minutes, hours, days, months, weekdays), both_days = values_of("*/20 6-8 1 * SUN,5-7")
    assert (minutes, hours, days, len(months), weekdays) == ([0, 20, 40], [6, 7, 8], [1], 12, [0, 5, 6])
    assert not both_days
    assert values_of("0 0 * * 1")[1]


@pytest.mark.parametrize("name", ["Europe/Berln", "../etc/passwd", "Europe", "", "utc"])
def test_a_zone_that_nobody_knows_is_an_error(name: str) -> None:
    with pytest.raises(LookupError):
        zone_of(name)
