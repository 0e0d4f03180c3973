"""`reconcile`: the source, read once more from its beginning, against what the destination holds.

The source is ingested anew into a DuckDB file of its own, through the same gate; then both tables are read row by row,
and compared by key and content in that file. Nothing is changed. Memory: a batch of rows, and DuckDB's 500 MB.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, fields, replace
from typing import Any

from pipeline_cli.comparison.content import ENDS, content_columns, has_children, json_columns
from pipeline_cli.comparison.fingerprints import content_of, fingerprint, plain, streamed
from pipeline_cli.destinations import open_warehouse
from pipeline_cli.destinations.base import Connection, Warehouse, literal, quote
from pipeline_cli.destinations.duckdb import DuckDBDestination
from pipeline_cli.document import ResourceResult, utc_now
from pipeline_cli.errors import UsageError
from pipeline_cli.ledger import RunEntry, new_run_id
from pipeline_cli.load import IngestRequest, ingest_source
from pipeline_cli.maintenance.engine import prepare_dlt
from pipeline_cli.maintenance.operation import hold_sources
from pipeline_cli.maintenance.standing import read_types
from pipeline_cli.manifest.sources import unfrozen
from pipeline_cli.project import Project
from pipeline_cli.running.interrupts import listen_for_signals
from pipeline_cli.sources.column_types import column_name

COMMAND, CODE = "reconcile", "E019"
AGAIN = ("rest_api", "filesystem", "sql_database", "faker")  # types of sources that can be read again
EXAMPLES = 20


@dataclass(slots=True)
class Comparison:
    """One table. rejected: records of the source that today's gate rejects: they are in neither count.

    missing: in the source alone; extra: in the destination alone; changed: in both, with other values. examples: keys
    of some of each. by_key: whether rows were told apart by their key; else by their content, each as often as it is.
    """

    source: str
    resource: str
    table: str
    by_key: bool
    source_rows: int = 0
    destination_rows: int = 0
    rejected: int = 0
    missing: int = 0
    extra: int = 0
    changed: int = 0
    examples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def differs(self) -> bool:
        return bool(self.missing or self.extra or self.changed)


def reconcile(project: Project, pipeline: str) -> tuple[list[Comparison], dict[str, str]]:
    """Compare every table of the pipeline's sources. Also gives the sources that were not compared, and why.

    Raises UsageError where none can be read again, Busy, SourceError, LoadError.
    """
    prepare_dlt(project)
    sources = project.manifest.pipelines[pipeline].sources
    refused = {
        name: f"{project.manifest.sources[name].type}: it may not give the same again"
        for name in sources
        if project.manifest.sources[name].type not in AGAIN
    }
    wanted = [name for name in sources if name not in refused]
    if not wanted:
        raise UsageError(
            f"no source of '{pipeline}' can be read again: {', '.join(refused)}.",
            code=CODE,
            hint=f"Sources that can be: {', '.join(AGAIN)}.",
        )
    warehouse = open_warehouse(project)
    started_at = utc_now()
    entry = RunEntry(new_run_id(started_at), project.environment_name, COMMAND, {}, started_at)
    with listen_for_signals() as interruption, hold_sources(project, warehouse, wanted, entry):
        found: list[Comparison] = []
        for source in wanted:
            with _read_again(project, source, interruption.cancelled) as (scratch, resources):
                found += _compare_source(warehouse, scratch, source, resources, project)
    return found, refused


# -- the source once more ------------------------------------------------------------------------------------


@contextmanager
def _read_again(
    project: Project, source: str, cancelled: Any
) -> Iterator[tuple[Warehouse, Sequence[ResourceResult]]]:
    """The source's records in a DuckDB file that is gone afterwards, and their account."""
    aside = _aside(project, source)
    shutil.rmtree(aside.state_dir, ignore_errors=True)
    scratch = open_warehouse(aside)
    try:
        aside.state_dir.mkdir(parents=True)
        with scratch.exclusive():
            with closing(scratch.connect()) as connection:
                connection.execute("SET memory_limit = '500MB'")
                connection.execute("CREATE SCHEMA compared")
            request = IngestRequest(aside, scratch, source, COMMAND, cancelled=cancelled)
            yield scratch, ingest_source(request).resources
    finally:
        scratch.release()
        shutil.rmtree(aside.state_dir, ignore_errors=True)


def _aside(project: Project, source: str) -> Project:
    """The project in an environment of its own, where nothing is known of the source and nothing stops at a reject."""
    name = f".{COMMAND}-{os.getpid()}"
    manifest = project.manifest
    entry = manifest.sources[source]
    resources = {key: _lenient(hints) for key, hints in entry.resources.items()}
    changes: dict[str, Any] = {"resources": resources}
    if any(each.name == "lake" for each in fields(entry)):
        changes["lake"] = None
    environment = replace(manifest.environments[project.environment_name], destination=name)
    aside = replace(
        manifest,
        environments={**manifest.environments, name: environment},
        destinations={**manifest.destinations, name: DuckDBDestination(type="duckdb", path="scratch.duckdb")},
        sources={**manifest.sources, source: replace(entry, **changes)},
    )
    return replace(project, manifest=aside, environment_name=name)


