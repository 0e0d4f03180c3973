"""Lines of a plan for models and their tests, from what the engines say of the changed code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pipeline_cli.lineage.tracing import TableName
from pipeline_cli.planning.changes import Change
from pipeline_cli.planning.effects import count_rows
from pipeline_cli.transforms.planned import ModelChange, PlannedTransform


def model_lines(transform: str, planned: PlannedTransform, rows: Mapping[TableName, int]) -> Iterator[Change]:
    """rows: of each model's table that is there."""
    for model in planned.models:
        count = rows.get(model.table)
        yield Change(
            "models",
            transform,
            ".".join(model.table),
            "model",
            model.action,
            _summary(model),
            model.reason,
            effect=_effect(model, count) + _tested(model),
            rows=count,
            destructive=_is_destructive(model, count),
            category=model.category if model.action != "indirect" else None,
            intervals=model.intervals,
            tests=len(model.tests),
        )
    for test in planned.tests:
        where = f" on {test.model[1]}" if test.model else ""
        yield Change(
            "tests",
            transform,
            test.name,
            "test",
            test.action,
            f"{'new' if test.action == 'added' else test.action}{where}",
            f"transforms/{transform}",
            effect="runs with the next build" if test.action != "removed" else "not run any more",
        )


def hit_models(planned: PlannedTransform) -> list[TableName]:
    """The models whose rows may become others: a column more is none of that."""
    return [
        model.table
        for model in planned.models
        if model.rebuild not in ("none", "left") and model.category != "non-breaking"
    ]


def _summary(model: ModelChange) -> str:
    if model.action == "changed":
        return str(model.category)
    return {"added": "new model", "removed": "removed", "indirect": "indirectly hit"}.get(
        model.action, model.action
    )


def _effect(model: ModelChange, rows: int | None) -> str:
    if model.rebuild == "promoted":
        return "taken over as it was built before, not rebuilt; what was loaded since is added" + _dropped(
            model
        )
    if model.action == "added":
        return "built for the first time" + _intervals(model)
    if model.rebuild == "left":
        return f"its table stays with {_rows(rows)}; nothing builds it any more"
    if model.rebuild == "dropped":
        return f"its view is dropped with {_rows(rows)}"
    if model.rebuild == "none":
        return "not rebuilt" if model.category == "metadata only" else f"{_rows(rows)} stay; not rebuilt"
    if model.rebuild == "new rows":
        return (
            f"{_rows(rows)} stay as they are; new ones are made the new way (run --full-refresh: all of them)"
            + _dropped(model)
        )
    lost = []
    if model.keeps_history and rows:
        lost.append(f"{_rows(rows)} with their history are lost: it cannot be built again from its source")
    else:
        lost.append(f"rebuilt whole, {_rows(rows)}{_intervals(model)}")
    return "; ".join(lost) + _dropped(model)


def _dropped(model: ModelChange) -> str:
    words = [f"{name}: {before} -> {after}" for name, before, after in model.columns.retyped]
    if model.columns.removed:
        words.insert(0, f"{', '.join(model.columns.removed)} {_is(model.columns.removed)} dropped")
    return "".join(f"; {each}" for each in words)


def _tested(model: ModelChange) -> str:
    """How many tests look at what is built anew."""
    count = len(model.tests) if model.rebuild in ("whole", "new rows") else 0
    return f"; {count:,} test{' looks' if count == 1 else 's look'} at it" if count else ""


def _is_destructive(model: ModelChange, rows: int | None) -> bool:
    if model.action == "removed":
        return model.rebuild == "dropped"
    if model.action == "added" or rows is None:
        return False
    narrowed = any(_is_narrower(before, after) for _, before, after in model.columns.retyped)
    return (
        bool(model.columns.removed)
        or narrowed
        or (model.keeps_history and model.rebuild == "whole" and rows > 0)
    )


_SIZES: Sequence[str] = (
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INT",
    "BIGINT",
    "HUGEINT",
    "FLOAT",
    "DOUBLE",
    "TEXT",
)


def _is_narrower(before: str, after: str) -> bool:
    """Whether a value of the type before may not fit the one after, of types in DuckDB's words."""
    old, new = before.partition("(")[0], after.partition("(")[0]
    if old == new == "DECIMAL":
        return _digits(after) < _digits(before)
    if old in ("TIMESTAMP", "TIMESTAMPTZ") and new == "DATE":
        return True
    if old in _SIZES and new in _SIZES:
        return _SIZES.index(new) < _SIZES.index(old)
    return old == "TEXT" or (old == "DECIMAL" and new in ("TINYINT", "SMALLINT", "INT", "BIGINT"))


def _digits(kind: str) -> tuple[int, ...]:
    return tuple(
        int(part) for part in kind.partition("(")[2].rstrip(")").split(",") if part.strip().isdigit()
    )


def _intervals(model: ModelChange) -> str:
    if not model.intervals:
        return ""
    return f" in {model.intervals:,} interval{'' if model.intervals == 1 else 's'}"


def _rows(rows: int | None) -> str:
    return "its rows" if rows is None else count_rows(rows)


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
