"""What the environment that a copy is made of has built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_cli.deployed.parts import Key
from pipeline_cli.deployed.plain import to_plain
from pipeline_cli.deployed.store import read_deployed
from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.project import Project
from pipeline_cli.transforms.dbt_nodes import read_built_nodes


def original_nodes(project: Project, warehouse: Warehouse, transform: str) -> Mapping[str, Any]:
    """A dbt project's nodes (dbt_nodes.py) as the original has built them.

    Nothing outside a copy, for a SQLMesh project, where nothing is known, and where other variables make every row
    another one.
    """
    entry = project.manifest.transforms[transform]
    if not project.is_copy or entry.engine != "dbt":
        return {}
    stored = read_deployed(warehouse, project.loads_environment).parts.get(Key("transform", transform))
    if stored is None:
        return read_built_nodes(project.bound_to(project.loads_environment), transform)
    if stored.content.get("variables", {}) != to_plain(entry).get("variables", {}):
        return {}
    return stored.detail
