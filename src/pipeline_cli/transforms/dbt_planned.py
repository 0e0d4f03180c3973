"""What a change of a dbt project does: its nodes as parsed now, against those that the environment runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline_cli.transforms.base import TransformRequest
from pipeline_cli.transforms.dbt import parse_aside
from pipeline_cli.transforms.dbt_nodes import read_nodes
from pipeline_cli.transforms.described import TableName
from pipeline_cli.transforms.planned import Category, ModelChange, PlannedTransform, TestChange
from pipeline_cli.transforms.sql_changes import SqlChange, compare_sql, plain_jinja

Nodes = Mapping[str, Mapping[str, Any]]


def plan_dbt(request: TransformRequest, before: Mapping[str, Any]) -> PlannedTransform:
    """before: the nodes of the last build (dbt_nodes.py). Parses the project once, into a folder of its own."""
    return compare_nodes(before, read_nodes(parse_aside(request)), request.warehouse.type)


def compare_nodes(before: Mapping[str, Any], after: Mapping[str, Any], dialect: str) -> PlannedTransform:
    """Both: `models` and `tests` by dbt's unique ids. Pure."""
    old, new = before.get("models", {}), after.get("models", {})
    direct = {name: _compare(name, old, after, dialect) for name in _in_order(new)}
    changed = {name: change for name, change in direct.items() if change is not None}
    removed = [_removed(old[name]) for name in old if name not in new]
    models = [
        changed.get(name) or _indirect(name, new, changed, after)
        for name in _in_order(new)
        if name in changed or _causes(name, new, changed)
    ]
    found = [each for each in models if each is not None]
    return PlannedTransform([*found, *removed], list(_compare_tests(before, after)))


def _compare(name: str, old: Nodes, after: Mapping[str, Any], dialect: str) -> ModelChange | None:
    model = after["models"][name]
    if name not in old:
        return ModelChange(
            _table(model), "added", model["kind"], f"{model['file']} is new", tests=_tests_of(name, after)
        )
    was = old[name]
    if all(was.get(key) == model[key] for key in ("sql", "told", "config", "macros", "schema", "name")):
        return None
    change = _of_sql(was, model, dialect)
    words = list(_reasons(was, model, change))
    is_data = (
        was["config"] != model["config"] or was["macros"] != model["macros"] or change.category == "breaking"
    )
    category: Category = "breaking" if is_data else change.category
    return ModelChange(
        _table(model),
        "changed",
        model["kind"],
        "; ".join(words),
        category,
        _rebuild(model, category),
        model["kind"] == "snapshot",
        columns=change.columns,
        tests=_tests_of(name, after),
    )


def _of_sql(was: Mapping[str, Any], model: Mapping[str, Any], dialect: str) -> SqlChange:
    if was["sql"] == model["sql"]:
        return SqlChange("metadata only")
    if model["kind"] == "seed":
        return SqlChange("breaking", rows_differ=True)
    return compare_sql(plain_jinja(was["sql"]), plain_jinja(model["sql"]), dialect)


def _reasons(was: Mapping[str, Any], model: Mapping[str, Any], change: SqlChange) -> Iterator[str]:
    if was["sql"] != model["sql"]:
        yield f"{model['file']}: {describe_sql(change)}"
    if was["config"] != model["config"]:
        kinds = f" ({was['kind']} -> {model['kind']})" if was["kind"] != model["kind"] else ""
        yield f"its configuration{kinds}"
    if was["macros"] != model["macros"]:
        yield "a macro that it calls"
    if was["told"] != model["told"]:
        yield "its description or tags"


def describe_sql(change: SqlChange) -> str:
    """`discount is new; revenue is computed differently; other rows`."""
    if change.category == "metadata only":
        return "only its layout or comments"
    columns = change.columns
    words = [f"{', '.join(columns.added)} {_is(columns.added)} new"] if columns.added else []
    words += [f"{', '.join(columns.removed)} {_is(columns.removed)} gone"] if columns.removed else []
    words += (
        [f"{', '.join(columns.changed)} {_is(columns.changed)} computed differently"]
        if columns.changed
        else []
    )
    if change.rows_differ:
        words.append(
            "its query reads, joins or filters differently"
            if not words
            else "it also reads or filters differently"
        )
    return "; ".join(words) or "its query"


def _is(names: tuple[str, ...]) -> str:
    return "is" if len(names) == 1 else "are"


def _rebuild(model: Mapping[str, Any], category: Category) -> str:
    if category == "metadata only":
        return "none"
    return "new rows" if model["kind"] in ("incremental", "snapshot") else "whole"


def _causes(name: str, new: Nodes, changed: Mapping[str, ModelChange]) -> list[str]:
    """The changed models above it whose data may be others."""
    seen, waiting, found = {name}, list(new[name]["parents"]), []
    while waiting:
        parent = waiting.pop(0)
        if parent in seen or parent not in new:
            continue
        seen.add(parent)
        change = changed.get(parent)
        if change is not None and change.category in ("breaking", None):
            found.append(parent)
        waiting += new[parent]["parents"]
    return found


def _indirect(
    name: str, new: Nodes, changed: Mapping[str, ModelChange], after: Mapping[str, Any]
) -> ModelChange:
    model = new[name]
    causes = tuple(changed[each].table for each in _causes(name, new, changed))
    return ModelChange(
        _table(model),
        "indirect",
        model["kind"],
        f"reads {', '.join(table for _, table in causes)}",
        rebuild=_rebuild(model, "breaking"),
        causes=causes,
        tests=_tests_of(name, after),
    )


def _removed(model: Mapping[str, Any]) -> ModelChange:
    return ModelChange(_table(model), "removed", model["kind"], f"{model['file']} is gone", rebuild="left")


def _compare_tests(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[TestChange]:
    old, new = before.get("tests", {}), after.get("tests", {})
    models = {**before.get("models", {}), **after.get("models", {})}
    for name, test in {**old, **new}.items():
        model = models.get(test["model"])
        table = _table(model) if model else None
        if name not in new:
            yield TestChange(test["name"], "removed", table)
        elif name not in old:
            yield TestChange(test["name"], "added", table)
        elif old[name]["hash"] != test["hash"]:
            yield TestChange(test["name"], "changed", table)


def _tests_of(name: str, after: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(test["name"] for test in after.get("tests", {}).values() if name in test["models"]))


def _table(model: Mapping[str, Any]) -> TableName:
    return model["schema"], model["name"]


def _in_order(nodes: Nodes) -> list[str]:
    """Parents first."""
    done: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in nodes and name not in done:
            for parent in nodes[name]["parents"]:
                visit(parent)
            done[name] = None

    for name in sorted(nodes):
        visit(name)
    return list(done)
