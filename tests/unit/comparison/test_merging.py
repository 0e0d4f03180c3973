"""Two streams of rows by key and content, against the same found with dicts."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from pipeline_cli.comparison.merging import Shape, content_sum, merge_streams, sort_value
from pipeline_cli.errors import LoadError

Rows = list[tuple[Any, ...]]


def in_order(rows: Rows, width: int) -> Rows:
    return sorted(rows, key=lambda row: [sort_value(value) for value in row[:width]])


def by_dicts(here: Rows, there: Rows, width: int) -> tuple[int, int, int, int]:
    """only_here, only_there, changed, same: rows of a key are a bag of contents."""
    bags: list[dict[Any, Counter[Any]]] = [{}, {}]
    for bag, rows in zip(bags, (here, there), strict=True):
        for row in rows:
            bag.setdefault(row[:width], Counter())[row[width:]] += 1
    one, other = bags
    both = one.keys() & other.keys()
    changed = sum(one[key] != other[key] for key in both)
    return len(one.keys() - both), len(other.keys() - both), changed, len(both) - changed


@pytest.mark.parametrize("seed", range(20))
def test_keys_are_counted_as_two_dicts_would(seed: int) -> None:
    rng = random.Random(seed)
    names = [None, "", "a", "Z", "ä", "a b", "\U0001f600", "\uffff"]

    def rows() -> Rows:
        return [(rng.randrange(6), rng.choice(names), rng.randrange(3)) for _ in range(rng.randrange(40))]

    here, there = rows(), rows()
    found = merge_streams(in_order(here, 2), in_order(there, 2), Shape(["n", "name", "v"], 2))
    assert (found.only_here, found.only_there, found.changed, found.same) == by_dicts(here, there, 2)
    assert (found.rows_here, found.rows_there) == (len(here), len(there))
    doubled = Counter(row[:2] for row in here)
    assert found.doubled_here == sum(count > 1 for count in doubled.values())


def test_forms_of_one_value_are_no_difference_and_others_are_named() -> None:
    moment = datetime(2026, 1, 2, 3, tzinfo=UTC)
    here = [(1, Decimal("1.50"), moment, '{"b": 1.0, "a": [2]}', float("nan"), None)]
    there = [(Decimal("1"), 1.5, moment.replace(tzinfo=None), {"a": [2], "b": 1}, float("nan"), None)]
    shape = Shape(["id", "price", "at", "extra", "n", "gone"], 1, frozenset({"extra"}))
    assert merge_streams(here, there, shape).same == 1
    changed = merge_streams(here, [(1, 2, moment, "{}", 0, None)], shape)
    assert (changed.changed, sorted(changed.changed_columns)) == (1, ["extra", "n", "price"])
    assert changed.examples == {"changed": ["1"]}


def test_examples_are_few_and_a_missing_key_is_told_as_null() -> None:
    found = merge_streams([(n, "x") for n in range(100)], [(None, "x"), (None, "y")], Shape(["id", "v"], 1))
    assert (found.only_here, len(found.examples["only_here"])) == (100, 20)
    assert (found.only_there, found.doubled_there, found.examples["only_there"]) == (1, 1, ["NULL"])


def test_a_stream_out_of_order_is_refused() -> None:
    with pytest.raises(LoadError, match="out of the order of id"):
        merge_streams([(2, "a"), (1, "b")], [], Shape(["id", "v"], 1))


def test_rows_without_a_key_have_one_sum_in_any_order_and_count_as_often_as_they_come() -> None:
    shape = Shape(["a", "b"], 0)
    rows: Rows = [("x", 1), ("x", 1), ("y", date(2026, 1, 1))]
    assert content_sum(rows, shape) == content_sum(reversed(rows), shape)
    assert content_sum(rows, shape) != content_sum([*rows[1:], rows[2]], shape)
