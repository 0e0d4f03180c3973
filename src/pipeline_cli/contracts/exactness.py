"""Whether the warehouse can hold a record exactly as it came; where it cannot, the record is quarantined.

dlt alone changes values without a word: NUL characters are stripped, NaN becomes NULL, decimals are cut at nine
places, two keys that normalize to one column overwrite each other, a text in a number's column moves to a column
of its own, and an integer of 2^63 blocks the load for ever. This check walks a record as dlt's relational
normalizer will (dlt.common.normalizers.json.relational) and says what would not survive.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from pipeline_cli.contracts.columns import ColumnTypes
from pipeline_cli.contracts.fitting import text_problem
from pipeline_cli.contracts.reasons import Reason, Record, json_path

# Postgres and DuckDB allow 1,600 columns and more; dlt's writers recurse once a level.
_MAX_DEPTH = 100
_MAX_KEYS = 1_000
_INT64 = range(-(2**63), 2**63)


class Exactness:
    """Checks the records of one table; learns the types of columns that are new in this load."""

    def __init__(self, schema: Any, table: str) -> None:
        """schema: the dlt Schema that is being extracted into, its naming set for the destination."""
        self.columns = ColumnTypes(schema)
        self.table = self.columns.normalize_table(table)
        self._max_nesting = self.columns.max_nesting(self.table)

    def reasons(self, record: Record, *, learn: bool = True) -> tuple[Reason, ...]:
        """What of `record` could not be stored exactly; empty when all of it can.

        learn: keep what the record teaches about new columns; not from one that is rejected anyway.
        Integers beyond 64 bits in a column declared decimal or text are turned into Decimal in place, which
        is how dlt wants them.
        """
        found: list[Reason] = []
        walk = _Walk(self.columns, self.table, found.append)
        walk.row(self.table, (self.table,), record, (), self._max_nesting)
        if learn and not found:
            walk.commit()
        return tuple(found)


class _Walk:
    """One record's way through dlt's flattening: which value lands in which column of which table."""

    def __init__(self, columns: ColumnTypes, root: str, add: Callable[[Reason], None]) -> None:
        self._columns = columns
        self._root = root
        self._add = add
        self._key_count = 0
        self._parents: dict[str, str] = {}
        self._learnt: dict[tuple[str, str], str] = {}
        self._widened: set[tuple[str, str]] = set()
        self._large: list[tuple[Any, Any, Decimal]] = []

    def commit(self) -> None:
        """Keep what the accepted record taught: new columns and wider types."""
        for table, parent in self._parents.items():
            self._columns.keep_parent(table, parent)
        for (table, column), data_type in self._learnt.items():
            self._columns.learn(table, column, data_type, widened=(table, column) in self._widened)
        for container, key, value in self._large:
            container[key] = value

    def row(
        self, table: str, lineage: tuple[str, ...], row: Record, path: tuple[str | int, ...], nesting: int
    ) -> None:
        """lineage: the tables above and this one; path: where `row` stands in the record."""
        if len(path) > _MAX_DEPTH:
            self._add(Reason("$", "depth", f"nested deeper than {_MAX_DEPTH} levels"))
            return
        taken: dict[str, tuple[tuple[str | int, ...], str]] = {}
        stack: list[tuple[Record, tuple[str, ...], tuple[str | int, ...], int]] = [(row, (), path, nesting)]
        while stack:
            current, fragments, where, level = stack.pop()
            self._count(current)
            at_root = not path and not fragments
            for key, value in current.items():
                name, problem = self._columns.field(fragments, key, at_root)
                if problem is not None:
                    self._add(Reason(json_path((*where, str(key))), *problem))
                elif isinstance(value, (dict, list)) and not self._columns.is_json(table, name, level):
                    here = (*where, key)
                    if len(here) > _MAX_DEPTH:
                        self._add(Reason("$", "depth", f"nested deeper than {_MAX_DEPTH} levels"))
                    elif isinstance(value, dict):
                        stack.append((value, (*fragments, self._columns.fragment(key)), here, level - 1))
                    elif self._is_free(taken, f"{name}[]", where, key):
                        below = (*fragments, self._columns.list_fragment(key))
                        self._list(lineage, below, value, here, nesting - 1)
                elif self._is_free(taken, name, where, key):
                    self._value(table, lineage, name, current, key, value, where)

    def _list(
        self,
        lineage: tuple[str, ...],
        fragments: tuple[str, ...],
        values: list[Any],
        path: tuple[str | int, ...],
        level: int,
    ) -> None:
        table, parent = self._columns.table_name(lineage, fragments), self._columns.table_name(lineage, ())
        known = self._columns.parent_of(table) or self._parents.setdefault(table, parent)
        if known != parent or table in (parent, self._root):
            message = f"its items land in the table {table}, which holds others' already"
            self._add(Reason(json_path(path), "name_collision", message))
            return
        below = (*lineage, *fragments)
        for index, value in enumerate(values):
            if isinstance(value, dict):
                self.row(table, below, value, (*path, index), level)
            elif isinstance(value, list):
                self.row(table, below, {"list": value}, (*path, index), level - 1)
            else:
                self._value(table, below, "value", values, index, value, path)

    def _value(
        self,
        table: str,
        lineage: tuple[str, ...],
        column: str,
        container: Any,
        key: Any,
        value: Any,
        path: tuple[str | int, ...],
    ) -> None:
        problem = value_problem(value)
        if value is None or (problem is None and self._columns.takes(table, column, value)):
            return
        if problem is None:
            known = self._learnt.get((table, column))
            verdict = self._columns.verdict(table, column, value, known)
            problem = verdict.problem
            if verdict.new_type is not None:
                if known and known != verdict.new_type:  # in this very record: two items of one list
                    self._widened.add((table, column))
                self._learnt[table, column] = verdict.new_type
            if verdict.large is not None:
                self._large.append((container, key, verdict.large))
        if problem is not None:
            self._add(Reason(json_path((*path, key)), *problem))

    def _count(self, row: Record) -> None:
        self._key_count += len(row)
        duplicated = getattr(row, "duplicate_keys", ())
        for name in duplicated:
            self._add(
                Reason(
                    json_path((name,)), "duplicate_key", f"the key {name!r} stands twice in one JSON object"
                )
            )
        if self._key_count - len(row) <= _MAX_KEYS < self._key_count and len(row) > _MAX_KEYS:
            self._add(Reason("$", "keys", f"more than {_MAX_KEYS} keys in one object"))

    def _is_free(self, taken: dict[str, Any], name: str, where: tuple[str | int, ...], key: str) -> bool:
        if name not in taken:
            taken[name] = (where, key)
            return True
        above, other = taken[name]
        message = f"lands in the same column as {json_path((*above, other))}"
        self._add(Reason(json_path((*where, key)), "name_collision", message))
        return False


def value_problem(value: Any) -> tuple[str, str] | None:
    """The (rule, message) of a value that cannot be stored exactly in any column; looks inside lists and dicts."""
    if isinstance(value, str):
        return text_problem(value)
    if isinstance(value, float):
        return (
            None
            if math.isfinite(value)
            else ("not_finite", f"{value} is not a number that JSON or SQL keeps")
        )
    if isinstance(value, (dict, list)):
        return _json_problem(value)
    return None


def _json_problem(value: Any) -> tuple[str, str] | None:
    """For values kept whole in a JSON column: what JSON numbers of 64 bits cannot carry."""
    stack = [(value, 0)]
    while stack:
        current, depth = stack.pop()
        if depth > _MAX_DEPTH:
            return "depth", f"nested deeper than {_MAX_DEPTH} levels"
        if isinstance(current, dict):
            if getattr(current, "duplicate_keys", ()):
                return "duplicate_key", "a key stands twice in one JSON object"
            stack.extend((each, depth + 1) for pair in current.items() for each in pair)
        elif isinstance(current, list):
            stack.extend((each, depth + 1) for each in current)
        elif isinstance(current, Decimal) or (type(current) is int and current not in _INT64):
            return "number", f"{current} has more digits than a JSON column keeps"
        elif isinstance(current, (str, float)) and (problem := value_problem(current)):
            return problem
    return None
