"""Records one by one: a source into its bronze tables through dlt.

recover    what a run that died left is made whole first
extract    dlt reads the source; the gate judges every record
load       dlt normalizes and loads one package: rows, rejects and cursor commit together
account    extracted = loaded + quarantined + deduplicated, held against the destination before the load counts
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline_cli.document import CheckResult
from pipeline_cli.drift import SchemaChange
from pipeline_cli.errors import PipelineCliError, StepError
from pipeline_cli.failpoints import failpoint
from pipeline_cli.garbage import collect_among_pages
from pipeline_cli.gate.rules import GateContext, too_many_rejected
from pipeline_cli.lake.writing import catch_up
from pipeline_cli.loading.account import LoadAccount, fill_in_loaded, warn_of_contracts
from pipeline_cli.loading.closing import extracted_folder, load_normalized, package_folder
from pipeline_cli.loading.errors import translate
from pipeline_cli.loading.intake import Intake, attach_gates
from pipeline_cli.loading.load_ids import raise_load_ids
from pipeline_cli.loading.lookups import current_versions, known_hashes
from pipeline_cli.loading.pipeline import (
    dataset_name,
    open_pipeline,
    read_trace,
    tables_below,
    write_trace,
)
from pipeline_cli.loading.recovery import (
    drop_pending,
    finish_pending,
    is_account_error,
    mend_packages,
    sweep_remains,
)
from pipeline_cli.loading.request import IngestRequest, IngestResult
from pipeline_cli.loading.ways import FILE_FORMATS, open_ahead, open_spool, row_notes
from pipeline_cli.loading.window import read_window_only
from pipeline_cli.loading.working_folder import note_sizes, ready_folder
from pipeline_cli.manifest.sources import RestApiSource
from pipeline_cli.nested.ahead import Ahead
from pipeline_cli.nested.spool import SpoolFolder
from pipeline_cli.sources.build import open_source
from pipeline_cli.sources.decoding import Decoding
from pipeline_cli.sources.landing.folders import prune_landings
from pipeline_cli.sources.landing.opening import StaleLandingError, open_landing

if TYPE_CHECKING:
    from dlt.common.pipeline import LoadInfo
    from dlt.extract import DltSource
    from dlt.pipeline.pipeline import Pipeline


def ingest_rows(request: IngestRequest) -> IngestResult:
    """Bring a source's bronze tables up to date.

    Raises SourceError when the source does not give data, LoadError when the destination refuses, ChecksFailed
    when a contract's limits are passed. In each case nothing new is visible, and no cursor has moved.
    """
    with translated(request):
        pipeline, recovered, notes = open_recovered(request)
        if recovered:
            notes += catch_up(request.project, request.warehouse, request.source)
        trace = read_trace(pipeline)
        raise_load_ids(request.warehouse, pipeline.dataset_name)
        with open_ahead(request) as ahead:
            try:
                extracted = _extract(request, pipeline, ahead, go_on=not notes)
            except StaleLandingError as moved:
                extracted = _extract(request, pipeline, ahead, go_on=False)
                notes.append(moved.message)
            result = _load(request, pipeline, extracted.intakes, trace)
        prune_landings(request.project, request.source)
    result.checks = extracted.checks
    result.violations = extracted.context.violations
    result.notes = [*notes, *row_notes(extracted.intakes)]
    for intake in extracted.intakes:
        result.fields |= intake.check.fields()
        result.schema_changes += intake.check.retyped()
    result.loaded_tables |= {(dataset_name(request.source), table) for table in recovered}
    if result.loaded_tables:
        result.status = "succeeded"
    return result


def open_recovered(request: IngestRequest) -> tuple[Pipeline, frozenset[str], list[str]]:
    """The source's dlt pipeline, with what a run that died left made whole or taken back.

    Returns the tables that received rows by that, and notes for the user, too.
    """
    mended = ready_folder(request.project, request.warehouse, request.source)
    pipeline = open_pipeline(request.project, request.warehouse, request.source)
    recovered, notes = recover(request, pipeline)
    return pipeline, recovered, [*mended, *notes]


def recover(request: IngestRequest, pipeline: Pipeline) -> tuple[frozenset[str], list[str]]:
    sweep_remains(pipeline)
    if request.full_refresh:  # everything is about to be read again
        pipeline.sync_destination()
        drop_pending(pipeline, request.warehouse)
        return frozenset(), []
    # A destination without our state makes dlt forget what is pending: right where the database was deleted,
    # wrong where the first load ever did not finish.
    recovered = finish_pending(pipeline, request.warehouse) if pipeline.first_run else (frozenset(), [])
    pipeline.sync_destination()
    if recovered[1]:
        return recovered
    recovered = finish_pending(pipeline, request.warehouse)
    if recovered[1]:
        # dlt saves the cursor in its folder after the package that moves it: killed in between, the folder has the
        # one before, and the package has brought its own to the destination.
        pipeline.sync_destination()
    return recovered


def _gate_context(request: IngestRequest, source: DltSource, spool: SpoolFolder | None) -> GateContext:
    dataset = dataset_name(request.source)
    tables = frozenset(name for _, name in request.warehouse.relations([dataset]))
    if request.full_refresh:
        tables = frozenset()  # they are about to be dropped: nothing in them is known

    def stop_if_cancelled() -> None:
        if request.cancelled.is_set():
            raise StepError("interrupted between two pages; nothing of this source was loaded", code="E130")

    return GateContext(
        run_id=request.run_id,
        tables=tables,
        known=known_hashes(request.warehouse.connect, dataset, tables),
        current_version=current_versions(
            request.warehouse.connect, dataset, tables, lambda name: source.schema.naming.normalize_path(name)
        ),
        progress=request.progress,
        stop_if_cancelled=stop_if_cancelled,
        spool=spool,
    )


@dataclass(frozen=True, slots=True)
class _Extracted:
    """What the source gave, judged; its rows wait in dlt's package."""

    intakes: Sequence[Intake]
    context: GateContext
    checks: list[CheckResult]


