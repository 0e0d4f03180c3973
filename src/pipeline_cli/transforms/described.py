"""What an engine knows of its models without building anything: columns, words about them, SQL, lineage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline_cli.project import Project

TableName = tuple[str, str]  # schema, name
ColumnName = tuple[str, str, str]  # schema, table, column


@dataclass(frozen=True, slots=True)
class DescribedColumn:
    """A column as its model describes it. type: the database's, None where nobody says it."""

    type: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class DescribedModel:
    """A model, or a table that models read but do not make (`kind` is "source" then).

    kind: the engine's word (table, incremental, FULL, SEED). file: relative to the project.
    sql: as the warehouse gets it, in `dialect` of SQLGlot; None where there is none, or nothing was built yet.
    made_of: the engine's own column lineage; None where it has none, {} entries where it found nothing.
    """

    schema: str
    name: str
    kind: str
    file: str | None = None
    description: str = ""
    columns: Mapping[str, DescribedColumn] = field(default_factory=dict)
    parents: frozenset[TableName] = frozenset()
    sql: str | None = None
    dialect: str = "duckdb"
    made_of: Mapping[str, frozenset[ColumnName]] | None = None

    @property
    def table(self) -> TableName:
        return self.schema, self.name


def describe_models(project: Project, transform: str) -> list[DescribedModel]:
    """The models of a transform and the tables they read. Opens no warehouse.

    SQLMesh's are read from its project (its import takes 1.5 s), dbt's from what the last build left; none
    where nothing was built. Raises TransformError for a project that SQLMesh cannot load.
    """
    if project.manifest.transforms[transform].engine == "sqlmesh":
        from pipeline_cli.transforms.sqlmesh_described import describe_sqlmesh

        return describe_sqlmesh(project, transform)
    from pipeline_cli.transforms.dbt_described import describe_dbt

    found = describe_dbt(project, transform)
    if project.is_copy:  # what it has not built itself was built, and compiled, by its original
        original = describe_dbt(project.bound_to(project.loads_environment), transform)
        known = {model.table: model for model in original} | {
            model.table: model for model in found if model.sql
        }
        found = [known.get(model.table, model) for model in found]
    return found


def dbt_folder(project: Project, transform: str) -> Path:
    """Where dbt's artifacts and docs.html of a transform are."""
    return project.state_dir / "dbt" / transform
