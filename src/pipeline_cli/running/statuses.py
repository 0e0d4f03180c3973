"""What a run's status and exit code are, given its steps'. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline_cli.document import RunResult, Status
from pipeline_cli.errors import (
    EXIT_BUG,
    EXIT_BUSY,
    EXIT_CHECKS_FAILED,
    EXIT_DONE,
    EXIT_INTERRUPTED,
    EXIT_STEP_FAILED,
    EXIT_TERMINATED,
    Busy,
    ChecksFailed,
)

DONE: tuple[Status, ...] = ("succeeded", "unchanged")
BUG = "E900"
INTERRUPTED = "E130"
TERMINATED = "E143"


def pipeline_status(steps: Sequence[Status]) -> Status:
    """The worst of the steps' statuses; unchanged when none of them did anything."""
    for status in ("interrupted", "failed", "skipped"):
        if status in steps:
            return status
    return "succeeded" if "succeeded" in steps else "unchanged"


def run_status(result: RunResult, *, interrupted: bool) -> Status:
    """The run's status, from its pipelines' and from errors that belong to no step."""
    statuses: list[Status] = [pipeline.status for pipeline in result.pipelines]
    if interrupted or "interrupted" in statuses:
        return "interrupted"
    if result.errors or "failed" in statuses or "skipped" in statuses:
        return "failed"
    return pipeline_status(statuses)


def exit_code(result: RunResult) -> int:
    """The exit code of `pipeline-cli run`: the gravest of what happened.

    130 and 143 for a run that was stopped, 3 for a bug, 1 for a failed step, 75 where a step found something
    held by another process, 4 where only checks failed, 0 otherwise.
    """
    codes = {error.code for error in result.errors}
    if result.status == "interrupted":
        return EXIT_TERMINATED if TERMINATED in codes else EXIT_INTERRUPTED
    if result.status in DONE:
        return EXIT_DONE
    found = {_exit_code(code) for code in codes}
    gravest_first = (EXIT_BUG, EXIT_STEP_FAILED, EXIT_BUSY, EXIT_CHECKS_FAILED)
    return next((code for code in gravest_first if code in found), EXIT_STEP_FAILED)


def _exit_code(error: str) -> int:
    if error == BUG:
        return EXIT_BUG
    if error == Busy.code:
        return EXIT_BUSY
    # E4xx: checks, contracts and quarantine limits.
    return EXIT_CHECKS_FAILED if error[:2] == ChecksFailed.code[:2] else EXIT_STEP_FAILED
