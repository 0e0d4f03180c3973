"""Rejected records of an API or a Python source, through the gate again and into their tables in one load package.

A replayed row's `_dlt_id` is made of its id in quarantine, so the destination itself says whether it was loaded: a
process that dies between the load and the mark leaves nothing to guess.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import dlt
from dlt.extract import DltResource, DltSource

from pipeline_cli.contracts.reasons import Record
from pipeline_cli.destinations.base import Connection
from pipeline_cli.errors import StepError
from pipeline_cli.failpoints import failpoint
from pipeline_cli.gate.check import CheckStep
from pipeline_cli.gate.rules import GateContext, GateRules
from pipeline_cli.loading.contract_files import read_contracts
from pipeline_cli.loading.intake import apply_hints, make_rules
from pipeline_cli.loading.load_ids import raise_load_ids
from pipeline_cli.loading.pipeline import dataset_name
from pipeline_cli.loading.request import IngestRequest
from pipeline_cli.loading.rows import load_package, open_recovered, touched_tables, translated
from pipeline_cli.loading.ways import FILE_FORMATS
from pipeline_cli.maintenance.operation import Operation
from pipeline_cli.maintenance.replay.outcomes import Outcome, ReplayResult, mark
from pipeline_cli.maintenance.replay.row_writer import ReplayWriter, received_again
from pipeline_cli.maintenance.standing import Place, read_types
from pipeline_cli.manifest.sources import PythonSource, ResourceHints, unfrozen
from pipeline_cli.progress import tell_nobody
from pipeline_cli.quarantine import Rejected, Wanted, read_open
from pipeline_cli.sources.build import open_source

_PAGE = 500
_SNAPSHOT = (
    "its resource keeps versions of all that the source has: the next run reads the record again, and judges it by "
    "today's contract"
)


def replay_rows(operation: Operation, source: str, wanted: Wanted) -> ReplayResult:
    """Replay a source's open records. Raises as `ingest_source` does; then none is marked, and none half loaded."""
    request = IngestRequest(
        operation.project,
        operation.warehouse,
        source,
        operation.run_id,
        cancelled=operation.interruption.cancelled,
    )
    result = ReplayResult()
    with translated(request):
        pipeline, recovered, result.notes = open_recovered(request)
        result.tables = frozenset((dataset_name(source), table) for table in recovered)
        with open_source(operation.project, source, cancelled=request.cancelled) as found:
            _Replay(request, found, wanted, result).run(pipeline)
    failpoint("replay.loaded")
    mark(operation, dataset_name(source), result)
    return result


