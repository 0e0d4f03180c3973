"""Rows that were loaded after the interval they belong to was built.

SQLMesh builds an interval of a model by time range once. A load that commits later, or brings older rows, is in none
of the intervals still to be built. So each new load is asked, by the model's own query, how far back its rows reach.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from pipeline_cli.destinations.base import literal, quote
from pipeline_cli.transforms.base import TransformRequest
from pipeline_cli.transforms.sqlmesh_stale import by_time, is_external

_LOAD, _ROOT = "_dlt_load_id", "_dlt_root_id"


def late_since(
    context: Any, loads: Mapping[str, Sequence[str]], request: TransformRequest, models: set[str]
) -> dict[str, datetime]:
    """Of these models, those by time range with new rows in intervals that are built, and the oldest such row's time.

    loads: dataset -> ids of the loads that brought the new rows.
    Models that read through a Python model are left out: only SQL can be asked.
    """
    found = {}
    for name in sorted(models):
        if by_time(context, name) and (built_until := _built_until(context, name)):
            oldest = min(_oldest_new_rows(context, loads, request, name), default=None)
            if oldest is not None and oldest < built_until:
                found[name] = oldest
    return found


def _built_until(context: Any, name: str) -> datetime | None:
    """The end of the last interval that is built; None before the first."""
    snapshot = context.snapshots[name]
    stored = context.state_reader.get_snapshots([snapshot.snapshot_id]).get(snapshot.snapshot_id)
    ends = [end for _, end in stored.intervals] if stored is not None else []
    return datetime.fromtimestamp(max(ends) / 1000, UTC) if ends else None


def _oldest_new_rows(
    context: Any, loads: Mapping[str, Sequence[str]], request: TransformRequest, name: str
) -> Iterator[datetime]:
    """For each fresh table that feeds the model: the time of the oldest row that its new loads make."""
    upstream = context.dag.upstream(name)
    if any(context.models[each].is_python for each in upstream if each in context.models):
        return
    query = context.render(name, start=_start(context, name), end=datetime.now(UTC), expand=True)
    column = context.models[name].time_column
    for node in upstream:
        if node in context.models and not is_external(context.models[node]):
            continue
        if (table := _new_rows_of(node, context, loads, request)) is None:
            continue
        asked = _restrict(query, node, table, context.default_dialect)
        [[value]] = context.engine_adapter.fetchall(
            f"SELECT MIN({column.column.sql(dialect=request.warehouse.type)}) FROM ({asked}) AS late"
        )
        if value is not None:
            yield _moment(value, column.format)


def _start(context: Any, name: str) -> Any:
    return context.models[name].start or context.config.model_defaults.start


def _new_rows_of(
    node: str, context: Any, loads: Mapping[str, Sequence[str]], request: TransformRequest
) -> str | None:
    """A condition for the rows that new loads brought to a bronze table; None where it has none."""
    from sqlglot import exp

    table = exp.to_table(node, dialect=context.default_dialect)
    ids = loads.get(table.db, ())
    columns = {each.name: each.columns for each in request.bronze if each.dataset == table.db}
    if not ids or table.name not in columns:
        return None
    listed = ", ".join(map(literal, ids))
    if _LOAD in columns[table.name]:
        return f"{quote(_LOAD)} IN ({listed})"
    roots = [name for name, there in columns.items() if table.name.startswith(f"{name}__") and _LOAD in there]
    if _ROOT not in columns[table.name] or not roots:
        return None
    root = quote(table.db, min(roots, key=len))
    return f'{quote(_ROOT)} IN (SELECT "_dlt_id" FROM {root} WHERE {quote(_LOAD)} IN ({listed}))'


def _restrict(query: Any, node: str, condition: str, dialect: str) -> str:
    """The query, in which one table has no rows but those of the condition."""
    from sqlglot import exp, parse_one

    wanted = exp.to_table(node, dialect=dialect)

    def replace(part: Any) -> Any:
        if not isinstance(part, exp.Table) or (part.db, part.name) != (wanted.db, wanted.name):
            return part
        alias = part.alias or part.name
        rows = parse_one(f"SELECT * FROM {quote(part.db, part.name)} WHERE {condition}", dialect="postgres")
        return rows.subquery(exp.to_identifier(alias, quoted=True))

    return str(query.transform(replace).sql(dialect=dialect))


def _moment(value: Any, time_format: str | None) -> datetime:
    """The time of a time column's value: a date, a timestamp, or a text or number of the column's format."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    return datetime.strptime(str(value), time_format or "%Y-%m-%d").replace(tzinfo=UTC)
