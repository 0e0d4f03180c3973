"""What every step of a run may use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline_cli.progress import Progress
from pipeline_cli.project import Project
from pipeline_cli.steps.backends import Backends

if TYPE_CHECKING:
    from pipeline_cli.destinations.base import Warehouse
    from pipeline_cli.ledger import Ledger


@dataclass(frozen=True, slots=True)
class RunContext:
    """One run's surroundings.

    progress: called with a step's name and how far one of its resources has come, also from threads.
    cancelled: set when the run is to stop.
    allow_destructive: whether an applied plan lets models lose columns.
    original: in a copy, what the environment that it is a copy of has built of a transform.
    """

    project: Project
    warehouse: Warehouse
    ledger: Ledger
    backends: Backends
    run_id: str
    full_refresh: bool
    cancelled: threading.Event
    progress: Callable[[str, Progress], None]
    original: Callable[[str], Mapping[str, Any]] = lambda _: {}
    allow_destructive: bool = False

    @property
    def environment(self) -> str:
        return self.project.environment_name
