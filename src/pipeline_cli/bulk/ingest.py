"""Columns: a source into its bronze tables, in one transaction of the warehouse.

read       each scan is read by DuckDB in one statement, which writes the rows that are certainly fine
judge      the others are judged one by one; what is rejected goes to quarantine
account    extracted = loaded + quarantined + deduplicated
commit     rows, rejects, done files, cursors and dlt's bookkeeping together, or none of it
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline_cli.bulk.dlt_schema import TableChange, Version, read_version, sync_folder, write_version
from pipeline_cli.bulk.errors import OrderNeededError, RoomNeededError
from pipeline_cli.bulk.reader import Workplace
from pipeline_cli.bulk.reading import Stamp
from pipeline_cli.bulk.resource import ResourceLoad
from pipeline_cli.bulk.rules import column_rules
from pipeline_cli.bulk.state import Tables, forget, prepare_dataset, write_load
from pipeline_cli.bulk.target import Target
from pipeline_cli.destinations.base import quote
from pipeline_cli.document import utc_now
from pipeline_cli.failpoints import failpoint
from pipeline_cli.loading.account import warn_of_contracts
from pipeline_cli.loading.load_ids import next_load_id
from pipeline_cli.loading.pipeline import dataset_name, dlt_settings
from pipeline_cli.loading.request import IngestRequest, IngestResult
from pipeline_cli.sources.build import open_columns
from pipeline_cli.sources.files.again import ReadAgainError
from pipeline_cli.sources.scan import ColumnSource


def ingest_columns(request: IngestRequest) -> IngestResult:
    """Bring a column source's tables up to date; raises as `ingest_source` does, and then nothing has changed."""
    os.environ.update(dlt_settings(request.project))  # before anything imports dlt: telemetry is off
    source = open_columns(request.project, request.source)
    with workplace(request) as folder, open_target(request, folder) as target:
        load, result = _load(request, source, target, folder)
        failpoint("columns.commit_after")
    sync_folder(request.project, request.warehouse, request.source, load.version)
    # What was found out about each file is for `preview`; a run tells only of what may be wrong.
    warnings = [each for resource in source.resources for each in getattr(resource, "warnings", ())]
    result.notes = list(dict.fromkeys([*result.notes, *warnings]))
    return result


def _load(
    request: IngestRequest, source: ColumnSource, target: Target, folder: Path
) -> tuple[_Load, IngestResult]:
    """The load, committed; from the beginning where the reader met a file that it has to read with more care."""
    numbered: set[str] = set()
    while True:
        load = _Load(request, source, target, folder, numbered)
        try:
            with target.transaction(), source.session():
                result = load.run()
                failpoint("columns.commit_before")
                return load, result
        except (ReadAgainError, OrderNeededError, RoomNeededError):
            _empty(
                folder
            )  # each time one more file or resource is read with care, or all with more memory, so this ends


class _Load:
    """One load of a source, inside its transaction."""

    def __init__(
        self,
        request: IngestRequest,
        source: ColumnSource,
        target: Target,
        folder: Path,
        numbered: set[str],
    ) -> None:
        self._numbered = numbered
        self._request = request
        self._source = source
        self._target = target
        self._folder = folder
        self._dataset = dataset_name(request.source)
        self._changes: list[TableChange] = []
        self.version: Version | None = None

    def _make_stamp(self, tables: Tables) -> Stamp:
        highest = None
        if "_dlt_loads" in tables:
            found = self._target.query(f"SELECT max(load_id) FROM {quote(self._dataset, '_dlt_loads')}")
            highest = found[0][0]
        return Stamp(self._request.source, self._request.run_id, next_load_id(highest), utc_now())

    def run(self) -> IngestResult:
        tables: Tables = self._target.table_columns(self._dataset)
        self._stamp = self._make_stamp(tables)
        rules = column_rules(self._request.project, self._request.source)
        place = Workplace(self._request, self._target, self._stamp, self._folder, tables, self._numbered)
        prepare_dataset(self._target, self._dataset, tables)
        if self._request.full_refresh:
            forget(self._target, self._dataset)
        loads = []
        window = self._request.window
        for resource in self._source.resources:
            if window is not None and resource.name not in window.resources:
                continue
            load = ResourceLoad(place, rules[resource.name], resource)
            load.take()
            load.require_account()
            loads.append(load)
        return self._finish(loads)

    def _finish(self, loads: list[ResourceLoad]) -> IngestResult:
        violations = [each for load in loads for each in load.tally.violations]
        warned = {load.rules.resource: load.tally.warned for load in loads if load.tally.warned}
        self._changes = [load.change for load in loads if load.change is not None]
        result = IngestResult(
            status="unchanged",
            resources=[load.result() for load in loads],
            checks=warn_of_contracts(warned, violations),
            schema_changes=[each for load in loads for each in load.schema_changes],
            fields={load.rules.table: load.fields for load in loads if load.fields.rows},
            violations=violations,
            notes=[each for load in loads for each in load.notes],
        )
        if any(load.has_output for load in loads):
            self._record()
            touched = {table for load in loads for table in load.touched}
            result.status = "succeeded"
            result.loaded_tables = frozenset((self._dataset, table) for table in touched)
            result.load_ids = [self._stamp.load_id]
        return result

    def _record(self) -> None:
        """dlt's own rows: a new version of the schema where it has changed, and the load."""
        schema_hash, stored = read_version(self._target, self._dataset, self._request.source)
        if self._changes or stored is None:
            self.version = write_version(self._target, self._dataset, self._stamp, stored, self._changes)
            schema_hash = str(self.version.schema.version_hash)
        write_load(self._target, self._dataset, self._stamp, schema_hash)


@contextmanager
def workplace(request: IngestRequest) -> Iterator[Path]:
    """A folder for temporary files: empty at the beginning, gone at the end, whatever happened."""
    folder = request.project.state_dir / "tmp" / f"load_{request.source}"
    _empty(folder)  # of a run that was killed; the source is ours alone now
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


@contextmanager
def open_target(request: IngestRequest, folder: Path) -> Iterator[Target]:
    if request.warehouse.type == "duckdb":
        from pipeline_cli.bulk.target_duckdb import DuckDBTarget

        duckdb_target = DuckDBTarget(request.warehouse)
        try:
            yield duckdb_target
        finally:
            duckdb_target.close()
        return
    from pipeline_cli.bulk.target_postgres import PostgresTarget

    postgres_target = PostgresTarget(request.warehouse, folder)
    try:
        yield postgres_target
    finally:
        postgres_target.close()
