"""What is seen while a run happens: bars on a terminal, one line an event in a pipe, nothing with --quiet."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from pipeline_cli.cli.progress_text import Pace, describe_line
from pipeline_cli.cli.settings import Settings
from pipeline_cli.progress import Progress
from pipeline_cli.reports.run_summary import WORDS, describe_step

if TYPE_CHECKING:
    from pipeline_cli.document import RunResult, StepResult
    from pipeline_cli.plan import PipelinePlan
    from pipeline_cli.running.listener import Listener

LINE_EVERY_S = 5.0  # a line in a pipe for each resource that is still being read


@contextmanager
def show_progress(settings: Settings) -> Iterator[Listener]:
    """The listener that fits: none with --quiet, bars where stderr is a terminal, lines elsewhere."""
    from pipeline_cli.running.listener import SilentListener

    if settings.quiet:
        yield SilentListener()
    elif sys.stderr.isatty():
        from pipeline_cli.cli.progress_bars import BarProgress

        with BarProgress() as bars:
            yield bars
    else:
        yield LineProgress(lambda line: click.echo(line, err=True))


def describe_end(step: StepResult) -> str:
    """'ingest:crm succeeded in 1.2 s: 48 loaded'."""
    took = "" if step.status == "skipped" else f" in {step.duration_s:.1f} s"
    told = describe_step(step)
    return f"{step.name}: {WORDS.get(step.status, step.status)}{took}{f', {told}' if told else ''}"


class LineProgress:
    """One line an event; while a resource is being read, one every few seconds with the time left."""

    def __init__(self, write: Callable[[str], None], now: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._now = now
        self._pace = Pace(now)
        self._told: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def run_started(self, run: RunResult, plans: Sequence[PipelinePlan]) -> None:
        names = ", ".join(plan.name for plan in plans)
        self._write(f"Run {run.run_id} in '{run.environment}': {names}")

    def step_started(self, pipeline: str, step: StepResult) -> None:
        self._write(f"{step.name}: started")

    def progress(self, step: str, progress: Progress) -> None:
        what = (step, progress.resource)
        with self._lock:  # sources run side by side, each in its thread
            left_s = self._pace.left_s(what, progress.share)
            now = self._now()
            if now - self._told.setdefault(what, now) < LINE_EVERY_S:
                return
            self._told[what] = now
        self._write(f"{step}: {describe_line(progress, left_s)}")

    def warned(self, message: str) -> None:
        self._write(f"Warning: {message}")

    def step_finished(self, pipeline: str, step: StepResult) -> None:
        self._write(describe_end(step))

    def run_finished(self, result: RunResult) -> None:
        """The summary follows."""
