"""What a run holds while it lasts: its ledger, its locks and the warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.errors import StepError
from pipeline_cli.ledger import Ledger, RunEntry
from pipeline_cli.locks import hold_locks
from pipeline_cli.project import Project

LEDGER_FILE = "runs.db"


@contextmanager
def open_ledger(project: Project) -> Iterator[Ledger]:
    """The ledger: `.pipeline/runs.db`, or what the environment's `state` names. Raises LoadError."""
    ledger = Ledger.open(project.environment.state or project.pipeline_dir / LEDGER_FILE)
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def hold_run_locks(project: Project, entry: RunEntry) -> Iterator[None]:
    """Hold every pipeline, source and transform of the run against other processes. Raises Busy."""
    steps = {name.replace(":", " ") for names in entry.selection.values() for name in names}
    names = {name.replace("ingest ", "source ") for name in steps if not name.startswith("test ")}
    names |= {f"pipeline {name}" for name in entry.selection}
    with hold_locks(project.state_dir / "locks", names, entry.command):
        yield


def hold_warehouse(held: ExitStack, warehouse: Warehouse, entry: RunEntry) -> StepError | None:
    """Hold the warehouse, and the pipelines in it. Raises Busy.

    An error that it cannot be reached is returned: the run is to be opened, and to fail with it.
    """
    try:
        held.enter_context(warehouse.exclusive(entry.run_id))
        for name in sorted(entry.selection):
            held.enter_context(warehouse.lock_pipeline(name, entry.run_id))
    except StepError as error:
        return error
    return None
