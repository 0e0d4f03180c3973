"""Which loads a model's table has seen, whichever environment built it.

SQLMesh takes over a table that another environment, or older code, has built, and knows nothing of rows that were
loaded since: without this they would not be in what is published until they are loaded again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

from pipeline_cli.destinations.base import Connection, literal, quote
from pipeline_cli.transforms.base import TransformRequest
from pipeline_cli.transforms.sqlmesh_stale import fed_models, own_models

SCHEMA, TABLE = "pipeline_runs", "built_models"
_COLUMNS = ("environment", "pipeline", "transform", "models", "load_ids")

Loads = Mapping[str, Sequence[str]]  # dataset -> ids


def adopted_models(plan: Any) -> set[str]:
    """The models that a plan, not yet applied, takes over as they were built before."""
    diff = plan.context_diff
    changed = [(diff.snapshots[each], None) for each in diff.added] + list(diff.modified_snapshots.values())
    return {
        new.name
        for new, old in changed
        if getattr(new, "intervals", None) and (old is None or old.version != new.version)
    }


def lacking_models(context: Any, request: TransformRequest, adopted: set[str]) -> dict[str, Loads]:
    """Of the models that were taken over, those that lack loads, and which."""
    wanted = adopted & own_models(context, request.project)
    seen = _read(request) if wanted else []
    lacking: dict[str, Loads] = {}
    for name in sorted(wanted):
        version = context.snapshots[name].version
        known = [loads for models, loads in seen if models.get(name) == version]
        if not known:
            lacking[name] = request.loads
            continue
        missing = min(
            (_minus(request.loads, loads) for loads in known), key=lambda each: sum(map(len, each.values()))
        )
        tables = frozenset(
            (table.dataset, table.name) for table in request.bronze if table.dataset in missing
        )
        if missing and name in fed_models(context, request, tables):
            lacking[name] = missing
    return lacking


def keep_seen(execute: Callable[[str], Any], context: Any, request: TransformRequest) -> None:
    """Keep that the environment's own models have seen all loads; where there are copies to take them over from.

    execute: runs a statement in the build's transaction.
    """
    if not request.project.copies:
        return
    models = {name: context.snapshots[name].version for name in sorted(own_models(context, request.project))}
    columns = ", ".join(f"{quote(name)} text" for name in _COLUMNS)
    key = (request.project.environment_name, request.pipeline, request.name)
    values = ", ".join(map(literal, (*key, json.dumps(models), json.dumps(request.loads))))
    execute(f"CREATE SCHEMA IF NOT EXISTS {quote(SCHEMA)}")
    execute(f"CREATE TABLE IF NOT EXISTS {quote(SCHEMA, TABLE)} ({columns})")
    execute(f"DELETE FROM {quote(SCHEMA, TABLE)} WHERE {_is(key)}")
    execute(f"INSERT INTO {quote(SCHEMA, TABLE)} VALUES ({values})")


def forget_seen(connection: Connection, environment: str) -> None:
    """Forget an environment that is dropped. The table has to be there."""
    connection.execute(f"DELETE FROM {quote(SCHEMA, TABLE)} WHERE environment = {literal(environment)}")


def _is(key: Sequence[str]) -> str:
    return " AND ".join(
        f"{quote(name)} = {literal(value)}" for name, value in zip(_COLUMNS, key, strict=False)
    )


def _read(request: TransformRequest) -> list[tuple[dict[str, str], Loads]]:
    """(models and their versions, loads they have seen), of each environment that has built this transform."""
    if (SCHEMA, TABLE) not in set(request.warehouse.relations([SCHEMA])):
        return []
    with closing(request.warehouse.connect()) as connection:
        rows = connection.query(
            f"SELECT models, load_ids FROM {quote(SCHEMA, TABLE)} WHERE transform = {literal(request.name)}"
        )
    return [(json.loads(models), json.loads(loads)) for models, loads in rows]


def _minus(now: Loads, seen: Loads) -> Loads:
    left = {dataset: sorted(set(ids) - set(seen.get(dataset, ()))) for dataset, ids in now.items()}
    return {dataset: ids for dataset, ids in left.items() if ids}
