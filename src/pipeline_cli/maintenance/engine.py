"""dlt, ready for an operation: telemetry off before its first import, and what a dead run left made whole."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pipeline_cli.dlt_import import import_dlt
from pipeline_cli.loading.pipeline import dlt_settings
from pipeline_cli.project import Project

if TYPE_CHECKING:
    from pipeline_cli.maintenance.operation import Operation


def prepare_dlt(project: Project) -> None:
    """Import dlt with the project's settings."""
    os.environ.update(dlt_settings(project))
    import_dlt()


def recover_rows(operation: Operation, source: str) -> list[str]:
    """Load what a run of an API or Python source that died left, or take it back; what was done, for people."""
    from pipeline_cli.loading.request import IngestRequest
    from pipeline_cli.loading.rows import open_recovered, translated

    request = IngestRequest(operation.project, operation.warehouse, source, operation.run_id)
    with translated(request):
        _, _, notes = open_recovered(request)
    return notes
