"""What people see of a look: a table of the pipelines, and below it each finding with the command to type."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime

from pipeline_cli.alerts.wording import describe_duration, write_moment
from pipeline_cli.document import format_time
from pipeline_cli.monitoring.findings import Health

HEADER = ("PIPELINE", "STATE", "LAST RUN", "BEGAN (UTC)", "TOOK", "USUALLY")


def make_rows(healths: Sequence[Health], now: datetime) -> list[tuple[str, ...]]:
    """A row a pipeline, under HEADER."""
    return [_row(health, now) for health in healths]


def describe_findings(healths: Sequence[Health], width: int) -> Iterator[str]:
    """The findings, wrapped; commands stay whole, to be copied."""
    for health in healths:
        for finding in health.findings:
            since = f", since {write_moment(format_time(finding.since))}" if finding.since else ""
            yield ""
            text = _printable(f"{health.pipeline}: {finding.message}{since}")
            yield from textwrap.wrap(text, width, subsequent_indent="  ")
            yield f"  Next: {_printable(finding.next)}"


def describe_outcome(healths: Sequence[Health], environment: str) -> str:
    """One sentence: '2 of 5 pipelines are unwell in dev (3 findings).'"""
    unwell = [health for health in healths if not health.is_well]
    if not healths:
        return "The manifest has no pipeline."
    of = f"{len(healths)} pipeline{'' if len(healths) == 1 else 's'}"
    if not unwell:
        return f"All is well in {environment}: {of}."
    count = sum(len(health.findings) for health in unwell)
    return (
        f"{len(unwell)} of {of} {'is' if len(unwell) == 1 else 'are'} unwell in {environment} "
        f"({count} finding{'' if count == 1 else 's'})."
    )


def _row(health: Health, now: datetime) -> tuple[str, ...]:
    last = health.last
    mark = "ok" if health.is_well else f"{len(health.findings)} wrong"
    if last is None:
        return health.pipeline, mark, "never run", "", "", ""
    took = ((last.ended_at or now) - last.started_at).total_seconds()
    usual = "" if health.usual_duration_s is None else _short(health.usual_duration_s)
    return health.pipeline, mark, health.status, f"{last.started_at:%Y-%m-%d %H:%M}", _short(took), usual


def _short(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 90 else describe_duration(seconds).replace(" minutes", " min")


def _printable(text: str) -> str:
    """Names of tables may come from a source: none moves the cursor."""
    return "".join(char if char.isprintable() else " " for char in text)
