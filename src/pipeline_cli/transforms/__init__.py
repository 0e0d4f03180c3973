"""Transforms: SQLMesh and dbt behind one Protocol (transforms/base.py)."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline_cli.transforms.base import TransformEngine

_ENGINES = {
    "sqlmesh": "pipeline_cli.transforms.sqlmesh:SQLMeshEngine",
    "dbt": "pipeline_cli.transforms.dbt:DbtEngine",
}


@cache
def get_engine(name: str) -> TransformEngine:
    """The engine called `name` ("sqlmesh" or "dbt"): one a process, so that a test finds what a build has loaded."""
    module, _, attribute = _ENGINES[name].partition(":")
    engine: TransformEngine = getattr(import_module(module), attribute)()
    return engine
