"""One source into its bronze tables, by the path that fits it.

rows       APIs and Python sources: dicts through dlt, checked one by one (loading/rows.py)
columns    files, generated data and databases: read, checked and written by the database (bulk/ingest.py)
"""

from __future__ import annotations

import os

from pipeline_cli.dlt_import import import_dlt
from pipeline_cli.gate.rules import Violation
from pipeline_cli.loading.pipeline import bronze_tables, dlt_settings
from pipeline_cli.loading.request import IngestRequest, IngestResult
from pipeline_cli.sources.build import is_column_source

__all__ = ["IngestRequest", "IngestResult", "Violation", "bronze_tables", "ingest_source"]


def ingest_source(request: IngestRequest) -> IngestResult:
    """Bring a source's bronze tables up to date.

    Raises SourceError when the source does not give data, LoadError when the destination refuses, ChecksFailed
    when a contract's limits are passed. In each case nothing new is visible, and no cursor has moved.
    """
    lacking = _keep_in_lake(request)  # before a new load can replace rows that a run which died left
    result = _ingest(request)
    result.notes = [*(f"What an earlier run left: {each}" for each in lacking), *result.notes]
    result.notes += _keep_in_lake(request)
    return result


def _ingest(request: IngestRequest) -> IngestResult:
    # Each path is imported when it is used: dlt costs 0.6 s, and columns need it only for a new schema.
    if is_column_source(request.project.manifest.sources[request.source]):
        from pipeline_cli.bulk.ingest import ingest_columns

        return ingest_columns(request)
    os.environ.update(dlt_settings(request.project))  # before anything imports dlt: telemetry is off
    import_dlt()
    from pipeline_cli.loading.rows import ingest_rows

    return ingest_rows(request)


def _keep_in_lake(request: IngestRequest) -> list[str]:
    if request.project.manifest.sources[request.source].lake is None:
        return []
    from pipeline_cli.lake.writing import catch_up

    return catch_up(request.project, request.warehouse, request.source)
