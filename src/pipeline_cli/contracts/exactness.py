"""Whether the warehouse can hold a record exactly as it came; where it cannot, the record is quarantined.

dlt alone changes values without a word: NUL characters are stripped, NaN becomes NULL, decimals are cut at nine
places, two keys that normalize to one column overwrite each other, a text in a number's column moves to a column
of its own, and an integer of 2^63 blocks the load for ever. This check walks a record as dlt's relational
normalizer will (dlt.common.normalizers.json.relational) and says what would not survive.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any

from pipeline_cli.contracts.columns import ColumnTypes
from pipeline_cli.contracts.fitting import MAX_DEPTH, MAX_KEYS, value_problem
from pipeline_cli.contracts.json_values import plain_json
from pipeline_cli.contracts.reasons import Reason, Record, json_path
from pipeline_cli.drift import NEW_COLUMN, NEW_TABLE, OTHER_TYPE, VARIANT, SchemaChange, TableFields
from pipeline_cli.manifest.sources import SchemaContract

_OPEN = SchemaContract()


class Exactness:
    """Checks the records of one table; learns the types of columns that are new in this load."""

    def __init__(
        self,
        schema: Any,
        table: str,
        *,
        drift: SchemaContract = _OPEN,
        is_there: bool = True,
        keys: Collection[str] = (),
    ) -> None:
        """schema: the dlt Schema that is being extracted into, its naming set for the destination.

        drift: what becomes of fields that the table has no place for, which holds once the table `is_there`.
        keys: top-level fields whose values are never kept in another column.
        """
        self.columns = ColumnTypes(schema)
        self.table = self.columns.normalize_table(table)
        self._max_nesting = self.columns.max_nesting(self.table)
        known = frozenset(schema.tables)
        self.tables = known if is_there and drift.tables != "evolve" else None
        self.closed = known if is_there and drift.columns != "evolve" else frozenset()
        self.keeps_variants = drift.data_type == "evolve"
        self.keys = frozenset(keys)
        self._filled: Counter[tuple[str, str]] = Counter()
        self._rows: Counter[str] = Counter()
        self._misfits: Counter[tuple[str, str]] = Counter()
        self.received: Record | None = None  # the last record as it came, where a value of it was moved

    def reasons(self, record: Record, *, learn: bool = True) -> tuple[Reason, ...]:
        """What of `record` could not be stored exactly; empty when all of it can.

        learn: keep what the record teaches about new columns; not from one that is rejected anyway.
        Integers beyond 64 bits in a column declared decimal or text are turned into Decimal in place, which
        is how dlt wants them.
        """
        found: list[Reason] = []
        self.received = None
        walk = _Walk(self, found.append)
        walk.row(self.table, (self.table,), record, (), self._max_nesting)
        self._misfits.update(walk.misfits)
        if learn and not found:
            self.received = walk.commit(record)
            self._filled.update(walk.filled)
            self._rows.update(walk.rows)
        return tuple(found)

    def count_filled(self, rows: int, filled: Collection[tuple[str, str, int, int]]) -> None:
        """Count records that were read by column. filled: (table, column, rows of the table, values)."""
        self._rows[self.table] += rows
        of_children = {table: count for table, _, count, _ in filled if table != self.table}
        self._rows.update(of_children)
        self._filled.update({(table, column): values for table, column, _, values in filled})

    def fields(self) -> dict[str, TableFields]:
        """The fields of the accepted records, by table."""
        found = {table: TableFields(rows) for table, rows in self._rows.items()}
        for (table, column), filled in self._filled.items():
            found.setdefault(table, TableFields()).add(
                column, self.columns.known_type(table, column)[0], filled
            )
        return found

    def retyped(self) -> list[SchemaChange]:
        """The columns that some values did not fit, with how many."""
        return [
            SchemaChange("retyped", table, column, self.columns.known_type(table, column)[0], records=count)
            for (table, column), count in self._misfits.items()
        ]


class _Walk:
    """One record's way through dlt's flattening: which value lands in which column of which table."""

    def __init__(self, exactness: Exactness, add: Callable[[Reason], None]) -> None:
        self._rules = exactness
        self._columns = exactness.columns
        self._root = exactness.table
        self._add = add
        self.rows: list[str] = []
        self.filled: list[tuple[str, str]] = []
        self.misfits: list[tuple[str, str]] = []
        self._moved: list[tuple[Any, Any]] = []  # container and key of a value for the column of texts
        self._key_count = 0
        self._parents: dict[str, str] = {}
        self._learnt: dict[tuple[str, str], str] = {}
        self._widened: set[tuple[str, str]] = set()
        self._large: list[tuple[Any, Any, Decimal]] = []

    def commit(self, record: Record) -> Record | None:
        """Keep what the accepted record taught: new columns and wider types.

        A value that is kept in another column is moved there; then the record as it was is returned.
        """
        for table, parent in self._parents.items():
            self._columns.keep_parent(table, parent)
        for (table, column), data_type in self._learnt.items():
            self._columns.learn(table, column, data_type, widened=(table, column) in self._widened)
        for container, key, value in self._large:
            container[key] = value
        received = copy.deepcopy(record) if self._moved else None
        for container, key in self._moved:
            value = container[key]
            text = {VARIANT: value if isinstance(value, str) else plain_json(value)}
            container[key] = {"value": text} if isinstance(container, list) else text
        return received

    def row(
        self, table: str, lineage: tuple[str, ...], row: Record, path: tuple[str | int, ...], nesting: int
    ) -> None:
        """lineage: the tables above and this one; path: where `row` stands in the record."""
        if len(path) > MAX_DEPTH:
            self._add(Reason("$", "depth", f"nested deeper than {MAX_DEPTH} levels"))
            return
        self.rows.append(table)
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
                    if len(here) > MAX_DEPTH:
                        self._add(Reason("$", "depth", f"nested deeper than {MAX_DEPTH} levels"))
                    elif isinstance(value, dict):
                        stack.append((value, (*fragments, self._columns.fragment(key)), here, level - 1))
                    elif self._is_free(taken, f"{name}[]", where, key):
                        below = (*fragments, self._columns.list_fragment(key))
                        self._list(lineage, below, value, here, nesting - 1)
                elif self._is_free(taken, name, where, key):
                    self._value(table, name, current, key, value, where, level)

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
        if values and self._rules.tables is not None and table not in self._rules.tables:
            self._add(Reason(json_path(path), NEW_TABLE, f"its items have no table {table} to go to"))
            return
        below = (*lineage, *fragments)
        for index, value in enumerate(values):
            if isinstance(value, dict):
                self.row(table, below, value, (*path, index), level)
            elif isinstance(value, list):
                self.row(table, below, {"list": value}, (*path, index), level - 1)
            else:
                self.rows.append(table)
                self._value(table, "value", values, index, value, path, level)

    def _value(
        self,
        table: str,
        column: str,
        container: Any,
        key: Any,
        value: Any,
        path: tuple[str | int, ...],
        level: int,
    ) -> None:
        if value is None:
            return
        self.filled.append((table, column))
        problem = value_problem(value)
        if problem is None and self._columns.takes(table, column, value):
            return
        if problem is None:
            known = self._learnt.get((table, column))
            verdict = self._columns.verdict(table, column, value, known)
            problem = verdict.problem
            if verdict.new_type is not None and table in self._rules.closed:
                problem = NEW_COLUMN, f"the table {table} has no column {column}"
            elif verdict.new_type is not None:
                if known and known != verdict.new_type:  # in this very record: two items of one list
                    self._widened.add((table, column))
                self._learnt[table, column] = verdict.new_type
            if verdict.large is not None:
                self._large.append((container, key, verdict.large))
        if problem is None:
            return
        if problem[0] in OTHER_TYPE:
            self.misfits.append((table, column))
            if self._rules.keeps_variants and self._move(table, column, container, key, (*path, key), level):
                return
        self._add(Reason(json_path((*path, key)), *problem))

    def _move(
        self, table: str, column: str, container: Any, key: Any, path: tuple[str | int, ...], level: int
    ) -> bool:
        """Whether a value that its column cannot hold goes to the column of texts beside it, as dlt names that."""
        is_item = isinstance(container, list)
        if path[0] in self._rules.keys or self._columns.is_json(table, column, level - is_item):
            return False
        self._moved.append((container, key))
        variant = table, self._columns.variant(column, VARIANT)
        self._learnt[variant] = "text"
        self._widened.add(variant)
        self.filled.append(variant)
        return True

    def _count(self, row: Record) -> None:
        self._key_count += len(row)
        duplicated = getattr(row, "duplicate_keys", ())
        for name in duplicated:
            self._add(
                Reason(
                    json_path((name,)), "duplicate_key", f"the key {name!r} stands twice in one JSON object"
                )
            )
        if self._key_count - len(row) <= MAX_KEYS < self._key_count and len(row) > MAX_KEYS:
            self._add(Reason("$", "keys", f"more than {MAX_KEYS} keys in one object"))

    def _is_free(self, taken: dict[str, Any], name: str, where: tuple[str | int, ...], key: str) -> bool:
        if name not in taken:
            taken[name] = (where, key)
            return True
        above, other = taken[name]
        message = f"lands in the same column as {json_path((*above, other))}"
        self._add(Reason(json_path((*where, key)), "name_collision", message))
        return False
