"""dlt, bound to a project: where it keeps its files, what it must not do, and what its schema says."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline_cli.destinations.base import Connection, Warehouse, quote
from pipeline_cli.dlt_import import import_dlt
from pipeline_cli.errors import LoadError
from pipeline_cli.failpoints import is_armed
from pipeline_cli.project import Project
from pipeline_cli.transforms.base import BronzeTable

if TYPE_CHECKING:
    from dlt.common.schema import Schema
    from dlt.pipeline.pipeline import Pipeline

# Read by dlt whenever it resolves its configuration; telemetry must be off before the first import.
_SETTINGS = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "WARNING",
    "NORMALIZE__WORKERS": "1",  # a second process costs more to start than our loads take
    "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",  # the files live for seconds, on this machine
    "LOAD__RAISE_ON_FAILED_JOBS": "true",
    "LOAD__DELETE_COMPLETED_JOBS": "true",
    "EXTRACT__NEXT_ITEM_MODE": "fifo",  # one resource after the other: its parent's records wait in no queue
}


def dataset_name(source: str) -> str:
    """The schema that a source's tables land in."""
    return f"bronze_{source}"


def pipelines_dir(project: Project) -> Path:
    """dlt's working folders of the environment."""
    return project.loads_dir / "dlt" / "pipelines"


def spool_dir(project: Project, source: str) -> Path:
    """Where pages that are loaded by column stand for a moment: on the disk of dlt's working folders."""
    return project.loads_dir / "dlt" / "spool" / source


def ahead_dir(project: Project, source: str) -> Path:
    """Where tables stand that were made of such pages before dlt asked for them."""
    return project.loads_dir / "dlt" / "ahead" / source


def dlt_settings(project: Project) -> dict[str, str]:
    """Environment variables that bind dlt, ours or the user's own command, to this project."""
    return {**_SETTINGS, "DLT_DATA_DIR": str(project.loads_dir / "dlt")}


def open_pipeline(project: Project, warehouse: Warehouse, source: str) -> Pipeline:
    """The dlt pipeline of a source: same name, its own dataset, its working folder in the environment's state."""
    if "%" in str(pipelines_dir(project)):
        raise LoadError(
            f"{project.root}: dlt cannot write below a folder with a % in its name",
            code="E302",
            hint="Give the folder another name.",
        )
    os.environ.update(dlt_settings(project))
    import_dlt()
    import dlt

    from pipeline_cli.loading.traces import MaskingCollector
    from pipeline_cli.nested.install import install

    install()
    if is_armed():
        from pipeline_cli.loading.failing import watch_dlt

        watch_dlt()
    return dlt.pipeline(
        pipeline_name=source,
        destination=warehouse.dlt_destination(),
        dataset_name=dataset_name(source),
        pipelines_dir=str(pipelines_dir(project)),
        progress=MaskingCollector(project.secrets),
    )


def bronze_tables(project: Project, warehouse: Warehouse, source: str) -> list[BronzeTable]:
    """The loaded tables of a source, with dlt's data types, in dlt's order; none before the first load.

    Reads dlt's schema from the working folder; where that is gone, dlt restores it from the destination. One that was
    cut short is read in the destination: the next load makes the folder anew.
    """
    folder = pipelines_dir(project) / source / "schemas"
    if not any(folder.glob("*.schema.json")):
        open_pipeline(project, warehouse, source).sync_destination()
    dataset = dataset_name(source)
    there = {name for _, name in warehouse.relations([dataset])}
    try:
        schemas = [json.loads(file.read_bytes()) for file in sorted(folder.glob("*.schema.json"))]
    except ValueError:
        with closing(warehouse.connect()) as connection:
            schemas = [each for _, each in sorted(stored_schemas(connection, dataset).items())]
    return [
        BronzeTable(dataset, name, columns)
        for schema in schemas
        for name, columns in _tables(schema)
        if name in there
    ]


def stored_schemas(connection: Connection, dataset: str) -> Mapping[str, Any]:
    """The newest version of each dlt schema that the destination has, by its name."""
    rows = connection.query(
        f"SELECT schema_name, {quote('schema')} FROM {quote(dataset, '_dlt_version')} ORDER BY inserted_at"
    )
    return {name: json.loads(text) for name, text in dict(rows).items()}


def _tables(schema: Mapping[str, Any]) -> list[tuple[str, dict[str, str]]]:
    found = []
    for name, table in schema["tables"].items():
        columns = {
            key: column["data_type"] for key, column in table["columns"].items() if column.get("data_type")
        }
        if columns and not name.startswith("_dlt_"):
            found.append((name, columns))
    return found


def tables_below(schema: Schema, root: str) -> list[str]:
    """A table and the child tables of its nested lists, parents first."""
    found = [root]
    for name in found:
        found.extend(child for child, table in schema.tables.items() if table.get("parent") == name)
    return found


def read_trace(pipeline: Pipeline) -> bytes | None:
    """What `dlt pipeline … trace` and the dashboard show: the last trace, None before the first."""
    from dlt.pipeline.trace import get_trace_file_path

    file = Path(get_trace_file_path(pipeline.pipelines_dir, pipeline.pipeline_name))
    return file.read_bytes() if file.is_file() else None


def write_trace(pipeline: Pipeline, trace: bytes | None) -> None:
    """Put an earlier trace back: that of an extraction which brought nothing tells of a package that is gone."""
    from dlt.pipeline.trace import get_trace_file_path

    if trace is not None:
        Path(get_trace_file_path(pipeline.pipelines_dir, pipeline.pipeline_name)).write_bytes(trace)
