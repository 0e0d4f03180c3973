"""A source's lake: the rows of every load as immutable, dated files beside the warehouse's tables.

    <bucket_url>/<dataset>/<table>/<YYYY-MM-DD>/<load id>.parquet

A load is written once it is committed, and before a later one can replace its rows. The table `_lake` of the dataset
says which loads are done. It is filled last: a run that dies before writes the same files again, under the same
names, where those that are there stay. So nothing is lost and nothing doubled, whatever became of the working folder.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline_cli.destinations.base import Connection, Warehouse, literal, quote
from pipeline_cli.lake.export import Exporter, open_exporter
from pipeline_cli.lake.place import Place, open_place
from pipeline_cli.loading.pipeline import dataset_name
from pipeline_cli.project import Project

LAKE = "_lake"
_LOAD_ID, _ROW_ID, _ROOT_ID = "_dlt_load_id", "_dlt_id", "_dlt_root_id"
# What the dataset remembers is no row that was received.
_BOOKKEEPING = ("_files", "_cursors", LAKE)


@dataclass(frozen=True, slots=True)
class Load:
    """A committed load. day: of its commit, in UTC."""

    load_id: str
    day: str


def catch_up(project: Project, warehouse: Warehouse, source: str) -> list[str]:
    """Write every committed load of the source that its lake does not have; does nothing without a lake.

    Returns notes for the user. Raises LoadError where the lake cannot be written: the rows are safe in the
    warehouse then, and the next run writes them.
    """
    name = getattr(project.manifest.sources[source], "lake", None)
    if name is None:
        return []
    entry = project.manifest.destinations[name]
    dataset = dataset_name(source)
    if (dataset, "_dlt_loads") not in set(warehouse.relations([dataset])):
        return []
    connection = warehouse.connect()
    try:
        loads = _missing_loads(connection, warehouse, dataset, name)
        if not loads:
            return []
        place = open_place(project, entry)
        parent = project.state_dir / "tmp"
        parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix=f"lake_{source}_", dir=parent) as folder,
            open_exporter(warehouse, connection, entry.format, Path(folder)) as exporter,
        ):
            writer = _Writer(connection, exporter, place, dataset, Path(folder))
            file_count = sum(writer.write(load, name, warehouse) for load in loads)
    finally:
        connection.close()
    if not file_count:  # a load of nothing but dlt's own state
        return []
    return [f"{file_count} file{'' if file_count == 1 else 's'} written to {name} ({place.shown})."]


def _missing_loads(connection: Connection, warehouse: Warehouse, dataset: str, name: str) -> list[Load]:
    with warehouse.writing():
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {quote(dataset, LAKE)}"
            f" ({quote(_LOAD_ID)} VARCHAR, place VARCHAR, written_at TIMESTAMP WITH TIME ZONE)"
        )
    done = f"SELECT {quote(_LOAD_ID)} FROM {quote(dataset, LAKE)} WHERE place = {literal(name)}"
    rows = connection.query(
        f"SELECT load_id, min(inserted_at) FROM {quote(dataset, '_dlt_loads')} WHERE status = 0"
        f" AND load_id NOT IN ({done}) GROUP BY load_id ORDER BY 2, 1"
    )
    return [Load(load_id, _utc_day(moment)) for load_id, moment in rows]


def _utc_day(moment: datetime) -> str:
    return (moment.astimezone(UTC) if moment.tzinfo else moment).date().isoformat()


class _Writer:
    """Writes loads of one dataset into one place."""

    def __init__(
        self, connection: Connection, exporter: Exporter, place: Place, dataset: str, folder: Path
    ) -> None:
        self._connection = connection
        self._exporter = exporter
        self._place = place
        self._dataset = dataset
        self._folder = folder
        self._tables = _read_tables(connection, dataset)

    def write(self, load: Load, name: str, warehouse: Warehouse) -> int:
        """Put the load's files there, then remember it. Returns how many tables had rows."""
        suffix = self._exporter.suffix
        file_count = 0
        for table, where in self._selections(load.load_id):
            file = self._folder / f"{load.load_id}.{suffix}"
            if self._exporter.export(quote(self._dataset, table), where, file):
                self._place.put(file, f"{self._dataset}/{table}/{load.day}/{file.name}", replace=False)
                file_count += 1
            file.unlink(missing_ok=True)
        with warehouse.writing():
            self._connection.execute(
                f"INSERT INTO {quote(self._dataset, LAKE)} VALUES"
                f" ({literal(load.load_id)}, {literal(name)}, CURRENT_TIMESTAMP)"
            )
        return file_count

    def _selections(self, load_id: str) -> Iterator[tuple[str, str]]:
        """(table, condition of the load's rows): those that carry its id, then those below them."""
        is_of_load = f"{quote(_LOAD_ID)} = {literal(load_id)}"
        roots = [table for table, columns in self._tables.items() if _LOAD_ID in columns]
        yield from ((table, is_of_load) for table in roots)
        # dlt's row ids are random: one is in no other table, so a child's root need not be known by name.
        parents = " UNION ALL ".join(
            f"SELECT {quote(_ROW_ID)} FROM {quote(self._dataset, table)} WHERE {is_of_load}"
            for table in roots
            if _ROW_ID in self._tables[table]
        )
        for table, columns in self._tables.items():
            if parents and _ROOT_ID in columns and _LOAD_ID not in columns:
                yield table, f"{quote(_ROOT_ID)} IN ({parents})"


def _read_tables(connection: Connection, dataset: str) -> Mapping[str, Sequence[str]]:
    """The columns of every table that holds received rows."""
    rows: list[tuple[Any, ...]] = connection.query(
        "SELECT table_name, column_name FROM information_schema.columns"
        f" WHERE table_catalog = current_database() AND table_schema = {literal(dataset)}"
        " ORDER BY table_name, ordinal_position"
    )
    found: dict[str, list[str]] = {}
    for table, column in rows:
        if table not in _BOOKKEEPING and not table.startswith("_dlt_"):
            found.setdefault(table, []).append(column)
    return found