def _extract(request: IngestRequest, pipeline: Pipeline, ahead: Ahead, *, go_on: bool) -> _Extracted:
    """Read the source. go_on: with what an extraction that did not end has landed.

    Raises StaleLandingError where that is of no use.
    """
    project, name = request.project, request.source
    entry = project.manifest.sources[name]
    decoding = {key: Decoding() for key in entry.resources} if isinstance(entry, RestApiSource) else {}
    with (
        open_landing(project, name, go_on=go_on) as landing,
        open_source(project, name, cancelled=request.cancelled, landing=landing, decoding=decoding) as source,
        open_spool(request, ahead) as spool,
    ):
        if request.window is not None:
            read_window_only(source, request.window)
        context = _gate_context(request, source, spool)
        intakes = attach_gates(project, name, source, context, decoding)
        _read(request, pipeline, source)
        failpoint("extract.end_after")
        return _Extracted(intakes, context, _judge(request, pipeline, intakes, context))


def _read(request: IngestRequest, pipeline: Pipeline, source: DltSource) -> None:
    collect_among_pages()
    source.root_key = True
    refresh: Any = "drop_sources" if request.full_refresh else None
    file_format: Any = FILE_FORMATS[request.warehouse.type]
    workers = request.project.manifest.sources[request.source].max_parallel
    pipeline.extract(source, refresh=refresh, loader_file_format=file_format, workers=workers)
    for load_id in pipeline.list_extracted_load_packages():
        note_sizes(extracted_folder(pipeline, load_id))


def _judge(
    request: IngestRequest, pipeline: Pipeline, intakes: Sequence[Intake], context: GateContext
) -> list[CheckResult]:
    """The checks that need all records; a failed one takes the extracted package back before it is loaded."""
    from pipeline_cli.sources.counts import check_counts

    try:
        for intake in intakes:
            rules, result = intake.rules, intake.writer.result
            if rules.max_rejected and not rules.max_rejected.allows(result.quarantined, result.extracted):
                raise too_many_rejected(rules, result, context.violations)
        extracted = {intake.rules.resource: intake.writer.result.extracted for intake in intakes}
        return [
            *warn_of_contracts(context.warned, context.violations),
            *check_counts(request.project, request.source, extracted),
        ]
    except PipelineCliError:
        pipeline.abort_packages()
        raise


def _load(
    request: IngestRequest, pipeline: Pipeline, intakes: Sequence[Intake], trace: bytes | None
) -> IngestResult:
    is_rest = isinstance(request.project.manifest.sources[request.source], RestApiSource)
    if is_rest and not any(intake.writer.has_output for intake in intakes):
        # dlt would load a package with nothing but its own bookkeeping. A Python source may keep state of its own.
        pipeline.abort_packages()
        write_trace(pipeline, trace)
        return IngestResult("unchanged", [intake.writer.result for intake in intakes])
    normalized = pipeline.normalize()
    failpoint("normalize.after")
    row_counts = dict(normalized.row_counts) if normalized.loads_ids else {}
    for load_id in normalized.loads_ids:
        account = LoadAccount.of(pipeline.dataset_name, intakes, row_counts, pipeline.default_schema)
        account.write(package_folder(pipeline, load_id))
        note_sizes(package_folder(pipeline, load_id))
    info, held = load_package(request, pipeline)
    failpoint("load.after")
    fill_in_loaded(intakes, held)
    results = [intake.writer.result for intake in intakes]
    tables = touched_tables(
        pipeline, [name for name, count in row_counts.items() if not name.startswith("_dlt_")]
    )
    return IngestResult(
        status="succeeded" if tables else "unchanged",
        resources=results,
        loaded_tables=frozenset((pipeline.dataset_name, table) for table in tables),
        load_ids=list(info.loads_ids),
        schema_changes=_schema_changes(info),
    )


def load_package(request: IngestRequest, pipeline: Pipeline) -> tuple[LoadInfo, dict[str, int]]:
    """As `load_normalized`; nothing of a load that fails stays visible."""
    try:
        return load_normalized(pipeline, request.warehouse)
    except Exception as error:
        # The tables whose jobs went through would show rows of a load that has failed.
        take_back = drop_pending if is_account_error(error) else mend_packages
        with suppress(Exception), request.warehouse.writing():
            take_back(pipeline, request.warehouse)
        raise


def touched_tables(pipeline: Pipeline, written: Sequence[str]) -> set[str]:
    """The tables written to, with all their child tables: a merge that adds none may have removed some."""
    if not written or not pipeline.default_schema_name:
        return set()
    schema = pipeline.default_schema
    return {table for name in written if name in schema.tables for table in tables_below(schema, name)}


def _schema_changes(info: Any) -> list[SchemaChange]:
    """The new columns of this load."""
    return [
        SchemaChange("new", table, name, each.get("data_type"))
        for package in info.load_packages
        for table, update in package.schema_update.items()
        if not table.startswith("_dlt_")
        for name, each in update.get("columns", {}).items()
    ]


@contextmanager
def translated(request: IngestRequest) -> Iterator[None]:
    try:
        yield
    except PipelineCliError:
        raise
    except Exception as error:
        raise translate(error, request.source, request.warehouse.location) from error
