"""Which way a source's records take: by column, or row by row; and what the user is told of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

from pipeline_cli.loading.intake import Intake
from pipeline_cli.loading.pipeline import spool_dir
from pipeline_cli.loading.request import IngestRequest
from pipeline_cli.nested.spool import SpoolFolder
from pipeline_cli.sources.build import may_go_by_column

log = logging.getLogger(__name__)


def open_spool(request: IngestRequest) -> AbstractContextManager[SpoolFolder | None]:
    """The folder of pages that are loaded by column; None where every record is loaded as a row."""
    if not may_go_by_column(request.project.manifest.sources[request.source], request.warehouse.type):
        log.info("records go into %s row by row", request.warehouse.type)
        return nullcontext()
    return SpoolFolder(spool_dir(request.project, request.source)).opened()


def row_notes(intakes: Sequence[Intake]) -> Iterator[str]:
    """Of each resource with large pages that did not go by column: how many of its rows, and why."""
    for intake in intakes:
        written, by_column = intake.writer.written, intake.writer.by_column_count
        reason = intake.by_column.why_by_row if intake.by_column is not None else ""
        if reason and written > by_column:
            yield f"{intake.rules.resource}: {written - by_column:,} of {written:,} rows went row by row: {reason}."
