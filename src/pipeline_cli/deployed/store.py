"""The parts that an environment runs, in its warehouse: `pipeline_runs.deployed`, so that every machine sees them.

deployed: as the last run that did the part's steps took it
approved: as an applied plan has it, or as the first run of the environment found it; a protected environment
          runs what is deployed or approved
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pipeline_cli.deployed.parts import Key, Part
from pipeline_cli.destinations.base import Connection, Warehouse, literal, quote
from pipeline_cli.document import utc_now

SCHEMA, TABLE = "pipeline_runs", "deployed"
# Instead of a fingerprint: the part was there when the environment's first run was, and has not run yet.
ANY = "*"
State = Literal["deployed", "approved"]
_COLUMNS = {
    "environment": "text",
    "state": "text",
    "kind": "text",
    "name": "text",
    "fingerprint": "text",
    "content": "text",
    "detail": "text",
    "by": "text",
    "changed_at": "text",
}


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part as it was. detail: what its engine knew of it (a dbt project's models); by: the run or plan."""

    fingerprint: str
    content: Mapping[str, Any]
    detail: Mapping[str, Any]
    by: str
    changed_at: str


@dataclass(frozen=True, slots=True)
class Deployed:
    """What an environment runs, and what it may run."""

    parts: Mapping[Key, StoredPart] = field(default_factory=dict)
    approved: Mapping[Key, StoredPart] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Whether a run has left a record here at all."""
        return bool(self.parts or self.approved)

    def allows(self, part: Part) -> bool:
        """Whether the part is as it runs here, or as an applied plan has it."""
        known = (self.parts.get(part.key), self.approved.get(part.key))
        return not {part.fingerprint, ANY}.isdisjoint(each.fingerprint for each in known if each is not None)


def read_deployed(warehouse: Warehouse, environment: str) -> Deployed:
    """What is deployed; nothing where no run has left a record, or a DuckDB file is not there yet.

    Raises LoadError, or Busy where another process holds the file.
    """
    if warehouse.type == "duckdb" and not Path(warehouse.location).exists():
        return Deployed()
    if (SCHEMA, TABLE) not in set(warehouse.relations([SCHEMA])):
        return Deployed()
    names = [name for name in _COLUMNS if name != "environment"]
    with closing(warehouse.connect()) as connection:
        rows = connection.query(
            f"SELECT {', '.join(map(quote, names))} FROM {quote(SCHEMA, TABLE)}"
            f" WHERE environment = {literal(environment)} ORDER BY kind, name"
        )
    found: dict[State, dict[Key, StoredPart]] = {"deployed": {}, "approved": {}}
    for state, kind, name, fingerprint, content, detail, by, changed_at in rows:
        part = StoredPart(fingerprint, json.loads(content), json.loads(detail), by, changed_at)
        found[state][Key(kind, name)] = part
    return Deployed(found["deployed"], found["approved"])


@dataclass(slots=True)
class Writing:
    """What is to be written: parts with their engine's detail, parts of a plan, and keys that are no more.

    awaited: parts that may run as they are then, for nothing of them has run yet. settled: parts that run as they
    were approved, or as they did before.
    """

    environment: str
    by: str
    deployed: list[tuple[Part, Mapping[str, Any]]] = field(default_factory=list)
    approved: list[Part] = field(default_factory=list)
    awaited: list[Key] = field(default_factory=list)
    settled: list[Key] = field(default_factory=list)
    gone: set[Key] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.deployed or self.approved or self.awaited or self.settled or self.gone)


def write_deployed(warehouse: Warehouse, writing: Writing) -> None:
    """Write it in one transaction; a part that is deployed needs no approval any more."""
    if not writing:
        return
    with closing(warehouse.connect()) as connection, warehouse.writing(), connection.transaction():
        _create(connection)
        for key in writing.gone:
            _delete(connection, writing.environment, key, ("deployed", "approved"))
        for key in writing.settled:
            _delete(connection, writing.environment, key, ("approved",))
        for part in writing.approved:
            _write(connection, writing, ("approved", part.key, part.fingerprint), part.content, {})
        for key in writing.awaited:
            _write(connection, writing, ("approved", key, ANY), {}, {})
        for part, detail in writing.deployed:
            _delete(connection, writing.environment, part.key, ("approved",))
            _write(connection, writing, ("deployed", part.key, part.fingerprint), part.content, detail)


def forget_environment(connection: Connection, environment: str) -> None:
    """Delete what an environment ran and may run; it is gone. The table has to be there."""
    connection.execute(f"DELETE FROM {quote(SCHEMA, TABLE)} WHERE environment = {literal(environment)}")


def _create(connection: Connection) -> None:
    columns = ", ".join(f"{quote(name)} {kind}" for name, kind in _COLUMNS.items())
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(SCHEMA)}")
    connection.execute(f"CREATE TABLE IF NOT EXISTS {quote(SCHEMA, TABLE)} ({columns})")


def _delete(connection: Connection, environment: str, key: Key, states: Iterable[State]) -> None:
    listed = ", ".join(map(literal, states))
    connection.execute(
        f"DELETE FROM {quote(SCHEMA, TABLE)} WHERE environment = {literal(environment)}"
        f" AND kind = {literal(key.kind)} AND name = {literal(key.name)} AND state IN ({listed})"
    )


def _write(
    connection: Connection,
    writing: Writing,
    row: tuple[State, Key, str],
    content: Mapping[str, Any],
    detail: Mapping[str, Any],
) -> None:
    """row: state, key and fingerprint."""
    state, key, fingerprint = row
    _delete(connection, writing.environment, key, (state,))
    values = {
        "environment": writing.environment,
        "state": state,
        **key._asdict(),
        "fingerprint": fingerprint,
        "content": json.dumps(content, sort_keys=True),
        "detail": json.dumps(detail, sort_keys=True),
        "by": writing.by,
        "changed_at": utc_now().isoformat(timespec="seconds"),
    }
    names = ", ".join(map(quote, values))
    # As parameters: JSON has backslashes, which BigQuery's literals would take for its own.
    marks = ", ".join("?" for _ in values)
    statement = f"INSERT INTO {quote(SCHEMA, TABLE)} ({names}) VALUES ({marks})"
    connection.execute(statement, list(values.values()))
