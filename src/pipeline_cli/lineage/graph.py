"""Tables, and which column is made of which. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeVar

Kind = Literal["source", "bronze", "model", "report", "table"]
Node = TypeVar("Node", str, "Column")
ROWS = "*"  # instead of a column's name: something counts a table's rows


class Column(NamedTuple):
    """A column of a relation, by the relation's id; `name` is ROWS where its rows are meant."""

    relation: str
    name: str


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    type: str | None = None
    description: str = ""


@dataclass(slots=True)
class Relation:
    """Anything with columns: a source's resource, a table, a model, a report.

    id: `schema.name` of a table, `source:fakestore.carts`, `report:sales`. schema: what it stands in ("" for
    reports). kind "table": something that models read and that is none of ours. owner: the source, transform or
    report that it belongs to. made_by: the engine's word for a model. parents: ids of what it reads.
    """

    id: str
    kind: Kind
    schema: str
    name: str
    owner: str = ""
    description: str = ""
    file: str | None = None
    made_by: str = ""
    columns: dict[str, ColumnFacts] = field(default_factory=dict)
    parents: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Lineage:
    """relations by id, in the order sources, bronze, models, reports; made_of: a column's direct origins."""

    relations: dict[str, Relation] = field(default_factory=dict)
    made_of: dict[Column, frozenset[Column]] = field(default_factory=dict)
    _used_by: dict[Column, set[Column]] | None = None

    @property
    def used_by(self) -> Mapping[Column, set[Column]]:
        """The columns that are made of a column directly."""
        if self._used_by is None:
            self._used_by = {}
            for column, origins in self.made_of.items():
                for origin in origins:
                    self._used_by.setdefault(origin, set()).add(column)
        return self._used_by

    def origins(self, column: Column) -> list[Column]:
        """What the column is directly made of, in the relations' order."""
        return self.in_order(self.made_of.get(column, ()))

    def uses(self, column: Column) -> list[Column]:
        """What is directly made of the column, in the relations' order."""
        return self.in_order(self.used_by.get(column, ()))

    def upstream(self, columns: Iterable[Column]) -> set[Column]:
        """All that the columns are made of, and they themselves."""
        return _reach(columns, lambda column: self.made_of.get(column, ()))

    def downstream(self, columns: Iterable[Column]) -> set[Column]:
        """All that is made of the columns, and they themselves."""
        return _reach(columns, lambda column: self.used_by.get(column, ()))

    def beginnings(self, column: Column) -> list[Column]:
        """The source fields that a column comes from in the end."""
        found = self.upstream([column]) - {column}
        return self.in_order(one for one in found if self.relations[one.relation].kind == "source")

    def ancestors(self, relation: str) -> set[str]:
        """The relations that a relation reads, and those that they read; not itself."""
        return _reach([relation], lambda one: self.relations[one].parents) - {relation}

    def descendants(self, relation: str) -> set[str]:
        """The relations that read a relation, and those that read them; not itself."""
        readers = self.readers()
        return _reach([relation], lambda one: readers.get(one, ())) - {relation}

    def readers(self) -> dict[str, list[str]]:
        """Relation to those that read it directly."""
        found: dict[str, list[str]] = {}
        for relation in self.relations.values():
            for parent in sorted(relation.parents):
                found.setdefault(parent, []).append(relation.id)
        return found

    def depths(self, ids: Iterable[str] | None = None) -> dict[str, int]:
        """How many steps each relation is from one that reads none of the others; a circle counts once."""
        chosen = set(self.relations if ids is None else ids)
        found: dict[str, int] = {}

        def depth(one: str, on_the_way: frozenset[str]) -> int:
            if one not in found:
                way = on_the_way | {one}
                parents = (self.relations[one].parents & chosen) - way
                found[one] = 1 + max((depth(parent, way) for parent in parents), default=-1)
            return found[one]

        for one in self.relations:
            if one in chosen:
                depth(one, frozenset())
        return found

    def in_order(self, columns: Iterable[Column]) -> list[Column]:
        """Columns by their relations' order, and within one by that of its columns."""
        wanted = list(columns)
        relations = {column.relation for column in wanted}
        order = [one for one in self.relations if one in relations]
        places = {
            Column(one, name): (place, number)
            for place, one in enumerate(order)
            for number, name in enumerate(self.relations[one].columns)
        }
        return sorted(
            wanted, key=lambda column: (places.get(column, (order.index(column.relation), -1)), column.name)
        )


def _reach(begin: Iterable[Node], step: Callable[[Node], Iterable[Node]]) -> set[Node]:
    """All that steps lead to from the beginnings, circles and all; the beginnings too."""
    found = set(begin)
    waiting = list(found)
    while waiting:
        new = set(step(waiting.pop())) - found
        found |= new
        waiting += new
    return found
