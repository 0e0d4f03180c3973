"""What does the work of a run's steps. Each is imported when it is first called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline_cli.destinations.base import Warehouse
    from pipeline_cli.load import IngestRequest, IngestResult
    from pipeline_cli.project import Project
    from pipeline_cli.transforms.base import BronzeTable, TransformEngine


def _open_warehouse(project: Project) -> Warehouse:
    from pipeline_cli.destinations import open_warehouse

    return open_warehouse(project)


def _ingest_source(request: IngestRequest) -> IngestResult:
    from pipeline_cli.load import ingest_source

    return ingest_source(request)


def _bronze_tables(project: Project, warehouse: Warehouse, source: str) -> Sequence[BronzeTable]:
    from pipeline_cli.load import bronze_tables

    return bronze_tables(project, warehouse, source)


def _get_engine(name: str) -> TransformEngine:
    from pipeline_cli.transforms import get_engine

    return get_engine(name)


@dataclass(frozen=True, slots=True)
class Backends:
    """The loader, the engines and the warehouse that a run works with."""

    open_warehouse: Callable[[Project], Warehouse] = _open_warehouse
    ingest_source: Callable[[IngestRequest], IngestResult] = _ingest_source
    bronze_tables: Callable[[Project, Warehouse, str], Sequence[BronzeTable]] = _bronze_tables
    get_engine: Callable[[str], TransformEngine] = _get_engine