def _lenient(hints: Any) -> Any:
    wanted: dict[str, Any] = {
        "max_rejected": None,
        "expected_count": None,
        "keep_raw": False,
        "keep_landed": None,
    }
    if getattr(hints, "on_violation", None) == "fail":
        wanted["on_violation"] = "quarantine"
    if hasattr(hints, "drift"):
        wanted["schema_contract"] = unfrozen(hints.drift)
    there = {each.name for each in fields(hints)}
    return replace(hints, **{name: value for name, value in wanted.items() if name in there})


# -- the comparison ------------------------------------------------------------------------------------------


def _compare_source(
    warehouse: Warehouse,
    scratch: Warehouse,
    source: str,
    resources: Sequence[ResourceResult],
    project: Project,
) -> Iterator[Comparison]:
    entry = project.manifest.sources[source]
    with closing(warehouse.connect()) as there, closing(scratch.connect()) as here:
        for resource in resources:
            hints = entry.resources[resource.name]
            is_keyed = bool(hints.primary_key) and hints.write_disposition in ("merge", "scd2", "replace")
            comparison = Comparison(source, resource.name, f"{resource.dataset}.{resource.table}", is_keyed)
            comparison.rejected = resource.quarantined
            keys = [column_name(name) for name in hints.primary_key] if is_keyed else []
            table = _Table(resource.dataset, resource.table, keys)
            _fill(here, here, "duckdb", table, _types(here, there, table), "source")
            _fill(there, here, warehouse.type, table, _types(there, here, table), "destination")
            _count(here, comparison)
            yield comparison


@dataclass(frozen=True, slots=True)
class _Table:
    dataset: str
    name: str
    keys: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Columns:
    """names: of the table, those that hold content; json: which of them are JSON, on either side.

    types: of the table's columns, by name.
    """

    names: Sequence[str]
    types: Mapping[str, str]
    json: frozenset[str]
    versions: bool


def _types(one: Connection, other: Connection, table: _Table) -> _Columns:
    own = read_types(one, table.dataset, table.name)
    there = read_types(other, table.dataset, table.name)
    names = content_columns(own, has_children=_has_children(one, table))
    return _Columns(names, own, json_columns(own, there), ENDS in own)


def _has_children(connection: Connection, table: _Table) -> bool:
    found = connection.query(
        f"SELECT table_name FROM information_schema.tables WHERE table_schema = {literal(table.dataset)}"
    )
    return has_children(table.name, [str(name) for (name,) in found])


def _fill(
    reading: Connection, scratch: Connection, dialect: str, table: _Table, columns: _Columns, side: str
) -> None:
    """Write key and fingerprint of every row into the scratch file's table compared.<side>."""
    place = quote("compared", side)
    scratch.execute(f"CREATE OR REPLACE TABLE {place} (k text, h text)")
    if not columns.names:  # no such table
        return
    where = " WHERE _dlt_valid_to IS NULL" if columns.versions else ""
    selected = ", ".join(content_of(name, columns.types[name]) for name in columns.names)
    statement = f"SELECT {selected} FROM {quote(table.dataset, table.name)}{where}"
    keys = [columns.names.index(key) for key in table.keys]
    cursor: Any = scratch._raw.cursor()  # type: ignore[attr-defined]  # beside the one that may be reading
    with closing(cursor), streamed(reading, dialect, statement) as batches:
        for batch in batches:
            cursor.register("batch", _batch(batch, columns, keys))
            cursor.execute(f"INSERT INTO {place} SELECT k, h FROM batch")
            cursor.unregister("batch")


def _batch(rows: Sequence[tuple[Any, ...]], columns: _Columns, keys: Sequence[int]) -> Any:
    import pyarrow

    hashes = [fingerprint(dict(zip(columns.names, row, strict=True)), columns.json) for row in rows]
    shown = [", ".join(plain(row[index]) for index in keys) for row in rows] if keys else hashes
    return pyarrow.table(
        {"k": pyarrow.array(shown, pyarrow.string()), "h": pyarrow.array(hashes, pyarrow.string())}
    )


_NUMBERED = "SELECT k, h, row_number() OVER (PARTITION BY k, h) AS n FROM compared.{side}"
_ALONE = "SELECT s.k FROM ({one}) AS s ANTI JOIN ({other}) AS d ON s.k = d.k{also}"


def _count(scratch: Connection, comparison: Comparison) -> None:
    for side in ("source", "destination"):
        [(count,)] = scratch.query(f"SELECT count(*) FROM compared.{side}")
        setattr(comparison, f"{side}_rows", count)
    if comparison.by_key:
        source, destination = "SELECT k FROM compared.source", "SELECT k FROM compared.destination"
        also = ""
    else:  # rows that are alike: each as often as it comes
        source, destination = _NUMBERED.format(side="source"), _NUMBERED.format(side="destination")
        also = " AND s.n = d.n"
    found = {
        "missing": _ALONE.format(one=source, other=destination, also=also),
        "extra": _ALONE.format(one=destination, other=source, also=also),
    }
    if comparison.by_key:
        found["changed"] = (
            "SELECT s.k FROM compared.source AS s JOIN compared.destination AS d ON s.k = d.k AND s.h <> d.h"
        )
    for kind, statement in found.items():
        [(count,)] = scratch.query(f"SELECT count(*) FROM ({statement}) AS found")
        setattr(comparison, kind, count)
        if count:
            shown = scratch.query(f"{statement} ORDER BY 1 LIMIT {EXAMPLES}")
            comparison.examples[kind] = [str(row[0]) for row in shown]
