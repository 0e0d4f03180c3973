"""An exception of a step, as the run document tells it."""

from __future__ import annotations

import logging

from pipeline_cli.document import ErrorDocument
from pipeline_cli.errors import PipelineCliError
from pipeline_cli.machine import explain_odd

BUG_CODE = "E900"
log = logging.getLogger(__name__)


def describe_error(error: BaseException, step: str | None) -> list[ErrorDocument]:
    """The error objects of what a step raised; an unexpected exception is E900, its traceback in the log."""
    log.error("%s failed", step or "the run", exc_info=error)
    told = error if isinstance(error, PipelineCliError) else explain_odd(error)
    if told is not None:
        return [ErrorDocument(step=step, **mistake.to_dict()) for mistake in told.mistakes]
    return [
        ErrorDocument(
            code=BUG_CODE,
            step=step,
            message=f"unexpected {type(error).__name__}: {_first_line(error)}",
            hint="This is a bug in pipeline-cli or in a library; the run's log has the traceback.",
        )
    ]


def _first_line(error: BaseException, limit: int = 500) -> str:
    lines = str(error).strip().splitlines() or ["(no message)"]
    return lines[0][:limit]
