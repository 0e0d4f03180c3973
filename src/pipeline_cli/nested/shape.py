"""What the records of a resource look like: the fields that accepted records had, and the columns dlt makes of them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pipeline_cli.contracts.columns import ColumnTypes
from pipeline_cli.contracts.reasons import Record
from pipeline_cli.nested.whole import Places, add_place

Kind = Literal["empty", "value", "object", "list", "mixed"]

# dlt's types of columns whose values can be read by column, and how Arrow reads them from JSON.
READ_AS: Mapping[str, str] = {
    "text": "string",
    "bigint": "int64",
    "double": "float64",
    "decimal": "float64",
    "bool": "bool",
    "timestamp": "string",
    "date": "string",
}
_MAX_FIELDS = 1_000  # of one object; exactness.py rejects more


@dataclass(slots=True)
class Node:
    """A place in the records. empty: nothing but null so far; mixed: values of kinds that one column cannot hold."""

    kind: Kind = "empty"
    fields: dict[str, Node] = field(default_factory=dict)
    item: Node | None = None

    def add(self, value: Any) -> None:
        if value is None:
            return
        if isinstance(value, dict):
            self._become("object")
            for key, each in value.items():
                node = self.fields.get(key)
                if node is None:
                    node = self.fields[key] = Node()
                node.add(each)
        elif isinstance(value, list):
            self._become("list")
            self.item = self.item or Node()
            for each in value:
                self.item.add(each)
        else:
            self._become("value")

    def _become(self, kind: Kind) -> None:
        self.kind = kind if self.kind in ("empty", kind) else "mixed"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A place with values. data_type: dlt's; None where only null has been seen. definition: the column's hints.

    table, column: where the values go.
    """

    data_type: str | None
    definition: Mapping[str, Any]
    table: str = ""
    column: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """How Arrow reads a page. leaves: in the order of `leaf_arrays`; whole: the places kept as JSON (whole.py)."""

    schema: Any  # pyarrow.Schema
    leaves: tuple[Leaf, ...]
    whole: Places


class _NotByColumnError(Exception):
    """These records cannot be read by column, and why."""


class ShapeBuilder:
    """Learns from accepted records, and gives the shape that all of them have."""

    def __init__(self, columns: ColumnTypes, table: str) -> None:
        """columns: the schema's, and those that the load has added; table: the root table's normalized name."""
        self._columns = columns
        self._table = table
        self._nesting = columns.max_nesting(table)
        self._root = Node("object")
        self.problem = ""  # why the last records could not be read by column

    def learn(self, records: Iterable[Record]) -> Shape | None:
        """The shape of these records and of all before them, with the columns' types as they are now.

        None where these cannot be read by column, together with the others; then they are forgotten.
        """
        import pyarrow

        root = copy.deepcopy(self._root)
        for record in records:
            root.add(record)
        plan = _Plan(self._columns, self._table)
        try:
            fields = plan.object_fields(self._table, (self._table,), root, (), self._nesting)
        except _NotByColumnError as error:
            self.problem = str(error)
            return None
        self._root = root
        return Shape(pyarrow.schema(fields), tuple(plan.leaves), plan.whole)


class _Plan:
    """One walk over the shape, as exactness.py walks a record: the same names, the same nesting."""

    def __init__(self, columns: ColumnTypes, root: str) -> None:
        self._columns = columns
        self._root = root
        self.leaves: list[Leaf] = []
        self.whole: dict[str, Any] = {}
        self._path: list[str] = []
        self._taken: set[tuple[str, str]] = set()

    def object_fields(
        self, table: str, lineage: tuple[str, ...], node: Node, fragments: tuple[str, ...], level: int
    ) -> list[Any]:
        """The Arrow fields of an object. fragments: of the objects around it; level: how deep it may still nest."""
        import pyarrow

        if len(node.fields) > _MAX_FIELDS:
            raise self._problem(f"has more than {_MAX_FIELDS:,} fields")
        fields = []
        for key, each in node.fields.items():
            self._path.append(key)
            fields.append(pyarrow.field(key, self._field_type(table, lineage, key, each, fragments, level)))
            self._path.pop()
        return fields

    def _field_type(
        self,
        table: str,
        lineage: tuple[str, ...],
        key: str,
        node: Node,
        fragments: tuple[str, ...],
        level: int,
    ) -> Any:
        import pyarrow

        at_root = lineage == (self._root,) and not fragments
        name, problem = self._columns.field(fragments, key, at_root)
        if problem is not None or node.kind == "mixed":
            raise self._problem(
                "is not of one kind in all records" if problem is None else "has a name that is no column's"
            )
        is_json = self._columns.is_json(table, name, level)
        if node.kind in ("object", "list") and is_json:
            self._take(table, name)
            add_place(self.whole, self._path)
            self.leaves.append(Leaf("json", {}, table, name))
            return pyarrow.string()
        if node.kind == "object":
            inner = (*fragments, self._columns.fragment(key))
            return pyarrow.struct(self.object_fields(table, lineage, node, inner, level - 1))
        if node.kind == "list":
            self._take(table, f"{name}[]")
            below = (*lineage, *fragments, self._columns.list_fragment(key))
            return pyarrow.list_(self._item_type(lineage, below, node, level - 1))
        self._take(table, name)
        return self._leaf(table, name)

    def _item_type(self, lineage: tuple[str, ...], below: tuple[str, ...], node: Node, level: int) -> Any:
        """lineage: of the table that holds the list; below: of the items' table; level: exactness.py's for items."""
        import pyarrow

        table, parent = self._columns.table_name(below, ()), self._columns.table_name(lineage, ())
        if self._columns.parent_of(table) not in (None, parent) or table in (parent, self._root):
            raise self._problem(f"would go into the table {table}, which is another one's")
        item = node.item or Node()
        self._take("", table)  # each list has a table of its own
        if item.kind == "object":
            return pyarrow.struct(self.object_fields(table, below, item, (), level))
        if item.kind in ("list", "mixed"):
            raise self._problem("has lists as items" if item.kind == "list" else "has items of several kinds")
        return self._leaf(table, "value")

    def _leaf(self, table: str, column: str) -> Any:
        import pyarrow

        data_type, definition = self._columns.known_type(table, column)
        if data_type is not None and (data_type not in READ_AS or _is_special(data_type, definition)):
            raise self._problem(f"is declared as {data_type}, with hints that need each value")
        self.leaves.append(Leaf(data_type, definition, table, column))
        return pyarrow.type_for_alias(READ_AS[data_type]) if data_type else pyarrow.null()

    def _take(self, table: str, name: str) -> None:
        # Of two fields of one column: which has the value is a record's own matter.
        if (table, name) in self._taken:
            raise self._problem(f"shares {name} with another field")
        self._taken.add((table, name))

    def _problem(self, what: str) -> _NotByColumnError:
        return _NotByColumnError(f"{'.'.join(self._path) or 'a record'} {what}")


def _is_special(data_type: str, definition: Mapping[str, Any]) -> bool:
    """Whether the column's own hints change what dlt makes of a value."""
    if data_type == "timestamp":
        return definition.get("precision") is not None or definition.get("timezone") is False
    return data_type in ("bigint", "double") and definition.get("precision") is not None
