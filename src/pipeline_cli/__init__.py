"""pipeline-cli: from one YAML file to tested star schemas.

The public names are loaded on first use: `pipeline-cli --help` imports nothing of what stands behind them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline_cli.errors import SourceError
    from pipeline_cli.plugins.specs import hookimpl
    from pipeline_cli.sources.api_session import api_session
    from pipeline_cli.sources.derived import Derived
    from pipeline_cli.transforms.sqlmesh_config import sqlmesh_config

    __version__: str

__all__ = ["Derived", "SourceError", "__version__", "api_session", "hookimpl", "sqlmesh_config"]

_HOMES = {
    "Derived": "pipeline_cli.sources.derived",
    "SourceError": "pipeline_cli.errors",
    "api_session": "pipeline_cli.sources.api_session",
    "hookimpl": "pipeline_cli.plugins.specs",
    "sqlmesh_config": "pipeline_cli.transforms.sqlmesh_config",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("pipeline-cli")
    if name not in _HOMES:
        raise AttributeError(f"module 'pipeline_cli' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
