"""Lines for models: what becomes of their rows, and which of them can lose something."""

from __future__ import annotations

import pytest

from pipeline_cli.planning.models import hit_models, model_lines
from pipeline_cli.transforms.planned import ColumnChanges, ModelChange, PlannedTransform

TABLE = ("gold_shop", "sales")


def line(rows: int | None = 33, **facts: object) -> tuple[str, bool]:
    change = ModelChange(TABLE, **{"action": "changed", "kind": "FULL", "reason": "", **facts})  # type: ignore[arg-type]
    (found,) = model_lines("shop", PlannedTransform([change]), {} if rows is None else {TABLE: rows})
    return found.effect, found.destructive


@pytest.mark.parametrize(
    ("facts", "effect", "destructive"),
    [
        ({"category": "breaking", "tests": ("a", "b")}, "rebuilt whole, 33 rows; 2 tests look at it", False),
        ({"category": "breaking", "intervals": 12}, "rebuilt whole, 33 rows in 12 intervals", False),
        (
            {"category": "breaking", "columns": ColumnChanges(removed=("tax",))},
            "rebuilt whole, 33 rows; tax is dropped",
            True,
        ),
        (
            {"category": "breaking", "columns": ColumnChanges(retyped=(("n", "BIGINT", "INT"),))},
            "rebuilt whole, 33 rows; n: BIGINT -> INT",
            True,
        ),
        (
            {"category": "breaking", "columns": ColumnChanges(retyped=(("n", "INT", "BIGINT"),))},
            "rebuilt whole, 33 rows; n: INT -> BIGINT",
            False,
        ),
        (
            {"category": "breaking", "keeps_history": True},
            "33 rows with their history are lost: it cannot be built again from its source",
            True,
        ),
        ({"category": "metadata only", "rebuild": "none", "tests": ("a",)}, "not rebuilt", False),
        ({"action": "removed", "rebuild": "dropped"}, "its view is dropped with 33 rows", True),
        (
            {"action": "removed", "rebuild": "left"},
            "its table stays with 33 rows; nothing builds it any more",
            False,
        ),
    ],
)
def test_what_becomes_of_a_models_rows(facts: dict[str, object], effect: str, destructive: bool) -> None:
    assert line(**facts) == (effect, destructive)


def test_a_model_that_is_not_there_yet_loses_nothing() -> None:
    assert line(None, action="added") == ("built for the first time", False)


def test_a_column_more_changes_no_report() -> None:
    more = ModelChange(TABLE, "changed", "FULL", "", "non-breaking")
    other = ModelChange(("gold_shop", "days"), "indirect", "FULL", "")
    assert hit_models(PlannedTransform([more, other])) == [("gold_shop", "days")]
