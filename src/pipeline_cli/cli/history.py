"""The ledger, opened for a command that looks back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline_cli.errors import UsageError

if TYPE_CHECKING:
    from pipeline_cli.ledger import Ledger
    from pipeline_cli.project import Project


@contextmanager
def opened_ledger(project: Project) -> Iterator[Ledger]:
    """The ledger of the project's environment, with abandoned runs closed. Raises LoadError."""
    from pipeline_cli.run import open_ledger

    with open_ledger(project) as ledger:
        ledger.close_abandoned()
        yield ledger


def newest_run(ledger: Ledger, environment: str | None) -> str:
    """The id of the newest run, in `environment` where given. Raises UsageError when there is none."""
    runs = ledger.recent(1, None, environment)
    if not runs:
        raise UsageError("There is no run yet.", hint="pipeline-cli run")
    return runs[0].run_id
