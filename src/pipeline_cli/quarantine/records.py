"""The records that were rejected: read from the `_quarantine` table beside each source's bronze tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline_cli.destinations.base import Connection, Warehouse, literal, quote
from pipeline_cli.errors import UsageError
from pipeline_cli.project import Project
from pipeline_cli.quarantine import decisions

TABLE = "_quarantine"
_COLUMNS = ("id", "_source", "resource", "_run_id", "_extracted_at", "reasons", "record", "record_hash")
_PLACE = ("file", "line", "raw")  # in the quarantine of sources that are read as columns
_DECISION = ("decision", "reason", "decided_by", "decided_at")
_PAGE_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record in quarantine. reasons: {path, rule, message} each; record: as received, JSON text.

    file, line, raw: where it stands in a file, counted from 1, and its text there; None for other records.
    decision: None while it is open; reason, decided_by, decided_at: why, who and when (UTC).
    """

    id: str
    source: str
    resource: str
    run_id: str
    rejected_at: datetime
    reasons: list[dict[str, Any]]
    record: str
    record_hash: str
    file: str | None = None
    line: int | None = None
    raw: str | None = None
    decision: str | None = None
    reason: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rejected records: all of those that fit everything that is given. ids: whole ones."""

    resource: str | None = None
    run_id: str | None = None
    rule: str | None = None
    ids: tuple[str, ...] = ()

    def sql(self) -> list[str]:
        """The conditions on the quarantine's row, called `q`."""
        found = []
        if self.resource is not None:
            found.append(f"q.resource = {literal(self.resource)}")
        if self.run_id is not None:
            found.append(f'q."_run_id" = {literal(self.run_id)}')
        if self.rule is not None:
            # Reasons are JSON that we wrote: {"path": …, "rule": "type", …}; quotes in a message are escaped.
            named = literal('"rule": ' + json.dumps(self.rule))
            found.append(f"strpos(CAST(q.reasons AS text), {named}) > 0")
        if self.ids:
            found.append(f"q.id IN ({', '.join(map(literal, self.ids))})")
        return found


def list_rejected(
    project: Project,
    warehouse: Warehouse,
    *,
    source: str | None = None,
    resource: str | None = None,
    run_id: str | None = None,
    rule: str | None = None,
    limit: int = 50,
    decided: bool = False,
) -> list[Rejected]:
    """The newest rejected records first, of all sources or as narrowed down; decided: also those that are not open."""
    conditions = Wanted(resource, run_id, rule).sql()
    rows = [
        row
        for dataset in _datasets(project, warehouse, source)
        for row in _newest(warehouse, dataset, conditions, decided, limit)
    ]
    return sorted(rows, key=lambda each: each.rejected_at, reverse=True)[:limit]


def find_rejected(
    project: Project, warehouse: Warehouse, rejected_id: str, source: str | None = None
) -> Rejected:
    """The record with this id, or with the only id that begins so; open or not. Raises UsageError."""
    begins = rejected_id.replace("\\", "").replace("%", "").replace("_", "")
    conditions = [f"q.id LIKE {literal(begins + '%')}"]
    found = [
        row
        for dataset in (_datasets(project, warehouse, source) if begins else ())
        for row in _newest(warehouse, dataset, conditions, True, 2)
    ]
    exact = [each for each in found if each.id == rejected_id] or found
    if len(exact) == 1:
        return exact[0]
    problem = "No record in quarantine has" if not exact else "More than one record in quarantine has"
    raise UsageError(
        f"{problem} an id that begins with {rejected_id!r}.",
        code="E012",
        hint="See: pipeline-cli quarantine list",
    )


def read_open(
    connection: Connection, dataset: str, wanted: Wanted, *, decided: bool = False
) -> Iterator[Rejected]:
    """The open records of a dataset, oldest first; decided: the others too. Memory: a page of 1,000."""
    after: tuple[datetime, str] | None = None
    while True:
        conditions = wanted.sql()
        if after is not None:
            at = f"TIMESTAMP WITH TIME ZONE {literal(after[0].isoformat())}"
            conditions.append(
                f'(q."_extracted_at" > {at} OR (q."_extracted_at" = {at} AND q.id > {literal(after[1])}))'
            )
        order = 'q."_extracted_at", q.id'
        page = [
            _rejected(row) for row in _select(connection, dataset, conditions, decided, order, _PAGE_ROWS)
        ]
        yield from page
        if len(page) < _PAGE_ROWS:
            return
        after = page[-1].rejected_at, page[-1].id


def _datasets(project: Project, warehouse: Warehouse, source: str | None) -> list[str]:
    sources = [source] if source else list(project.manifest.sources)
    datasets = [f"bronze_{name}" for name in sources]
    return [dataset for dataset, table in warehouse.relations(datasets) if table == TABLE]


def _newest(
    warehouse: Warehouse, dataset: str, conditions: Sequence[str], decided: bool, limit: int
) -> list[Rejected]:
    with closing(warehouse.connect()) as connection:
        order = 'q."_extracted_at" DESC, file_, line_, q.id'
        return [_rejected(row) for row in _select(connection, dataset, conditions, decided, order, limit)]


def _select(
    connection: Connection, dataset: str, conditions: Sequence[str], decided: bool, order: str, limit: int
) -> list[tuple[Any, ...]]:
    there = _columns_of(connection, dataset)
    names = [f"q.{quote(name)}" for name in _COLUMNS]
    # A quarantine that the row path made has no files and lines.
    names += [f"q.{name} AS {name}_" if (TABLE, name) in there else f"NULL AS {name}_" for name in _PLACE]
    has_decisions = (decisions.TABLE, "id") in there
    names += [f"d.{name} AS d_{name}" if has_decisions else f"NULL AS d_{name}" for name in _DECISION]
    statement = f"SELECT {', '.join(names)} FROM {quote(dataset, TABLE)} AS q"
    if has_decisions:
        # Rejected anew after the decision, it is open again.
        statement += (
            f" LEFT JOIN {quote(dataset, decisions.TABLE)} AS d ON d.id = q.id"
            ' AND d.decided_at >= q."_extracted_at"'
        )
        conditions = [*conditions, *(() if decided else ("d.id IS NULL",))]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return connection.query(f"{statement}{where} ORDER BY {order} LIMIT {limit}")


def _columns_of(connection: Connection, dataset: str) -> set[tuple[str, str]]:
    found = connection.query(
        "SELECT table_name, column_name FROM information_schema.columns"
        f" WHERE table_schema = {literal(dataset)} AND table_name IN ({literal(TABLE)}, {literal(decisions.TABLE)})"
    )
    return {(str(table), str(column)) for table, column in found}


def _rejected(row: tuple[Any, ...]) -> Rejected:
    identity, source, resource, run_id, rejected_at, reasons, *rest = row
    return Rejected(identity, source, resource, run_id, rejected_at, json.loads(reasons), *rest)
