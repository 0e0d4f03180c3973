"""What a step reads and writes, as OpenLineage's datasets, from the project's own lineage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.document import StepResult
from pipeline_cli.lineage.assembly import Parts, assemble
from pipeline_cli.lineage.catalog import read_catalog
from pipeline_cli.lineage.collecting import read_models, schemas_of
from pipeline_cli.lineage.graph import ROWS, Column, Lineage, Relation
from pipeline_cli.openlineage import facets
from pipeline_cli.openlineage.naming import DatasetNames
from pipeline_cli.project import Project
from pipeline_cli.transforms.described import DescribedModel

Json = dict[str, Any]
MOST_SQL = 200_000  # characters of a step's SQL
DONE = ("succeeded", "unchanged")
_UNREAD = ("bigquery",)  # warehouses whose columns are not read yet


@dataclass(slots=True)
class Datasets:
    """sql: the step's queries, in `dialect`; None where it has none."""

    inputs: list[Json] = field(default_factory=list)
    outputs: list[Json] = field(default_factory=list)
    sql: str | None = None
    dialect: str = "duckdb"


def find_datasets(
    project: Project, warehouse: Warehouse, names: DatasetNames, pipeline: str, step: StepResult
) -> Datasets:
    """The datasets of a step that has ended. Opens the warehouse for a moment. Raises StepError, or what drivers do.

    What a step leaves as it was is listed, too: it is what the job reads and writes. A step that failed lists of
    what it writes only what it made before; the warehouse, which may be why, is not asked then.
    """
    target = step.name.partition(":")[2]
    transforms: Sequence[str] = () if step.kind == "ingest" else (target,)
    if step.kind == "report":
        transforms = project.manifest.pipelines[pipeline].transforms
    models = {name: read_models(project, name, warehouse) for name in transforms}
    columns = {}
    if step.status in DONE and warehouse.type not in _UNREAD:
        schemas = schemas_of(project, models)
        columns = read_catalog(warehouse, schemas, counted=False, place=project.model_schema).columns()
    reports = (target,) if step.kind == "report" else ()
    lineage = assemble(Parts(project, models, columns, warehouse.type, reports))
    _add_loaded(lineage, step, target)
    return _Maker(lineage, names, step, target).make(models.get(target, ()), warehouse.type)


def _add_loaded(lineage: Lineage, step: StepResult, source: str) -> None:
    """What was loaded stands in the lineage, also where neither the manifest nor the warehouse told of it."""
    for resource in step.resources:
        table = f"{resource.dataset}.{resource.table}"
        if table not in lineage.relations:
            origin = f"source:{source}.{resource.name}"
            lineage.relations.setdefault(
                origin, Relation(origin, "source", source, resource.name, owner=source)
            )
            lineage.relations[table] = Relation(
                table, "bronze", resource.dataset, resource.table, owner=source, parents={origin}
            )


class _Maker:
    def __init__(self, lineage: Lineage, names: DatasetNames, step: StepResult, target: str) -> None:
        self._lineage = lineage
        self._names = names
        self._step = step
        self._target = target

    def make(self, models: Sequence[DescribedModel], dialect: str) -> Datasets:
        written = [one for one in self._lineage.relations.values() if self._is_written(one)]
        made = {one.id for one in written}
        read = {parent for one in written for parent in one.parents} - made
        if self._step.kind == "test":
            return Datasets(inputs=[self._dataset(one) for one in written])
        inputs = [self._dataset(one) for name, one in self._lineage.relations.items() if name in read]
        query = _join_sql(model for model in models if f"{model.schema}.{model.name}" in made)
        return Datasets(inputs, [self._output(one) for one in written], query or None, dialect)

    def _is_written(self, relation: Relation) -> bool:
        kind = self._step.kind
        if (relation.kind, relation.owner) not in {
            ("bronze", self._target if kind == "ingest" else ""),
            ("report", self._target if kind == "report" else ""),
            ("model", self._target if kind in ("transform", "test") else ""),
        }:
            return False
        if self._step.status in DONE or kind == "test":
            return True
        return any(model.name == relation.id and model.status == "succeeded" for model in self._step.models)

    def _output(self, relation: Relation) -> Json:
        dataset = self._dataset(relation)
        fields = {
            column: [self._origin(one) for one in origins]
            for column in relation.columns
            if (origins := self._origins(relation, column))
        }
        if fields:
            dataset["facets"]["columnLineage"] = facets.column_lineage(fields)
        rows, files = self._rows(relation), self._files(relation)
        if rows is not None or files is not None:
            dataset["outputFacets"] = {"outputStatistics": facets.output_statistics(rows=rows, files=files)}
        return dataset

    def _dataset(self, relation: Relation) -> Json:
        namespace, name = self._names.find(relation)
        found = {"dataSource": facets.data_source(namespace)}
        if relation.columns:
            found["schema"] = facets.schema([_field(one, facts) for one, facts in relation.columns.items()])
        if relation.description:
            found["documentation"] = facets.dataset_documentation(relation.description)
        return {"namespace": namespace, "name": name, "facets": found}

    def _origins(self, relation: Relation, column: str) -> list[Column]:
        """The columns that a column is made of. One that counts rows is made of none: a facet names fields."""
        found = self._lineage.origins(Column(relation.id, column))
        return [one for one in found if one.name != ROWS and one.relation != relation.id]

    def _origin(self, column: Column) -> Json:
        namespace, name = self._names.find(self._lineage.relations[column.relation])
        return {"namespace": namespace, "name": name, "field": column.name}

    def _rows(self, relation: Relation) -> int | None:
        """The rows that the step wrote (of a model: those that it has now); None where nobody counted."""
        for resource in self._step.resources:
            if f"{resource.dataset}.{resource.table}" == relation.id:
                return resource.loaded
        return next((model.rows for model in self._step.models if model.name == relation.id), None)

    def _files(self, relation: Relation) -> int | None:
        found: Iterable[int] = (len(one.files) for one in self._step.reports if relation.kind == "report")
        return next(iter(found), None)


def _field(name: str, facts: Any) -> Json:
    told: Mapping[str, str | None] = {
        "name": name,
        "type": facts.type,
        "description": facts.description or None,
    }
    return {key: value for key, value in told.items() if value is not None}


def _join_sql(models: Iterable[DescribedModel]) -> str:
    queries = (f"-- {model.schema}.{model.name}\n{model.sql.strip()}" for model in models if model.sql)
    return ";\n\n".join(queries)[:MOST_SQL]
