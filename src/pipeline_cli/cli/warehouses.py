"""The environment's warehouse, opened for one command and let go of afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline_cli.destinations.base import Warehouse
    from pipeline_cli.project import Project


@contextmanager
def opened_warehouse(project: Project) -> Iterator[Warehouse]:
    """The warehouse; whatever keeps its file open is closed at the end."""
    from pipeline_cli.destinations import open_warehouse

    warehouse = open_warehouse(project)
    try:
        yield warehouse
    finally:
        warehouse.release()


def describe_location(project: Project) -> str:
    """Where the environment's data are, for people: a path below the project's root, or host/database."""
    from pipeline_cli.destinations import open_warehouse

    location = open_warehouse(project).location
    path = Path(location)
    return str(path.relative_to(project.root)) if path.is_relative_to(project.root) else location