class _Replay:
    """The records of one source, resource by resource, into one load package."""

    def __init__(
        self, request: IngestRequest, source: DltSource, wanted: Wanted, result: ReplayResult
    ) -> None:
        self._request = request
        self._source = source
        self._replayed = source  # what dlt is given: it puts the pipeline's own schema into that
        self._wanted = wanted
        self._result = result
        self._dataset = dataset_name(request.source)
        self._context = GateContext(
            run_id=request.run_id,
            tables=frozenset(name for _, name in request.warehouse.relations([self._dataset])),
            known=lambda table, column, values: set(),
            current_version=lambda table, key: None,
            progress=tell_nobody,
            stop_if_cancelled=self._stop_if_cancelled,
        )

    def _stop_if_cancelled(self) -> None:
        if self._request.cancelled.is_set():
            raise StepError("interrupted; nothing was replayed", code="E130")

    def run(self, pipeline: Any) -> None:
        with closing(self._request.warehouse.connect()) as connection:
            resources, writers = self._open_resources(connection)
            if resources:
                self._load(pipeline, resources, writers, connection)
        for writer in writers:
            rules = writer.rules
            self._result.resources.append(self._result.account(rules.resource, rules.dataset, rules.table))

    def _open_resources(self, connection: Connection) -> tuple[list[DltResource], list[ReplayWriter]]:
        contracts = read_contracts(self._request.project, self._request.source)
        entry = self._request.project.manifest.sources[self._request.source]
        names = dict.fromkeys(each.resource for each in self._open_records(connection, self._wanted))
        resources, writers = [], []
        for name in names:
            original = self._source.resources.get(name)
            if original is None:
                self._hold(connection, name, f"{self._request.source} has no resource {name} any more")
                continue
            rules = make_rules(self._request.source, entry, name, original, contracts.get(name))
            # What was put into quarantine once is not to stop the others now.
            rules = replace(rules, on_violation="warn" if rules.on_violation == "warn" else "quarantine")
            rules = replace(rules, drift=unfrozen(rules.drift))
            if rules.disposition == "scd2" and rules.cursor is None:
                self._hold(connection, name, _SNAPSHOT)
                continue
            resource = self._open_resource(name, original, entry, rules)
            writer = ReplayWriter(
                rules, self._context, self._result, self._place(connection, rules), connection
            )
            resource.add_step(
                CheckStep(rules, self._context, lambda: self._replayed.schema, resource.compute_table_schema)
            )
            resource.add_step(writer)
            resources.append(resource)
            writers.append(writer)
        return resources, writers

    def _open_records(self, connection: Connection, wanted: Wanted) -> Iterator[Rejected]:
        return read_open(connection, self._dataset, wanted)

    def _hold(self, connection: Connection, name: str, note: str) -> None:
        for each in self._open_records(connection, replace(self._wanted, resource=name)):
            self._result.add(Outcome(each, "held", note))

    def _open_resource(self, name: str, original: DltResource, entry: Any, rules: GateRules) -> DltResource:
        """A resource with the original's hints whose records come from quarantine; it has no cursor to move."""
        is_python = isinstance(entry, PythonSource)
        resource: DltResource = dlt.resource(lambda: self._pages(name, is_python), name=name)
        hints = {key: hint for key, hint in (original._hints or {}).items() if key != "incremental"}
        resource._set_hints(hints)  # type: ignore[arg-type]
        apply_hints(resource, entry.resources.get(name, ResourceHints()), rules)
        if rules.disposition == "replace":
            resource.apply_hints(write_disposition="append")
        if original.max_table_nesting is not None:
            resource.max_table_nesting = original.max_table_nesting
        return resource

    def _pages(self, name: str, is_python: bool) -> Iterator[list[Record]]:
        page: list[Record] = []
        # A connection of its own: the load's statements stand between two pages.
        with closing(self._request.warehouse.connect()) as connection:
            for each in self._open_records(connection, replace(self._wanted, resource=name)):
                page.append(received_again(each, is_python))
                if len(page) == _PAGE:
                    yield page
                    page = []
        if page:
            yield page

    def _place(self, connection: Connection, rules: GateRules) -> Place:
        naming = self._source.schema.naming
        types = read_types(connection, rules.dataset, rules.table)
        keys = tuple(naming.normalize_path(name) for name in rules.primary_key)
        cursor = (
            naming.normalize_path(rules.cursor.removeprefix("$.").replace(".", "__"))
            if rules.cursor
            else None
        )
        is_keyed = rules.disposition in ("merge", "scd2") and all(key in types for key in keys)
        return Place(
            rules.dataset,
            rules.table,
            keys if is_keyed else (),
            cursor if cursor in types else None,
            types,
            versions=rules.disposition == "scd2",
        )

    def _load(
        self, pipeline: Any, resources: list[DltResource], writers: list[ReplayWriter], connection: Connection
    ) -> None:
        self._replayed = DltSource(self._source.schema, self._source.section, resources)
        self._replayed.root_key = True
        file_format: Any = FILE_FORMATS[self._request.warehouse.type]
        raise_load_ids(self._request.warehouse, self._dataset)
        pipeline.extract(self._replayed, loader_file_format=file_format)
        if not any(writer.written for writer in writers):
            pipeline.abort_packages()
            return
        failpoint("replay.extracted")
        normalized = pipeline.normalize()
        info, _ = load_package(self._request, pipeline)
        self._result.load_ids = list(info.loads_ids)
        counted = [name for name in normalized.row_counts if not name.startswith("_dlt_")]
        self._result.tables |= {(self._dataset, table) for table in touched_tables(pipeline, counted)}
        for writer in writers:
            writer.check(connection, self._result.load_ids)
