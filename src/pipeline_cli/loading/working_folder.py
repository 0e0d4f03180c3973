"""dlt's working folder, whole or gone.

What stands there comes back from the destination, but for a package that was on its way, and its records are read
again. So a folder with a file that was cut short (a power cut, a full disk, a copy that ended early) is given up, as
on a new machine. dlt reads what is left of such a file: a package would be loaded without the rows that are missing.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from pipeline_cli.destinations.base import Connection, Warehouse, quote
from pipeline_cli.loading.open_loads import find_open_load, forget_open_load, knows_open_loads
from pipeline_cli.loading.pipeline import dataset_name, pipelines_dir, stored_schemas
from pipeline_cli.project import Project

_SIZES = "sizes.json"  # in a package: bytes of each file of its records
_STATE = "state.json"
_VERSION = re.compile(r"\d+\.\d+\.\d+\s*")


def ready_folder(project: Project, warehouse: Warehouse, source: str) -> list[str]:
    """Give up a working folder that is damaged; returns notes for the user. Before dlt opens its pipeline.

    Where a load never ended and its package is not here, its rows go from what is appended to: it died with a folder
    that is gone, or on another machine, and its records are read again.
    """
    folder = pipelines_dir(project) / source
    damaged = find_damage(folder)
    is_whole = damaged is None and (folder / _STATE).is_file()
    if not _has_package(warehouse, dataset_name(source), folder if is_whole else None):
        _take_back_unfinished(warehouse, source)
    if damaged is None:
        return []
    remove_folder(folder)
    return [
        f"{damaged.relative_to(project.root)} was cut short, or is not there: dlt's working folder of {source} was made"
        " anew from the destination, and what an earlier run left there is read again."
    ]


def find_damage(folder: Path) -> Path | None:
    """The first file of a working folder that was cut short, or that a package lacks; None where all is whole."""
    for file in (folder / _STATE, *folder.glob("schemas/*.schema.json")):
        if file.is_file() and not _is_json(file):
            return file
    for file in (folder / "normalize/.version", folder / "load/.version"):
        if file.is_file() and not _VERSION.fullmatch(file.read_text(encoding="utf-8", errors="replace")):
            return file
    normalized = list(folder.glob("load/normalized/*/"))
    # Nothing tells whether the files of one are whole that died before their sizes were noted.
    unnoted = next((package / _SIZES for package in normalized if not (package / _SIZES).is_file()), None)
    if unnoted is not None:
        return unnoted
    done = {package.name for package in normalized}
    # What was normalized is deleted file by file where it was extracted.
    extracted = [each for each in folder.glob("normalize/extracted/*/") if each.name not in done]
    return next((file for package in (*normalized, *extracted) for file in _damaged_in(package)), None)


def remove_folder(folder: Path) -> None:
    """Remove a working folder; a kill in the midst leaves one that dlt takes for none."""
    (folder / _STATE).unlink(missing_ok=True)
    shutil.rmtree(folder)


def note_sizes(package: Path) -> None:
    """Leave in a load package how long each file of its records is."""
    sizes = {_job(file): file.stat().st_size for file in (package / "new_jobs").iterdir()}
    (package / _SIZES).write_text(json.dumps(sizes), encoding="utf-8")


def _damaged_in(package: Path) -> Iterator[Path]:
    yield from (file for file in package.rglob("*.json") if not _is_json(file))
    noted = package / _SIZES
    if noted.is_file() and (package / "new_jobs").is_dir():
        found = {_job(file): file.stat().st_size for file in package.glob("*_jobs/*")}
        sizes = json.loads(noted.read_text(encoding="utf-8"))
        yield from (package / "new_jobs" / job for job, size in sizes.items() if found.get(job) != size)


def _job(file: Path) -> str:
    """A job's name without the number of its try: `items.66d2f5f1c8.0.parquet` is `items.66d2f5f1c8.parquet`."""
    table, file_id, _, *kind = file.name.split(".")
    return ".".join((table, file_id, *kind))


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except ValueError:
        return False
    return True


def _has_package(warehouse: Warehouse, dataset: str, folder: Path | None) -> bool:
    """Whether the folder has the package of each load that has not ended; None has none."""
    if not knows_open_loads(warehouse):
        return folder is not None
    with closing(warehouse.connect()) as connection:
        load_id = find_open_load(connection, dataset)
    return load_id is None or (folder is not None and any(folder.glob(f"load/*/{load_id}")))


def _take_back_unfinished(warehouse: Warehouse, source: str) -> None:
    """Remove the rows of a load newer than the last that ended, where reading its records again would double them."""
    dataset = dataset_name(source)
    there = {name for _, name in warehouse.relations([dataset])}
    if not {"_dlt_version", "_dlt_loads"} <= there:
        return
    is_noted = knows_open_loads(warehouse)
    with closing(warehouse.connect()) as connection:
        schema = stored_schemas(connection, dataset).get(source)
        tables: Mapping[str, Any] = schema["tables"] if schema else {}
        ((newest,),) = connection.query(f"SELECT max(load_id) FROM {quote(dataset, '_dlt_loads')}")
        with warehouse.writing(), connection.transaction():
            for name in (each for each in there & tables.keys() if _is_appended(tables[each])):
                table = quote(dataset, name)
                connection.execute(f'DELETE FROM {table} WHERE "_dlt_load_id" > ?', [newest or ""])
                _remove_orphans(connection, dataset, name, there, tables)
            if is_noted:
                forget_open_load(connection, dataset)


def _is_appended(table: Mapping[str, Any]) -> bool:
    return table.get("write_disposition") == "append" and "_dlt_load_id" in table["columns"]


def _remove_orphans(
    connection: Connection, dataset: str, parent: str, there: set[str], tables: Mapping[str, Any]
) -> None:
    """Rows of child tables that have no parent: a child table's job may be committed before its parent's."""
    for child in (name for name, table in tables.items() if table.get("parent") == parent and name in there):
        connection.execute(
            f"DELETE FROM {quote(dataset, child)} AS child WHERE NOT EXISTS (SELECT 1 FROM"
            f' {quote(dataset, parent)} AS parent WHERE parent."_dlt_id" = child."_dlt_parent_id")'
        )
        _remove_orphans(connection, dataset, child, there, tables)
