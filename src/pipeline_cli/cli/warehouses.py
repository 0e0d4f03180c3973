"""The environment's warehouse, opened for one command and let go of afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
