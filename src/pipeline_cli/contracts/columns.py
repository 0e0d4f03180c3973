"""What dlt will make of a value in a column: the types it knows, and those it would infer."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from pipeline_cli.contracts.fitting import INT64, fit_problem, show, text_problem
from pipeline_cli.dlt_import import import_dlt

_TEMPORAL = ("timestamp", "date", "time")
_RESERVED_PREFIX = "_dlt_"
METADATA_COLUMNS = ("_run_id", "_extracted_at", "_source", "_record_hash", "_raw", "_endpoint", "_size_bytes")
_EXACT_IN_DOUBLE = range(-(2**53), 2**53 + 1)
# Columns that are new in this load may still widen; the earlier values stay what they were.
_WIDER = {
    frozenset(("bigint", "double")): "double",
    frozenset(("timestamp", "text")): "text",
    frozenset(("date", "text")): "text",
    frozenset(("timestamp", "date")): "text",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """problem: (rule, message) when the value cannot be stored exactly; new_type: what the column becomes."""

    problem: tuple[str, str] | None = None
    new_type: str | None = None
    large: Decimal | None = None


_FINE = Verdict()


class ColumnTypes:
    """The columns of a dlt schema, and those that the records of this load add."""

    def __init__(self, schema: Any) -> None:
        import_dlt()
        from dlt.common.normalizers.json import helpers
        from dlt.common.schema.utils import autodetect_sc_type

        self._schema = schema
        self._naming = schema.naming
        self._helpers = helpers
        self._detect = autodetect_sc_type
        self._new: dict[tuple[str, str], str] = {}
        self._unpinned: set[tuple[str, str]] = set()
        self._parents: dict[str, str] = {}
        self._known: dict[tuple[str, str], str] = {}  # declared, in the table, or new: what `takes` looks at
        self._beyond_double: set[tuple[str, str]] = set()
        self.field = cache(self._field)
        self.fragment = cache(self._fragment)
        self.list_fragment = cache(self._list_fragment)
        self.column_name = cache(self._column_name)
        self.table_name = cache(self._table_name)
        self.is_json = cache(self._is_json)

    # -- names, as dlt's relational normalizer makes them ------------------------------------------------

    def _fragment(self, key: str) -> str:
        if not key or key.isspace():
            return "_empty"
        return str(self._helpers.normalize_identifier(self._schema, self._naming, key))

    def _field(
        self, fragments: tuple[str, ...], key: str, at_root: bool
    ) -> tuple[str, tuple[str, str] | None]:
        """The column of a key, and the (rule, message) of a key that no column can be named after."""
        if not isinstance(key, str):
            return "", ("name", f"the key {key!r} is not a text")
        if text_problem(key):
            return "", ("name", "the key holds a character that no column name can")
        fragment = self.fragment(key)
        if not fragment:  # "__" is nothing but a separator to dlt, and the load would fail for ever
            return "", ("name", f"nothing of the key {key!r} is left in a column name")
        if fragment.startswith(_RESERVED_PREFIX):
            return "", ("reserved_name", f"{key!r} is a name that dlt uses itself")
        if at_root and fragment in METADATA_COLUMNS:
            return "", ("reserved_name", f"{key!r} is the name of a metadata column")
        return self.column_name(fragments, key), None

    def _list_fragment(self, key: str) -> str:
        return str(self._helpers.normalize_table_identifier(self._schema, self._naming, key))

    def _column_name(self, fragments: tuple[str, ...], key: str) -> str:
        name = self.fragment(key)
        return str(self._naming.shorten_fragments(*fragments, name)) if fragments else name

    def _table_name(self, lineage: tuple[str, ...], fragments: tuple[str, ...]) -> str:
        return str(self._naming.shorten_fragments(*lineage, *fragments))

    def variant(self, column: str, ending: str) -> str:
        """The column for a column's values of another type, as dlt calls it."""
        return str(self._naming.shorten_fragments(column, ending))

    def normalize_table(self, name: str) -> str:
        return self.list_fragment(name)

    def parent_of(self, table: str) -> str | None:
        """The table whose rows hold this one's, where it is known; the root table has none."""
        known = self._schema.tables.get(table, {}).get("parent")
        return str(known) if known else self._parents.get(table)

    def keep_parent(self, table: str, parent: str) -> None:
        self._parents[table] = parent

    def max_nesting(self, table: str) -> int:
        return self._helpers.get_table_nesting_level(self._schema, table, 1000) or 0

    def _is_json(self, table: str, column: str, level: int) -> bool:
        return bool(self._helpers.is_nested_type(self._schema, table, column, level))

    # -- types -------------------------------------------------------------------------------------------

    def takes(self, table: str, column: str, value: Any) -> bool:
        """Whether the column's type is known, and the value's very own: nothing is converted then.

        This answers for nearly every value; `verdict` judges the others.
        """
        known = self._known.get((table, column))
        if known == "bigint":
            return type(value) is int and value in _EXACT_IN_DOUBLE
        return known is not None and known == _OWN_TYPES.get(type(value))

    def verdict(self, table: str, column: str, value: Any, learnt: str | None) -> Verdict:
        """Whether `column` takes `value` unchanged. learnt: the type that this same record gave it already."""
        definition = self._definition(table, column)
        # A column that this load has made may still widen, though its type stands in the schema already.
        fixed = None if (table, column) in self._new else definition.get("data_type")
        known = fixed or learnt or self._new.get((table, column))
        if fixed:
            self._known[table, column] = fixed
        found = self._infer(value)
        if found == "bigint" and value not in _EXACT_IN_DOUBLE:
            self._beyond_double.add((table, column))
        if known is None:
            problem = fit_problem(found, {}, value)
            return Verdict(problem=problem) if problem else Verdict(new_type=found)
        if known != found and fixed is None and (wider := self._wider(table, column, known, found)):
            problem = fit_problem(wider, {}, value)
            return Verdict(problem=problem) if problem else Verdict(new_type=wider, large=_large(value))
        if problem := self._type_problem(known, found, value) or fit_problem(known, definition, value):
            return Verdict(problem=problem)
        large = _large(value)
        return _FINE if large is None else Verdict(large=large)

    def _wider(self, table: str, column: str, known: str, found: str) -> str | None:
        wider = _WIDER.get(frozenset((known, found)))
        # An integer that came before and that no double holds stays: the later value is the odd one.
        return None if wider == "double" and (table, column) in self._beyond_double else wider

    def learn(self, table: str, column: str, data_type: str, *, widened: bool = False) -> None:
        """Keep a new column's type; one that has widened is pinned in dlt's schema, which sees its rows later."""
        before = self._new.get((table, column), data_type)
        self._unpinned.add((table, column))
        self._new[table, column] = self._known[table, column] = data_type
        if before != data_type or widened:
            self.pin(table, column)

    def pin(self, table: str, column: str) -> None:
        """Put a column of this load into dlt's schema, which then does not infer its type from the first value."""
        hints = {"name": column, "nullable": True, **self._definition(table, column)}
        self._pin(table, {column: {**hints, "data_type": self._new[table, column]}})

    def pin_all(self) -> None:
        """Pin every column of this load, for when dlt does not normalize its records in their order."""
        for table, column in self._unpinned:
            self.pin(table, column)
        self._unpinned.clear()

    def _pin(self, table: str, columns: dict[str, Any]) -> None:
        partial: dict[str, Any] = {"name": table, "columns": columns}
        if parent := self.parent_of(table):
            partial["parent"] = parent
            if parent not in self._schema.tables:
                self._pin(parent, {})
        self._schema.update_table(partial, normalize_identifiers=False)

    def known_type(self, table: str, column: str) -> tuple[str | None, dict[str, Any]]:
        """A column's data type, in the schema or as this load has made it (None without any), and its hints."""
        definition = self._definition(table, column)
        return self._new.get((table, column)) or definition.get("data_type"), definition

    def new_columns(self, table: str) -> dict[str, str]:
        """The columns that this load's records add to a table, with their data types, in order of appearance."""
        return {column: kind for (name, column), kind in self._new.items() if name == table}

    def all_new_columns(self) -> dict[str, dict[str, str]]:
        """As new_columns, of every table that this load's records have touched."""
        return {table: self.new_columns(table) for table, _ in self._new}

    def _definition(self, table: str, column: str) -> dict[str, Any]:
        found: dict[str, Any] = self._schema.tables.get(table, {}).get("columns", {}).get(column, {})
        return found

    def _infer(self, value: Any) -> str:
        detected = self._detect(self._schema._type_detections, type(value), value)
        return str(detected or self._schema.data_item_normalizer.py_type_to_sc_type(type(value)))

    def _type_problem(self, known: str, found: str, value: Any) -> tuple[str, str] | None:
        if known == found or known == "json" or (found, known) in _SAFE:
            return None
        if known == "text" and isinstance(value, str):
            return None
        if known in _TEMPORAL and isinstance(value, str) and self._parses(known, value):
            return None
        if known == "bigint" and isinstance(value, float) and value.is_integer() and int(value) in INT64:
            return None
        return "column_type", f"{show(value)} does not fit the column, which is {known}"

    def _parses(self, known: str, value: str) -> bool:
        from dlt.common.data_types import coerce_value

        try:
            coerce_value(known, "text", value)  # type: ignore[arg-type]
        except (ValueError, TypeError):
            return False
        return not value.strip().isdigit()


# A text's column may be a time to dlt, and a number's a decimal: only these pairs need no look at the value.
_OWN_TYPES: dict[type, str] = {str: "text", float: "double", bool: "bool"}

# (value's type, column's type) that dlt converts without loss, as far as `fit_problem` agrees.
_SAFE = {
    ("bigint", "double"),
    ("bigint", "decimal"),
    ("bigint", "wei"),
    ("bigint", "text"),
    ("double", "decimal"),
    ("decimal", "text"),
    ("double", "text"),
    ("decimal", "wei"),
    ("date", "timestamp"),
    ("decimal", "bigint"),
    ("decimal", "double"),
}


def _large(value: Any) -> Decimal | None:
    """An integer beyond 64 bits as the Decimal that dlt carries without loss."""
    return Decimal(value) if type(value) is int and value not in INT64 else None
