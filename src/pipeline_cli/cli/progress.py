"""What is seen while a run happens: bars on a terminal, one line an event in a pipe, nothing with --quiet."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from pipeline_cli.cli.settings import Settings
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
    """One line an event; while a resource is being read, one every few seconds."""

    def __init__(self, write: Callable[[str], None], now: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._now = now
        self._told: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def run_started(self, run: RunResult, plans: Sequence[PipelinePlan]) -> None:
        names = ", ".join(plan.name for plan in plans)
        self._write(f"Run {run.run_id} in '{run.environment}': {names}")

    def step_started(self, pipeline: str, step: StepResult) -> None:
        self._write(f"{step.name}: started")

    def progress(self, step: str, resource: str, records: int) -> None:
        with self._lock:  # sources run side by side, each in its thread
            now = self._now()
            if now - self._told.setdefault((step, resource), now) < LINE_EVERY_S:
                return
            self._told[step, resource] = now
        self._write(f"{step}: {records:,} record{'' if records == 1 else 's'} of {resource} so far")

    def warned(self, message: str) -> None:
        self._write(f"Warning: {message}")

    def step_finished(self, pipeline: str, step: StepResult) -> None:
        self._write(describe_end(step))

    def run_finished(self, result: RunResult) -> None:
        """The summary follows."""


class BarProgress:
    """A bar for each step that is under way; how many records there will be is not known, so bars pulse."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[told]}", markup=False),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[str, Any] = {}
        self._records: dict[str, dict[str, int]] = {}

    def __enter__(self) -> BarProgress:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def run_started(self, run: RunResult, plans: Sequence[PipelinePlan]) -> None:
        self._progress.console.print(
            f"Run {run.run_id} in '{run.environment}'", markup=False, highlight=False
        )

    def step_started(self, pipeline: str, step: StepResult) -> None:
        self._tasks[step.name] = self._progress.add_task(step.name, total=None, told="")

    def progress(self, step: str, resource: str, records: int) -> None:
        counted = self._records.setdefault(step, {})
        counted[resource] = records
        if step in self._tasks:
            self._progress.update(self._tasks[step], told=f"{sum(counted.values()):,} records")

    def warned(self, message: str) -> None:
        self._progress.console.print(f"Warning: {message}", markup=False, highlight=False)

    def step_finished(self, pipeline: str, step: StepResult) -> None:
        if step.name in self._tasks:
            self._progress.remove_task(self._tasks.pop(step.name))
        self._progress.console.print(describe_end(step), markup=False, highlight=False)

    def run_finished(self, result: RunResult) -> None:
        """The summary follows."""
