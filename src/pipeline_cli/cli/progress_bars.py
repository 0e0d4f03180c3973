"""Bars on a terminal, one for each step under way. Imports rich: only where there is a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.text import Text

from pipeline_cli.cli.progress import describe_end
from pipeline_cli.cli.progress_text import Pace, describe_beside_bar
from pipeline_cli.progress import Progress

if TYPE_CHECKING:
    from pipeline_cli.document import RunResult, StepResult
    from pipeline_cli.plan import PipelinePlan

NAME_WIDTH = 28  # a step's longer name is cut
BAR_WIDTH = 10
PERCENT_WIDTH = 4
SPINNER_WIDTH = 1
GAPS = 4  # one column of space between the five columns


class BarProgress:
    """A bar for each step that is under way: filled where the total is known, pulsing elsewhere.

    A step's bar shows the resource that was told of last. No line is wider than the terminal.
    """

    def __init__(self, console: Console | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._console = console or Console(stderr=True)
        self._pace = Pace(now)
        self._bars = Bars(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=BAR_WIDTH),
            TextColumn("{task.fields[percent]}", markup=False),
            _TellingColumn(),
            console=self._console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._records: dict[str, dict[str, int]] = {}

    def __enter__(self) -> BarProgress:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def run_started(self, run: RunResult, plans: Sequence[PipelinePlan]) -> None:
        self._print(f"Run {run.run_id} in '{run.environment}'")

    def step_started(self, pipeline: str, step: StepResult) -> None:
        name = step.name if len(step.name) <= NAME_WIDTH else f"{step.name[: NAME_WIDTH - 1]}…"
        self._tasks[step.name] = self._bars.add_task(name, total=None, percent="", told="")

    def progress(self, step: str, progress: Progress) -> None:
        counted = self._records.setdefault(step, {})
        counted[progress.resource] = progress.records
        task = self._tasks.get(step)
        if task is None:
            return
        share = progress.share
        if share is None:
            rows = sum(counted.values())
            told = f"{rows:,} row{'' if rows == 1 else 's'}"
            self._bars.update(task, total=None, completed=0, percent="", told=told)
        else:
            left_s = self._pace.left_s((step, progress.resource), share)
            told = describe_beside_bar(progress, left_s, self._room(step))
            # Not quite 100% until the step ends: the last rows are still being written and committed.
            percent = f"{min(int(share * 100), 99)}%".rjust(PERCENT_WIDTH)
            self._bars.update(task, total=1.0, completed=min(share, 0.999), percent=percent, told=told)

    def warned(self, message: str) -> None:
        self._print(f"Warning: {message}")

    def step_finished(self, pipeline: str, step: StepResult) -> None:
        if step.name in self._tasks:
            self._bars.remove_task(self._tasks.pop(step.name))
        self._print(describe_end(step))

    def run_finished(self, result: RunResult) -> None:
        """The summary follows."""

    def _room(self, step: str) -> int:
        """Columns that are left beside the bar; the longest name sets the width for all."""
        name = max(min(len(each), NAME_WIDTH) for each in {*self._tasks, step})
        return self._console.width - SPINNER_WIDTH - name - BAR_WIDTH - PERCENT_WIDTH - GAPS

    def _print(self, line: str) -> None:
        self._bars.console.print(line, markup=False, highlight=False)


class _TellingColumn(ProgressColumn):
    """What was told; where no time left is known, the time since the step began as well."""

    def render(self, task: Task) -> Text:
        told: str = task.fields["told"]
        if task.total is not None:
            return Text(told, no_wrap=True)
        minutes, seconds = divmod(int(task.elapsed or 0), 60)
        return Text(f"{told}{', ' if told else ''}{minutes}:{seconds:02}", no_wrap=True)
