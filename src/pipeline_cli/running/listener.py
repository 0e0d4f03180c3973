"""Whoever looks on while a run happens: the command's progress bars and lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pipeline_cli.document import RunResult, StepResult
from pipeline_cli.plan import PipelinePlan
from pipeline_cli.progress import Progress


class Listener(Protocol):
    """Told in the order of the methods. All but `progress` are called in the thread that runs the run."""

    def run_started(self, run: RunResult, plans: Sequence[PipelinePlan]) -> None:
        """The run is open in the ledger; `plans` are the steps to come."""
        ...

    def step_started(self, pipeline: str, step: StepResult) -> None:
        """A step begins (status running). A source that pipelines share is told once, for the first."""
        ...

    def progress(self, step: str, progress: Progress) -> None:
        """How far a resource of an ingest step has come; called from the thread of its source."""
        ...

    def warned(self, message: str) -> None:
        """Something is wrong that changes neither data nor status; told when it happens, at any time."""
        ...

    def step_finished(self, pipeline: str, step: StepResult) -> None:
        """A step has its final status; skipped ones too, which never began."""
        ...

    def run_finished(self, result: RunResult) -> None:
        """The run is closed in the ledger."""
        ...


class SilentListener:
    """A listener that nobody hears."""

    def run_started(self, run: RunResult, plans: Sequence[PipelinePlan]) -> None: ...

    def step_started(self, pipeline: str, step: StepResult) -> None: ...

    def progress(self, step: str, progress: Progress) -> None: ...

    def warned(self, message: str) -> None: ...

    def step_finished(self, pipeline: str, step: StepResult) -> None: ...

    def run_finished(self, result: RunResult) -> None: ...
