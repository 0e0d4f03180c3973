"""dlt's own record of what the column path made: the schema's version in the warehouse, and its working folder.

dlt is imported only when the schema has changed: a load into tables that are there needs none of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline_cli.bulk.reading import Stamp, sql_value, timestamp_literal
from pipeline_cli.bulk.state import STATE_TABLES
from pipeline_cli.bulk.target import Target
from pipeline_cli.destinations.base import Connection, Warehouse, literal, quote
from pipeline_cli.dlt_import import import_dlt
from pipeline_cli.loading.pipeline import open_pipeline, pipelines_dir
from pipeline_cli.loading.working_folder import find_damage, remove_folder
from pipeline_cli.project import Project
from pipeline_cli.sources.column_types import ColumnType
from pipeline_cli.threads import start_thread

if TYPE_CHECKING:
    from dlt.common.pipeline import TPipelineState
    from dlt.common.schema import Schema

_STATE = "state.json"  # of dlt's working folder


@dataclass(frozen=True, slots=True)
class TableChange:
    """A table that a load made or widened. columns: all of it, metadata included."""

    name: str
    resource: str
    columns: Mapping[str, ColumnType]
    primary_key: tuple[str, ...]
    disposition: str


@cache
def import_ahead() -> Future[None]:
    """Import dlt beside the database's work on the rows: 0.6 to 1 s of one processor that is mostly idle then."""
    return start_thread(import_dlt, "import dlt")


def read_version(target: Target | Connection, dataset: str, source: str) -> tuple[str | None, str | None]:
    """(hash, schema as JSON) of dlt's newest version of the source's schema; (None, None) before the first load."""
    rows = target.query(
        f"SELECT version_hash, {quote('schema')} FROM {quote(dataset, '_dlt_version')}"
        f" WHERE schema_name = {literal(source)} ORDER BY inserted_at DESC LIMIT 1"
    )
    return rows[0] if rows else (None, None)


@dataclass(frozen=True, slots=True)
class Version:
    """What a load wrote of dlt's: the schema; state: the pipeline's, of a first load."""

    schema: Schema
    state: TPipelineState | None


def write_version(
    target: Target, dataset: str, stamp: Stamp, stored: str | None, changes: list[TableChange]
) -> Version:
    """Add a version with the changed tables to dlt's history of the schema."""
    schema = _changed_schema(stamp.source, stored, changes)
    document = schema.to_dict()
    text = json.dumps(document, default=str)
    columns = ("version", "engine_version", "inserted_at", "schema_name", "version_hash", "schema")
    values = [
        str(schema.version),
        str(schema.ENGINE_VERSION),
        timestamp_literal(stamp.extracted_at),
        literal(stamp.source),
        literal(schema.version_hash),
        literal(text),
    ]
    names = ", ".join(quote(name) for name in columns)
    target.execute(f"INSERT INTO {quote(dataset, '_dlt_version')} ({names}) VALUES ({', '.join(values)})")
    return Version(schema, _write_state(target, dataset, stamp) if stored is None else None)


def sync_folder(project: Project, warehouse: Warehouse, source: str, version: Version | None) -> None:
    """Bring dlt's working folder up to date, for `dlt pipeline`, the dashboard and SQLMesh's external models.

    dlt can restore it from the warehouse; where this load has just written what would come from there, it is
    written by dlt's storage: opening a pipeline imports pandas and asks the warehouse, 0.4 s of a first load.
    """
    folder = pipelines_dir(project) / source
    if find_damage(folder) is not None:
        remove_folder(folder)
    is_there = (folder / _STATE).exists()
    if version is not None and (is_there or version.state is not None):
        _save_schema(folder, version.schema)
        if version.state is not None and not is_there:
            _save_state(folder, project, warehouse, version.state)
    elif not is_there:
        open_pipeline(project, warehouse, source).sync_destination()


def _save_schema(folder: Path, schema: Schema) -> None:
    from dlt.common.storages.configuration import SchemaStorageConfiguration
    from dlt.common.storages.schema_storage import SchemaStorage

    SchemaStorage(SchemaStorageConfiguration(str(folder / "schemas")), makedirs=True).save_schema(schema)


def _save_state(folder: Path, project: Project, warehouse: Warehouse, state: TPipelineState) -> None:
    from dlt.common.versioned_state import json_encode_state

    local = {"first_run": False, "initial_cwd": str(project.root)}
    whole: Any = {**state, "destination_name": warehouse.name, "_local": local}
    # Last and at once: a folder with a state is a folder with a schema.
    unfinished = folder / f"{_STATE}.tmp"
    unfinished.write_text(json_encode_state(whole), encoding="utf-8")
    unfinished.replace(folder / _STATE)


def _changed_schema(source: str, stored: str | None, changes: list[TableChange]) -> Schema:
    import_ahead().result()
    from dlt.common.schema import Schema

    schema = Schema.from_stored_schema(json.loads(stored)) if stored else Schema(source)
    for change in changes:
        schema.update_table(_dlt_table(change), normalize_identifiers=False)
    for name, columns in STATE_TABLES.items():
        if name not in schema.tables:
            kinds = {each: (kind, None, None) for each, kind in columns.items()}
            schema.update_table(
                _dlt_table(TableChange(name, name, kinds, (), "append")), normalize_identifiers=False
            )
    return schema


def _dlt_table(change: TableChange) -> Any:
    from dlt.common.schema.utils import new_table

    columns: list[Any] = []
    for name, (data_type, precision, scale) in change.columns.items():
        column: dict[str, Any] = {"name": name, "data_type": data_type, "nullable": True}
        if precision is not None:
            column |= {"precision": precision, "scale": scale or 0}
        if name in change.primary_key:
            column["primary_key"] = True
        columns.append(column)
    disposition: Any = "merge" if change.disposition == "scd2" else change.disposition
    return new_table(change.name, write_disposition=disposition, columns=columns, resource=change.resource)


def _write_state(target: Target, dataset: str, stamp: Stamp) -> TPipelineState:
    """Add the row from which dlt restores a pipeline's name and schemas on another machine."""
    from dlt.pipeline.state_sync import generate_pipeline_state_version_hash, state_doc

    state: TPipelineState = {
        "_state_version": 1,
        "_state_engine_version": 4,
        "pipeline_name": stamp.source,
        "dataset_name": dataset,
        "default_schema_name": stamp.source,
        "schema_names": [stamp.source],
        "destination_type": f"dlt.destinations.{target.dialect}",
        "destination_name": None,
        "sources": {},
        "_local": {},
    }
    state["_version_hash"] = generate_pipeline_state_version_hash(state)
    row = state_doc(state, stamp.load_id)
    names = ", ".join(quote(name) for name in row)
    values = ", ".join(sql_value(value) for value in row.values())
    target.execute(
        f"INSERT INTO {quote(dataset, '_dlt_pipeline_state')} ({names}, {quote('_dlt_id')})"
        f" VALUES ({values}, {literal(stamp.load_id)})"
    )
    return state
