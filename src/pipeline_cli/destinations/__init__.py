"""Warehouses: one manifest entry, seen by dlt, SQLMesh, dbt and plain SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline_cli.destinations.base import Warehouse
    from pipeline_cli.project import Project


def open_warehouse(project: Project) -> Warehouse:
    """The warehouse of the project's environment; nothing is connected yet.

    Raises LoadError when the entry cannot be a warehouse (a DuckDB file named like one of its schemas,
    credentials that are no Postgres URL).
    """
    name = project.environment.destination
    warehouse: Warehouse = project.manifest.destinations[name].open(name, project)
    return warehouse
