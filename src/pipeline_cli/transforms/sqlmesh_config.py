"""One SQLMesh configuration for our runs and for the user's own `sqlmesh` commands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from pipeline_cli.errors import TransformError
from pipeline_cli.manifest.models import Transform
from pipeline_cli.project import MANIFEST_NAME, Project
from pipeline_cli.transforms.sqlmesh_packages import look_up_packages_late
from pipeline_cli.transforms.sqlmesh_stale import sqlmesh_environment

# Before this date models of kind INCREMENTAL_BY_TIME_RANGE see nothing, unless they say their own `start`.
DEFAULT_START = "2010-01-01"

_CURRENT: ContextVar[Any] = ContextVar("current_sqlmesh_config", default=None)


def sqlmesh_config(config_file: str) -> Any:
    """The configuration of the SQLMesh project that `config_file` (its config.py's `__file__`) stands in.

    The whole of a project's config.py:

        from pipeline_cli import sqlmesh_config
        config = sqlmesh_config(__file__)

    Finds pipelines.yaml above the file and takes the environment PIPELINE_CLI_ENV, or the default one.
    Returns a sqlmesh Config, the same as `pipeline-cli run` uses, so that both see the same state.
    Raises ManifestError, or TransformError when no transform of the manifest has this folder.
    """
    if (current := _CURRENT.get()) is not None:
        return current
    from pipeline_cli.destinations import open_warehouse
    from pipeline_cli.manifest.reader import read_manifest

    os.environ["SQLMESH__DISABLE_ANONYMIZED_ANALYTICS"] = "true"
    folder = Path(config_file).resolve().parent
    root = _find_root(folder)
    # Models read the warehouse, never an API: no source's variables are demanded.
    reading = read_manifest(root, os.environ, os.environ.get("PIPELINE_CLI_ENV") or None, sources=())
    project = Project(root, reading.manifest, reading.environment)
    name, transform = _find_transform(project, folder)
    return build_config(project, name, transform, open_warehouse(project))


def build_config(project: Project, name: str, transform: Transform, warehouse: Any) -> Any:
    """A sqlmesh Config: the warehouse as the gateway, the state beside the models in schema `sqlmesh_<name>`."""
    from sqlmesh.core.config import CategorizerConfig, Config, GatewayConfig, ModelDefaultsConfig, PlanConfig

    look_up_packages_late()
    gateway = GatewayConfig(connection=warehouse.sqlmesh_connection(), state_schema=f"sqlmesh_{name}")
    return Config(
        gateways={"warehouse": gateway},
        default_gateway="warehouse",
        model_defaults=ModelDefaultsConfig(
            dialect="duckdb", start=DEFAULT_START, cron="@daily", allow_partials=True
        ),
        plan=PlanConfig(auto_categorize_changes=CategorizerConfig.all_full()),
        variables=dict(transform.variables),
        cache_dir=str(project.state_dir.absolute() / "sqlmesh" / name / "cache"),
        disable_anonymized_analytics=True,
        # `sqlmesh plan` in a copy is of the copy; it stays until it is dropped.
        default_target_environment=sqlmesh_environment(project),
        pinned_environments={sqlmesh_environment(project.bound_to(each)) for each in project.copies},
    )


@contextmanager
def use_config(config: Any) -> Iterator[None]:
    """Let a project's config.py get this configuration, whatever environment it would find by itself."""
    token = _CURRENT.set(config)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def _find_root(folder: Path) -> Path:
    for parent in folder.parents:
        if (parent / MANIFEST_NAME).exists():
            return parent
    raise TransformError(f"no {MANIFEST_NAME} above {folder}", code="E331")


def _find_transform(project: Project, folder: Path) -> tuple[str, Transform]:
    for name, transform in project.manifest.transforms.items():
        if project.resolve(transform.path).resolve() == folder:
            return name, transform
    raise TransformError(
        f"{MANIFEST_NAME} has no transform with the path {folder.relative_to(project.root)}",
        code="E331",
        hint=f"Add it: transforms: {{{folder.name}: {{engine: sqlmesh, path: {folder.relative_to(project.root)}}}}}",
    )
