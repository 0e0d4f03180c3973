"""What a source's dataset remembers of earlier loads: files that are done, cursors, quarantine, dlt's loads.

Tables beside the bronze ones, written in the load's transaction: a file is done exactly when its rows are there.
The `_dlt_…` tables are as dlt 1.31 makes them (tests/integration/bulk holds them against dlt's own).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline_cli.bulk.reading import Stamp, timestamp_literal
from pipeline_cli.bulk.target import Target
from pipeline_cli.destinations.base import literal, quote
from pipeline_cli.sources.column_types import ColumnType
from pipeline_cli.sources.scan import FileVersion

FILES, CURSORS, QUARANTINE = "_files", "_cursors", "_quarantine"
CURSOR_HISTORY = "_cursor_history"  # where cursors stood before, for `rollback`
KEPT_CURSORS = 30  # of a resource

# Columns by table: dlt's data type.
STATE_TABLES: Mapping[str, Mapping[str, str]] = {
    FILES: {
        "resource": "text",
        "path": "text",
        "size_bytes": "bigint",
        "modified_at": "timestamp",
        "content_hash": "text",
        "_run_id": "text",
        "_dlt_load_id": "text",
    },
    CURSORS: {"resource": "text", "value": "text", "_run_id": "text", "_dlt_load_id": "text"},
    CURSOR_HISTORY: {"resource": "text", "value": "text", "_run_id": "text", "_dlt_load_id": "text"},
    QUARANTINE: {
        "id": "text",
        "resource": "text",
        "record_hash": "text",
        "reasons": "text",
        "record": "text",
        "file": "text",
        "line": "bigint",
        "raw": "text",
        "_run_id": "text",
        "_extracted_at": "timestamp",
        "_source": "text",
        "_dlt_load_id": "text",
    },
}
_DLT_TABLES: Mapping[str, Mapping[str, str]] = {
    "_dlt_version": {
        "version": "bigint",
        "engine_version": "bigint",
        "inserted_at": "timestamp",
        "schema_name": "text",
        "version_hash": "text",
        "schema": "text",
    },
    "_dlt_loads": {
        "load_id": "text",
        "schema_name": "text",
        "status": "bigint",
        "inserted_at": "timestamp",
        "schema_version_hash": "text",
    },
    "_dlt_pipeline_state": {
        "version": "bigint",
        "engine_version": "bigint",
        "pipeline_name": "text",
        "state": "text",
        "created_at": "timestamp",
        "version_hash": "text",
        "_dlt_load_id": "text",
        "_dlt_id": "text",
    },
}
_NULLABLE = {("_dlt_loads", "schema_name"), ("_dlt_loads", "schema_version_hash")} | {
    ("_dlt_pipeline_state", "version_hash")
}

Tables = dict[str, dict[str, ColumnType]]


def create_table(target: Target, dataset: str, name: str, columns: Mapping[str, ColumnType]) -> None:
    """Make a table whose columns may all be NULL."""
    shown = ", ".join(f"{quote(column)} {target.sql_type(kind)}" for column, kind in columns.items())
    target.execute(f"CREATE TABLE {quote(dataset, name)} ({shown})")


def add_columns(target: Target, dataset: str, name: str, columns: Mapping[str, ColumnType]) -> None:
    for column, kind in columns.items():
        target.execute(
            f"ALTER TABLE {quote(dataset, name)} ADD COLUMN {quote(column)} {target.sql_type(kind)}"
        )


def prepare_dataset(target: Target, dataset: str, tables: Tables) -> None:
    """Make the schema, our state tables and dlt's where they are not there; adds what it makes to `tables`."""
    if not tables:
        target.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(dataset)}")
    for name, columns in STATE_TABLES.items():
        _prepare(target, dataset, tables, name, {each: (kind, None, None) for each, kind in columns.items()})
    for name, columns in _DLT_TABLES.items():
        if name not in tables:
            shown = ", ".join(
                f"{quote(each)} {target.sql_type((kind, None, None))}"
                + ("" if (name, each) in _NULLABLE else " NOT NULL")
                for each, kind in columns.items()
            )
            target.execute(f"CREATE TABLE {quote(dataset, name)} ({shown})")
            tables[name] = {each: (kind, None, None) for each, kind in columns.items()}


def _prepare(
    target: Target, dataset: str, tables: Tables, name: str, columns: Mapping[str, ColumnType]
) -> None:
    there = tables.get(name)
    if there is None:
        create_table(target, dataset, name, columns)
    else:  # a quarantine that the row path made has no files and lines
        add_columns(target, dataset, name, {key: kind for key, kind in columns.items() if key not in there})
    tables[name] = {**columns, **(there or {})}


