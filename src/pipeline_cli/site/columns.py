"""The columns of a table's page: what each is made of, where it begins, and what is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline_cli.lineage.graph import ROWS, Column, ColumnFacts, Lineage, Relation
from pipeline_cli.site.diagrams import row_of


@dataclass(frozen=True, slots=True)
class Group:
    """Columns of one table. items: what each is called, and the column to lead to."""

    relation: Relation
    title: str
    items: Sequence[tuple[str, Column]]


@dataclass(frozen=True, slots=True)
class ColumnView:
    """A column with what it is made of directly, where it begins, and what is made of it."""

    name: str
    row: str
    facts: ColumnFacts
    origins: Sequence[Group]
    beginnings: Sequence[Group]
    uses: Sequence[Group]


def view_columns(lineage: Lineage, relation: Relation) -> list[ColumnView]:
    """Every column of a table; of a report every block with what it shows."""
    return [_view(lineage, Column(relation.id, name), facts) for name, facts in relation.columns.items()]


def _view(lineage: Lineage, column: Column, facts: ColumnFacts) -> ColumnView:
    return ColumnView(
        column.name,
        row_of(lineage, column),
        facts,
        _group(lineage, lineage.origins(column)),
        _group(lineage, lineage.beginnings(column)),
        _group(lineage, lineage.uses(column)),
    )


def _group(lineage: Lineage, columns: Sequence[Column]) -> list[Group]:
    """By table; of a report its blocks."""
    found: dict[str, dict[str, Column]] = {}
    for column in columns:
        name = "rows" if column.name == ROWS else row_of(lineage, column)
        found.setdefault(column.relation, {}).setdefault(name, column)
    return [
        Group(lineage.relations[one], _title(lineage.relations[one]), list(items.items()))
        for one, items in found.items()
    ]


def _title(relation: Relation) -> str:
    return relation.name if relation.kind in ("model", "report") else f"{relation.schema}.{relation.name}"
