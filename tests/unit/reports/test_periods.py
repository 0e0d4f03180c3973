"""Periods of time, and whether the last one is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline_cli.manifest.charts import Period
from pipeline_cli.reports.periods import AsOf, between, end_of, guess_period, is_unfinished
from pipeline_cli.reports.values import name_period


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "begins", "made_at", "as_of", "unfinished"),
    [
        ("day", "2026-11-21", "2026-11-21T10:00", None, True),
        ("day", "2026-11-20", "2026-11-21T10:00", None, False),
        ("day", "2026-11-20", "2026-11-21T10:00", "2026-11-20", False),
        ("day", "2026-11-20", "2026-11-21T10:00", "2026-11-19", True),
        ("month", "2026-11-01", "2026-11-21T10:00", None, True),
        ("month", "2026-10-01", "2026-11-21T10:00", None, False),
        ("month", "2020-03-01", "2026-11-21T10:00", "2020-03-15", True),
        ("month", "2020-02-01", "2026-11-21T10:00", "2020-02-29", False),
        ("month", "2026-12-01", "2027-01-01", None, False),
        ("week", "2026-11-16", "2026-11-21T10:00", None, True),
        ("quarter", "2026-10-01", "2026-11-21T10:00", None, True),
        ("year", "2025-01-01", "2026-11-21T10:00", "2025-12-31", False),
    ],
)
def test_a_period_is_unfinished_while_it_lasts_and_where_the_data_end_before_it(
    period: Period, begins: str, made_at: str, as_of: str | None, unfinished: bool
) -> None:
    until = AsOf(at(as_of), is_day=True) if as_of else None
    assert is_unfinished(at(begins), period, at(made_at), until) is unfinished


def test_hours_are_compared_by_the_moment() -> None:
    hour, later = at("2026-11-21T09:00"), at("2026-11-22")
    assert is_unfinished(hour, "hour", later, AsOf(at("2026-11-21T09:30"), is_day=False))
    assert not is_unfinished(hour, "hour", later, AsOf(at("2026-11-21T10:00"), is_day=False))


@pytest.mark.parametrize(
    ("step", "period"),
    [
        (timedelta(hours=1), "hour"),
        (timedelta(days=1), "day"),
        (timedelta(days=3), "day"),
        (timedelta(days=7), "week"),
        (timedelta(days=31), "month"),
        (timedelta(days=92), "quarter"),
        (timedelta(days=365), "year"),
    ],
)
def test_a_series_period_is_guessed_by_its_smallest_gap(step: timedelta, period: Period) -> None:
    first = at("2026-01-01")
    assert guess_period([first, first + step, first + 5 * step]) == period


def test_periods_follow_one_another_over_the_end_of_a_year() -> None:
    months = between(at("2025-11-01"), at("2026-02-01"), "month")
    assert [f"{month:%Y-%m}" for month in months] == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert end_of(at("2026-10-01"), "quarter") == at("2027-01-01")


@pytest.mark.parametrize(
    ("period", "name"),
    [
        ("hour", "2 Nov 2026, 00:00"),
        ("day", "2 Nov 2026"),
        ("week", "The week from 2 Nov 2026"),
        ("month", "Nov 2026"),
        ("quarter", "Q4 2026"),
        ("year", "2026"),
    ],
)
def test_a_period_has_a_name_that_begins_a_sentence(period: Period, name: str) -> None:
    assert name_period(at("2026-11-02"), period) == name


def test_time_ends_with_the_year_9999() -> None:
    assert end_of(at("9999-12-31"), "month") == datetime.max.replace(tzinfo=UTC)
    assert is_unfinished(at("9999-12-01"), "month", at("2026-11-21"), None)
    assert between(at("0001-01-01"), at("9999-12-31"), "hour") == []
