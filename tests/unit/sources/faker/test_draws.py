"""Draws by row, against the same in plain Python, and their orders, bounds and shares."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_cli.sources.faker import draws

ROWS = np.array([0, 1, 2, 65_536, 10**12, 2**62])
BITS = 2**64 - 1


def split_mix(key: int, row: int) -> int:
    """SplitMix64 as its paper has it: the state after `row` steps, mixed."""
    state = (key + row * 0x9E3779B97F4A7C15) & BITS
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & BITS
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & BITS
    return state ^ (state >> 31)


def plain_below(key: int, row: int, bound: int) -> int:
    drawn = split_mix(key, row)
    return ((drawn >> 32) * bound) >> 32 if bound <= 2**32 else drawn % bound


@given(st.text(), st.integers(1, 2**63 - 1), st.lists(st.floats(0, 100), min_size=1).filter(any))
@settings(max_examples=200, deadline=None)
def test_draws_are_as_in_plain_python(name: str, bound: int, weights: list[float]) -> None:
    key = draws.stream(1, name)
    assert [int(bits) for bits in draws.bits(key, ROWS)] == [split_mix(int(key), int(row)) for row in ROWS]
    units = [(split_mix(int(key), int(row)) >> 11) / 2**53 for row in ROWS]
    assert draws.unit(key, ROWS).tolist() == units
    for most in (bound, bound % 1_000 + 1):
        assert draws.below(key, ROWS, most).tolist() == [
            plain_below(int(key), int(row), most) for row in ROWS
        ]
    sums = np.cumsum(weights)
    picked = [bisect_right((sums[:-1] / sums[-1]).tolist(), unit) for unit in units]
    assert draws.pick(key, ROWS, weights).tolist() == picked
    assert all(weights[number] > 0 or number == len(weights) - 1 for number in picked)


def test_streams_have_the_keys_that_they_have_had() -> None:
    assert [int(draws.stream(*names)) for names in (("a",), (42, "customers", "email"))] == KEYS
    assert draws.stream("a", "b") != draws.stream("ab")


KEYS = [3405396810240292928, 11446678549044639661]


@given(st.integers(1, 3_000), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_a_shuffle_has_every_row_once(count: int, seed: int) -> None:
    order = draws.shuffle(draws.stream(seed), np.arange(count), count)
    assert sorted(order.tolist()) == list(range(count))


def test_a_shuffle_of_very_many_rows_stays_among_them() -> None:
    for count in (2**33 + 1, 2**62, 2**63 - 1):
        places = draws.shuffle(draws.stream(1), np.array([0, 1, count - 1]), count)
        assert len(set(places.tolist())) == 3
        assert all(0 <= place < count for place in places.tolist())


def test_a_shuffle_leaves_no_pattern() -> None:
    order = draws.shuffle(draws.stream(5), np.arange(10_000), 10_000)
    assert abs(np.corrcoef(order[:-1], order[1:])[0, 1]) < 0.05
    assert abs(np.corrcoef(order, np.arange(10_000))[0, 1]) < 0.05


@pytest.mark.parametrize("count", [1, 2, 4, 5, 7, 1_000])
def test_skewed_numbers_are_all_within_bounds(count: int) -> None:
    drawn = draws.skew(draws.stream(3), np.arange(20_000), count)
    assert set(drawn.tolist()) <= set(range(count))
    shares = np.sort(np.bincount(drawn, minlength=count))[::-1] / 20_000
    assert shares[: max(1, count // 5)].sum() == pytest.approx(0.8 if count > 1 else 1, abs=0.03)
    assert count < 1_000 or shares[0] < 0.04  # no single one has it all
