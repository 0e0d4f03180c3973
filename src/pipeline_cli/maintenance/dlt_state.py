"""dlt's state of a source, read from the destination and written back to it, in SQL and so in any transaction.

The destination is the truth: dlt takes the newest state by its load's id, and its working folder follows where the
version there is not higher. So what is written here has a load of its own, and a version above both.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline_cli.destinations.base import literal, quote
from pipeline_cli.document import utc_now
from pipeline_cli.loading.load_ids import next_load_id
from pipeline_cli.loading.pipeline import pipelines_dir
from pipeline_cli.project import Project

LOADS, STATES = "_dlt_loads", "_dlt_pipeline_state"


class Statements(Protocol):
    """What takes statements: a warehouse's connection, in or outside a transaction."""

    def query(self, sql: str) -> list[tuple[Any, ...]]: ...

    def execute(self, sql: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class StoredState:
    """dlt's state of a pipeline as the destination has it. load_id: of the load that brought it."""

    load_id: str
    state: dict[str, Any]

    @property
    def version(self) -> int:
        return int(self.state["_state_version"])


def read_state(connection: Statements, dataset: str, source: str, loads: str = "") -> StoredState | None:
    """The newest state; None before the first load. loads: SQL that narrows down the loads, called `l`."""
    from dlt.common.versioned_state import decompress_state

    rows = connection.query(
        f"SELECT s._dlt_load_id, s.state FROM {quote(dataset, STATES)} AS s"
        f" JOIN {quote(dataset, LOADS)} AS l ON l.load_id = s._dlt_load_id"
        f" WHERE s.pipeline_name = {literal(source)} AND l.status = 0{f' AND {loads}' if loads else ''}"
        " ORDER BY l.load_id DESC LIMIT 1"
    )
    return StoredState(str(rows[0][0]), dict(decompress_state(rows[0][1]))) if rows else None


def new_load_id(connection: Statements, dataset: str) -> str:
    """A load id after all that are there, also where this machine's clock is behind the one that made them."""
    [(newest,)] = connection.query(f"SELECT max(load_id) FROM {quote(dataset, LOADS)}")
    return next_load_id(newest)


def write_load(connection: Statements, dataset: str, source: str, load_id: str) -> None:
    """dlt's row of a load that is complete, under the schema that is the newest."""
    columns = "load_id, schema_name, status, inserted_at, schema_version_hash"
    newest = (
        f"(SELECT version_hash FROM {quote(dataset, '_dlt_version')} WHERE schema_name = {literal(source)}"
        " ORDER BY inserted_at DESC LIMIT 1)"
    )
    moment = f"TIMESTAMP WITH TIME ZONE {literal(utc_now().isoformat())}"
    values = f"{literal(load_id)}, {literal(source)}, 0, {moment}, {newest}"
    connection.execute(f"INSERT INTO {quote(dataset, LOADS)} ({columns}) VALUES ({values})")


def write_state(
    connection: Statements, project: Project, source: str, state: dict[str, Any], load_id: str
) -> None:
    """Add the state as the newest one; its load (`write_load`) is written beside it. In the caller's transaction."""
    from dlt.pipeline.state_sync import generate_pipeline_state_version_hash, state_doc

    dataset = f"bronze_{source}"
    newest = read_state(connection, dataset, source)
    written: Any = deepcopy(state)
    known = [_local_version(project, source), newest.version if newest else 0, int(state["_state_version"])]
    written["_state_version"] = max(known) + 1
    written["_local"] = {}
    written["_version_hash"] = generate_pipeline_state_version_hash(written)
    row = {**state_doc(written, load_id), "_dlt_id": f"s_{load_id}"}
    values = ", ".join(_sql(value) for value in row.values())
    names = ", ".join(quote(name) for name in row)
    connection.execute(f"INSERT INTO {quote(dataset, STATES)} ({names}) VALUES ({values})")


def sync_folder(project: Project, warehouse: Any, source: str) -> None:
    """Let dlt's working folder follow; the next run would do so, too."""
    from pipeline_cli.loading.pipeline import open_pipeline

    open_pipeline(project, warehouse, source).sync_destination()


def incrementals(state: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """(resource, cursor path) -> dlt's own entry, of which `last_value` is the cursor."""
    return {
        (resource, path): entry
        for of_source in state.get("sources", {}).values()
        for resource, kept in of_source.get("resources", {}).items()
        for path, entry in kept.get("incremental", {}).items()
    }


def _local_version(project: Project, source: str) -> int:
    file = pipelines_dir(project) / source / "state.json"
    try:
        return int(json.loads(file.read_text(encoding="utf-8"))["_state_version"])
    except (OSError, ValueError, KeyError):
        return 0


def _sql(value: Any) -> str:
    if isinstance(value, int):
        return str(value)
    is_time = hasattr(value, "isoformat")
    return f"TIMESTAMP WITH TIME ZONE {literal(value.isoformat())}" if is_time else literal(value)
