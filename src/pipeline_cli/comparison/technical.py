"""Columns of models that only say when and by which run a row was loaded: they differ between any two environments."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline_cli.comparison.sides import Side, TableName
from pipeline_cli.destinations import open_warehouse
from pipeline_cli.errors import TransformError
from pipeline_cli.lineage.assembly import Parts, assemble
from pipeline_cli.lineage.collecting import read_models
from pipeline_cli.lineage.fields import RAW, TECHNICAL
from pipeline_cli.lineage.graph import Column, Lineage
from pipeline_cli.transforms.described import DescribedModel

_OF_LOADING = frozenset(TECHNICAL) - {RAW, "_dlt_list_idx"}


def technical_columns(here: Side, there: Side) -> Mapping[TableName, frozenset[str]]:
    """Of each model, the columns that lineage leads to nothing but the loader's own columns of bronze.

    Empty where an engine cannot read its project. Imports SQLMesh where its models changed since lineage was read.
    """
    models = {transform: _models(here, there, transform) for transform in here.models}
    columns = {name: table.columns for name, table in here.tables.items()}
    lineage = assemble(Parts(here.project, models, columns, here.dialect, reports=()))
    found: dict[TableName, frozenset[str]] = {}
    for relation in lineage.relations.values():
        if relation.kind == "model":
            names = [name for name in relation.columns if _is_technical(lineage, Column(relation.id, name))]
            found[relation.schema, relation.name] = frozenset(names)
    return found


def _models(here: Side, there: Side, transform: str) -> list[DescribedModel]:
    for side in (here, there):
        try:
            found = read_models(side.project, transform, open_warehouse(side.project))
        except TransformError:
            continue
        if found:
            return found
    return []


def _is_technical(lineage: Lineage, column: Column) -> bool:
    origins = [
        each for each in lineage.upstream([column]) if lineage.relations[each.relation].kind == "bronze"
    ]
    return bool(origins) and all(each.name in _OF_LOADING for each in origins)