def read_files(target: Target, dataset: str, resource: str) -> dict[str, FileVersion]:
    """The files of a resource that are done, by path."""
    rows = target.query(
        f"SELECT path, size_bytes, modified_at, content_hash FROM {quote(dataset, FILES)}"
        f" WHERE resource = {literal(resource)}"
    )
    return {path: FileVersion(path, size or 0, modified, digest) for path, size, modified, digest in rows}


def write_files(
    target: Target, dataset: str, resource: str, stamp: Stamp, files: Sequence[FileVersion]
) -> None:
    """Remember these versions in place of earlier ones of the same paths."""
    table = quote(dataset, FILES)
    for start in range(0, len(files), 1_000):
        paths = ", ".join(literal(file.path) for file in files[start : start + 1_000])
        target.execute(f"DELETE FROM {table} WHERE resource = {literal(resource)} AND path IN ({paths})")
    rows = (
        (
            resource,
            file.path,
            file.size_bytes,
            file.modified_at,
            file.content_hash,
            stamp.run_id,
            stamp.load_id,
        )
        for file in files
    )
    target.insert(table, STATE_TABLES[FILES], rows)


def forget_files(target: Target, dataset: str, resource: str) -> None:
    """For a table that is replaced: only the files that it is made of now are done."""
    target.execute(f"DELETE FROM {quote(dataset, FILES)} WHERE resource = {literal(resource)}")


def read_cursor(target: Target, dataset: str, resource: str) -> str | None:
    rows = target.query(f"SELECT value FROM {quote(dataset, CURSORS)} WHERE resource = {literal(resource)}")
    return rows[0][0] if rows else None


def write_cursor(target: Target, dataset: str, resource: str, stamp: Stamp, value: str) -> None:
    table, before = quote(dataset, CURSORS), quote(dataset, CURSOR_HISTORY)
    names = ", ".join(map(quote, STATE_TABLES[CURSORS]))
    of_resource = f"WHERE resource = {literal(resource)}"
    target.execute(f"INSERT INTO {before} ({names}) SELECT {names} FROM {table} {of_resource}")
    newest = (
        f"SELECT _dlt_load_id FROM {before} {of_resource} ORDER BY _dlt_load_id DESC LIMIT {KEPT_CURSORS}"
    )
    target.execute(f"DELETE FROM {before} {of_resource} AND _dlt_load_id NOT IN ({newest})")
    target.execute(f"DELETE FROM {table} {of_resource}")
    target.insert(table, STATE_TABLES[CURSORS], [(resource, value, stamp.run_id, stamp.load_id)])


def forget(target: Target, dataset: str) -> None:
    """For --full-refresh: no file is done, no cursor has moved; what is bad is rejected again when it is read."""
    for name in (FILES, CURSORS, CURSOR_HISTORY, QUARANTINE):
        target.execute(f"DELETE FROM {quote(dataset, name)}")


def write_rejects(target: Target, dataset: str, rows: Iterable[Sequence[Any]], *, is_new: bool) -> None:
    """Add rows to the quarantine; is_new: they are of this load alone, so none of them is there already."""
    table = quote(dataset, QUARANTINE)
    if is_new:
        target.insert(table, STATE_TABLES[QUARANTINE], rows)
        return
    staged = target.create_like("__rejects", table)
    names = ", ".join(quote(name) for name in STATE_TABLES[QUARANTINE])
    target.insert(staged, STATE_TABLES[QUARANTINE], rows)
    target.execute(
        f"INSERT INTO {table} ({names}) SELECT {names} FROM (SELECT *, row_number() OVER (PARTITION BY id) AS n"
        f" FROM {staged}) AS staged WHERE n = 1 AND id NOT IN (SELECT id FROM {table} WHERE id IS NOT NULL)"
    )
    target.execute(f"DROP TABLE {staged}")


def write_load(target: Target, dataset: str, stamp: Stamp, schema_hash: str | None) -> None:
    """dlt's own row of a load that is complete."""
    values = [
        literal(stamp.load_id),
        literal(stamp.source),
        "0",
        timestamp_literal(stamp.extracted_at),
        literal(schema_hash),
    ]
    target.execute(f"INSERT INTO {quote(dataset, '_dlt_loads')} VALUES ({', '.join(values)})")
