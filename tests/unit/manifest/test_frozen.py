"""The manifest's own frozen dataclasses behave as the standard ones do."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from pipeline_cli.manifest.models import Environment, Limit, Plugin, Transform
from pipeline_cli.manifest.sources import ExpectedCount, RestResource


def test_fields_are_given_by_name_or_by_place() -> None:
    assert Limit(5) == Limit(count=5) == Limit(5, None)
    assert ExpectedCount("n/count") == ExpectedCount(path="n/count", field="count", on_mismatch="fail")
    assert Limit(count=5) != Limit(share=5)
    assert Limit() != Plugin()


def test_inherited_fields_come_first() -> None:
    names = [field.name for field in dataclasses.fields(RestResource)]
    assert names[0] == "primary_key"
    assert names[-1] == "expected_count"


def test_defaults_that_can_change_are_not_shared() -> None:
    assert Plugin().options is not Plugin().options


def test_wrong_fields_are_refused() -> None:
    with pytest.raises(TypeError, match="Transform needs engine"):
        Transform(path="x")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Limit takes no size"):
        Limit(size=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Limit takes no more values"):
        Limit(1, None, 2)  # type: ignore[call-arg]


def test_nothing_can_be_changed() -> None:
    limit = Limit(count=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        limit.count = 2  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del limit.count
    with pytest.raises(AttributeError):
        limit.other = 2  # type: ignore[attr-defined]


def test_values_are_copied_pickled_hashed_and_replaced() -> None:
    limit = Limit(share=0.5)
    assert copy.deepcopy(limit) == pickle.loads(pickle.dumps(limit)) == copy.copy(limit) == limit
    assert {limit: 1}[Limit(share=0.5)] == 1
    assert dataclasses.replace(limit, share=None, count=3) == Limit(count=3)
    assert dataclasses.asdict(limit) == {"count": None, "share": 0.5}


def test_secrets_are_not_shown() -> None:
    shown = repr(Environment(destination="a", state="postgres://u:hunter2@h/db"))
    assert shown == (
        "Environment(destination='a', copy_of=None, replay=False, protected=False, variables={}, schedules={},"
        " state=***)"
    )
