"""A SQLMesh project's models with SQLMesh's own column lineage, read without the warehouse."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline_cli.errors import TransformError
from pipeline_cli.project import Project
from pipeline_cli.secrets import mask
from pipeline_cli.transforms.described import ColumnName, DescribedColumn, DescribedModel, TableName
from pipeline_cli.transforms.sqlmesh_config import DEFAULT_START, use_config


def describe_sqlmesh(project: Project, transform: str) -> list[DescribedModel]:
    """Every model and external table. Raises TransformError when SQLMesh cannot load the project."""
    with _alone(project):
        context = _load(project, transform)
        return [_describe(context, model, project) for model in context.models.values()]


def _load(project: Project, transform: str) -> Any:
    """A Context on an empty database in memory: a run may hold the warehouse, and no row of it is needed."""
    from sqlmesh import Context
    from sqlmesh.core.config import Config, DuckDBConnectionConfig, GatewayConfig, ModelDefaultsConfig

    entry = project.manifest.transforms[transform]
    config = Config(
        gateways={"warehouse": GatewayConfig(connection=DuckDBConnectionConfig())},
        default_gateway="warehouse",
        model_defaults=ModelDefaultsConfig(dialect="duckdb", start=DEFAULT_START, cron="@daily"),
        variables=dict(entry.variables),
        cache_dir=str(project.state_dir.absolute() / "lineage" / "cache" / transform),
        disable_anonymized_analytics=True,
    )
    folder = project.resolve(entry.path)
    own_config = any((folder / name).exists() for name in ("config.py", "config.yaml", "config.yml"))
    try:
        with use_config(config):
            return Context(paths=[folder], config=None if own_config else config)
    except Exception as error:  # models may hold any Python
        reason = mask(" ".join(str(error).split())[:300], project.secrets)
        raise TransformError(
            f"the SQLMesh project {entry.path} cannot be read: {reason}",
            code="E332",
            hint=f"Correct it; pipeline-cli sqlmesh {transform} info says more.",
        ) from error


def _describe(context: Any, model: Any, project: Project) -> DescribedModel:
    schema, name = _table(model.fqn)
    types = model.columns_to_types or {}
    words = model.column_descriptions
    columns = {
        column: DescribedColumn(_type(kind), (words.get(column) or "").strip())
        for column, kind in types.items()
    }
    own = not model.kind.is_external
    is_sql = own and model.is_sql
    return DescribedModel(
        schema=schema,
        name=name,
        kind=model.kind.name.value if own else "source",
        file=_file(model, project),
        description=(model.description or "").strip(),
        columns=columns,
        parents=frozenset(_table(parent) for parent in model.depends_on),
        sql=_sql(model) if is_sql else None,
        dialect=model.dialect or "duckdb",
        made_of=_lineage(context, model, columns) if is_sql else None,
    )


def _lineage(
    context: Any, model: Any, columns: Mapping[str, DescribedColumn]
) -> dict[str, frozenset[ColumnName]] | None:
    from sqlglot.errors import SqlglotError
    from sqlmesh.core.lineage import column_dependencies
    from sqlmesh.utils.errors import SQLMeshError

    found: dict[str, frozenset[ColumnName]] = {}
    for column in columns:
        try:
            parents = column_dependencies(context, model.name, column)
        except (SqlglotError, SQLMeshError, ValueError, KeyError):
            # A column that is not in the query: SQLMesh adds it (valid_from), or the query is beyond SQLGlot.
            parents = {}
        found[column] = frozenset(
            (*_table(parent), name) for parent, names in parents.items() for name in names
        )
    return found


def _sql(model: Any) -> str | None:
    from sqlglot.errors import SqlglotError
    from sqlmesh.utils.errors import SQLMeshError

    try:
        return str(model.render_query_or_raise().sql(dialect=model.dialect))
    except (SqlglotError, SQLMeshError, ValueError):
        return None


def _table(fqn: str) -> TableName:
    """`"memory"."gold_shop"."sales"` as (gold_shop, sales)."""
    from sqlglot import exp

    table = exp.to_table(fqn)
    return str(table.db), str(table.name)


def _type(kind: Any) -> str | None:
    text = str(kind.sql(dialect="duckdb"))
    return None if text.upper() in ("UNKNOWN", "NULL") else text


def _file(model: Any, project: Project) -> str | None:
    path = getattr(model, "_path", None)
    with contextlib.suppress(ValueError, TypeError):
        return Path(path).resolve().relative_to(project.root.resolve()).as_posix() if path else None
    return None


@contextlib.contextmanager
def _alone(project: Project) -> Iterator[None]:
    """SQLMesh silent, without telemetry, and at home in the environment's folder."""
    os.environ["SQLMESH__DISABLE_ANONYMIZED_ANALYTICS"] = "true"
    os.environ.setdefault("SQLMESH_HOME", str(project.state_dir.absolute() / "sqlmesh"))
    from sqlmesh.core.console import NoopConsole, get_console, set_console

    before = get_console()
    set_console(NoopConsole())
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        set_console(before)
