"""YAML 1.2's core schema, durations and limits."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from pipeline_cli.manifest.models import Limit
from pipeline_cli.manifest.scalars import parse_duration, parse_limit, resolve, surprise


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_null_has_five_spellings(text: str) -> None:
    assert resolve(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("FALSE", False),
        ("12", 12),
        ("-3", -3),
        ("+4", 4),
        ("0o17", 15),
        ("0x1F", 31),
        ("010", 10),
        ("1.5", 1.5),
        ("-.5", -0.5),
        ("1e3", 1000.0),
        ("1.", 1.0),
        ("9" * 30, int("9" * 30)),
    ],
)
def test_booleans_and_numbers_are_those_of_yaml_1_2(text: str, value: object) -> None:
    resolved = resolve(text)
    assert (resolved, type(resolved)) == (value, type(value))


@pytest.mark.parametrize(
    "text",
    [
        *("NO", "no", "yes", "on", "off", "y", "n", "22:22", "2024-01-01", "1_000", "0b11", "1,5"),
        *("-", ".", "+", "e3", "0x", "0o8", ".5.5", "tRue", "nULL", "1e", "inf", "nan", "Infinity"),
    ],
)
def test_what_yaml_1_1_would_change_stays_text(text: str) -> None:
    assert resolve(text) == text


def test_infinity_and_nan_are_numbers_that_are_told() -> None:
    assert resolve("-.inf") == -math.inf
    assert math.isnan(resolve(".nan"))  # type: ignore[arg-type]
    assert surprise(".inf") == surprise(".NaN") == surprise("1e999") == "it is not a finite number"
    assert surprise("9" * 5000) == "it is not a finite number"


@pytest.mark.parametrize("text", ["010", "-007", "00", "01.5"])
def test_a_leading_zero_is_always_a_surprise(text: str) -> None:
    assert "leading zero" in (surprise(text, textual=False) or "")


def test_a_last_zero_is_a_surprise_where_text_is_possible() -> None:
    assert surprise("1.10") == "its last zero would be lost"
    assert surprise("1.10", textual=False) is None


@pytest.mark.parametrize("text", ["0", "-1", "0.5", "10", "1.0", "100", "text", "", "0x10"])
def test_ordinary_values_are_no_surprise(text: str) -> None:
    assert surprise(text) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45s", 45),
        ("30m", 1800),
        ("1h30m", 5400),
        ("1d", 86400),
        ("2w", 1_209_600),
        ("500ms", 0.5),
        ("1.5h", 5400),
    ],
)
def test_durations_have_units(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "30", "m", "-1d", "1 d", "1y", "PT1H", "1h 30m", "٣s", "999999999w"])
def test_other_text_is_no_duration(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("0", Limit(count=0)),
        ("25", Limit(count=25)),
        ("1%", Limit(share=0.01)),
        ("0.5 %", Limit(share=0.005)),
        ("100%", Limit(share=1.0)),
    ],
)
def test_limits_are_counts_or_shares(text: str, limit: Limit) -> None:
    assert parse_limit(text) == limit


@pytest.mark.parametrize("text", ["-1", "1.5", "101%", "100.1%", "%", "1%%", "٣"])
def test_other_text_is_no_limit(text: str) -> None:
    assert parse_limit(text) is None


def test_a_limit_bounds_by_count_or_share() -> None:
    assert Limit(count=2).allows(2, 10)
    assert not Limit(count=2).allows(3, 1000)
    assert Limit(share=0.01).allows(1, 100)
    assert not Limit(share=0.01).allows(1, 99)
    assert Limit(share=0.0).allows(0, 0)
