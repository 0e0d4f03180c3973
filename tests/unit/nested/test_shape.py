"""What keeps records from being read by column is named."""

from __future__ import annotations

from typing import Any

import pytest
from dlt.common.schema import Schema

from pipeline_cli.contracts.exactness import Exactness
from pipeline_cli.nested.shape import ShapeBuilder


@pytest.mark.parametrize(
    ("records", "problem"),
    [
        ([{"a": {"b": 1}}, {"a": {"b": [1]}}], "a.b is not of one kind in all records"),
        ([{"a": [[1]]}], "a has lists as items"),
        ([{"a": [{"b": 1}, 1]}], "a has items of several kinds"),
        ([{"a b": 1, "a_b": 2}], "a_b shares a_b with another field"),
    ],
)
def test_the_field_is_named(records: list[dict[str, Any]], problem: str) -> None:
    judge = Exactness(Schema("shop"), "items")
    for record in records:
        judge.reasons(record)
    builder = ShapeBuilder(judge.columns, judge.table)
    assert builder.learn(records) is None
    assert builder.problem == problem
