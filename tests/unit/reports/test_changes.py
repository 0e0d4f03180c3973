"""Changes against the period before: which two periods, and in which words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from pipeline_cli.manifest.charts import Period
from pipeline_cli.reports.calendar import Range
from pipeline_cli.reports.changes import describe_change, last_periods
from pipeline_cli.reports.periods import AsOf
from pipeline_cli.reports.values import Writer

MADE_AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
NAMES = ("Sep 2026", "Aug 2026")
MONEY = Writer("money", currency="$")


@pytest.mark.parametrize(
    ("period", "as_of", "before", "now", "end"),
    [
        ("month", "2026-10-18", "2026-08-01", "2026-09-01", "2026-10-01"),
        ("month", "2026-09-30", "2026-08-01", "2026-09-01", "2026-10-01"),
        ("month", "2026-01-31", "2025-12-01", "2026-01-01", "2026-02-01"),
        ("month", None, "2026-09-01", "2026-10-01", "2026-11-01"),
        ("month", "2027-05-01", "2026-09-01", "2026-10-01", "2026-11-01"),  # data from the future
        ("week", "2026-10-18", "2026-10-05", "2026-10-12", "2026-10-19"),  # a Sunday: the week is over
        ("week", "2026-10-17", "2026-09-28", "2026-10-05", "2026-10-12"),
        ("day", "2026-10-18", "2026-10-17", "2026-10-18", "2026-10-19"),
        ("quarter", "2026-10-18", "2026-04-01", "2026-07-01", "2026-10-01"),
        ("year", "2026-10-18", "2024-01-01", "2025-01-01", "2026-01-01"),
    ],
)
def test_the_last_period_that_is_over_is_compared_with_the_one_before(
    period: Period, as_of: str | None, before: str, now: str, end: str
) -> None:
    until = AsOf(datetime.fromisoformat(as_of).replace(tzinfo=UTC), is_day=True) if as_of else None
    compared = last_periods(period, MADE_AT, until)
    days = [date.fromisoformat(day) for day in (before, now, end)]
    assert (compared.before, compared.now) == (Range(*days[:2]), Range(*days[1:]))


@pytest.mark.parametrize(
    ("now", "before", "writer", "direction", "words"),
    [
        (Decimal(104), Decimal(100), MONEY, "up", "Up 4.0%"),
        (96, 100, MONEY, "down", "Down 4.0%"),
        (Decimal("100.00"), 100, MONEY, "same", "Unchanged"),
        (1.0001, 1.0, MONEY, "up", "Up less than 0.1%"),
        (1500, 100, MONEY, "up", "Up 1,400.0%"),
        (5, 0, Writer("number"), "up", "Up by 5"),
        (-5, 0, MONEY, "down", "Down by $5.00"),
        (10, -20, MONEY, "up", "Up by $30.00"),
        (0, 100, MONEY, "down", "Down 100.0%"),
        (0.385, 0.373, Writer("percent"), "up", "Up 1.2 points"),
        (0.0, 0.02, Writer("percent"), "down", "Down 2.0 points"),
        (0.37301, 0.373, Writer("percent"), "up", "Up less than 0.1 points"),
        (0.0142, 0.0137, Writer("percent", 2), "up", "Up 0.05 points"),
        (None, 100, MONEY, "none", "Nothing to compare with"),
        (100, None, MONEY, "none", "Nothing to compare with"),
    ],
)
def test_a_change_has_words_and_an_arrow_of_its_own(
    now: Any, before: Any, writer: Writer, direction: str, words: str
) -> None:
    change = describe_change(now, before, NAMES, writer)
    assert (change.direction, change.words) == (direction, words)
    assert len({describe_change(one, 2, NAMES, MONEY).arrow for one in (1, 2, 3)}) == 3


def test_a_change_says_what_is_compared() -> None:
    assert (
        describe_change(98000, 94000, NAMES, MONEY).detail
        == "Sep 2026: $98,000.00, after $94,000.00 in Aug 2026"
    )
    weeks = ("The week from 12 Oct 2026", "The week from 5 Oct 2026")
    detail = describe_change(2, 1, weeks, Writer("number")).detail
    assert detail == "The week from 12 Oct 2026: 2, after 1 in the week from 5 Oct 2026"
