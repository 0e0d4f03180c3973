"""Which way a source's records take: by column, or row by row; and what the user is told of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

from pipeline_cli.loading.intake import Intake
from pipeline_cli.loading.pipeline import ahead_dir, spool_dir
from pipeline_cli.loading.request import IngestRequest
from pipeline_cli.nested.ahead import Ahead
from pipeline_cli.nested.spool import SpoolFolder
from pipeline_cli.sources.build import may_go_by_column

log = logging.getLogger(__name__)

# INSERT statements load 100,000 rows into DuckDB in 9.4 s, parquet in 2.5 s; for a few rows they are even.
# BigQuery reads no JSON columns from parquet.
FILE_FORMATS = {"duckdb": "parquet", "postgres": "insert_values", "bigquery": "jsonl"}


def open_ahead(request: IngestRequest) -> AbstractContextManager[Ahead]:
    """What takes pages apart before dlt asks for it; open until the load is over."""
    return Ahead(ahead_dir(request.project, request.source), FILE_FORMATS[request.warehouse.type]).opened()


def open_spool(request: IngestRequest, ahead: Ahead) -> AbstractContextManager[SpoolFolder | None]:
    """The folder of pages that are loaded by column; None where every record is loaded as a row."""
    if not may_go_by_column(request.project.manifest.sources[request.source], request.warehouse.type):
        log.info("records go into %s row by row", request.warehouse.type)
        return nullcontext()
    return SpoolFolder(spool_dir(request.project, request.source), ahead=ahead).opened()


def row_notes(intakes: Sequence[Intake]) -> Iterator[str]:
    """Of each resource with large pages that did not go by column: how many of its rows, and why."""
    for intake in intakes:
        written, by_column = intake.writer.written, intake.writer.by_column_count
        reason = intake.by_column.why_by_row if intake.by_column is not None else ""
        if reason and written > by_column:
            yield f"{intake.rules.resource}: {written - by_column:,} of {written:,} rows went row by row: {reason}."
