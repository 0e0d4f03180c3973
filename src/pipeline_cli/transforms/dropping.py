"""What an engine keeps of a copy of an environment, given up with it."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.project import Project
from pipeline_cli.transforms.base import BronzeTable, TransformRequest


def drop_engine_state(
    project: Project, warehouse: Warehouse, transform: str, bronze: Sequence[BronzeTable]
) -> None:
    """SQLMesh forgets its environment; tables that no other has are its janitor's. dbt keeps nothing but files.

    bronze: what the transform's models may read. Raises TransformError for a project that SQLMesh cannot load.
    """
    entry = project.manifest.transforms[transform]
    there = {name for _, name in warehouse.relations([f"sqlmesh_{transform}"])}
    if entry.engine != "sqlmesh" or "_environments" not in there:
        return
    from pipeline_cli.transforms.sqlmesh import drop_environment

    drop_environment(TransformRequest(transform, "", entry, project, warehouse, bronze))
