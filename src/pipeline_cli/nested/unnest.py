"""Nested tables taken apart into dlt's tables: the same names, nesting and links as its relational normalizer makes.

Names and nesting are asked of dlt (dlt.common.normalizers.json.relational), once a field instead of once a value.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline_cli.nested.arrays import (
    column_arrays,
    from_letters,
    from_numbers,
    from_texts,
    is_list,
    is_struct,
    list_lengths,
    repeat_text,
    struct_fields,
)

Arrays = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one table, by column; link columns included, _dlt_load_id too."""

    table: str
    columns: Mapping[str, Any]
    count: int


class Unnesting:
    """Takes the nested tables of one load package apart."""

    def __init__(self, normalizer: Any, load_id: str) -> None:
        """normalizer: the dlt schema's data_item_normalizer, of the relational kind."""
        self._dlt = normalizer
        self._load_id = load_id

    def tables(self, root: str, nested: Any) -> Iterator[Rows]:
        """The root table's rows and those of its child tables, parents first."""
        count = nested.num_rows
        level = self._dlt._get_table_nesting_level(root, self._dlt.max_nesting)
        columns, lists = self._flatten(root, column_arrays(nested), level)
        columns[self._dlt.c_dlt_load_id] = repeat_text(self._load_id, count)
        is_given = self._dlt.c_dlt_id in columns
        if not is_given:
            columns[self._dlt.c_dlt_id] = random_ids(count)
        ids = columns[self._dlt.c_dlt_id]
        passed_on = self._passed_on(root, columns, is_root=True)
        yield Rows(root, columns, count)
        for path, array in lists.items():
            yield from self._items((root,), path, array, ids, passed_on, level - 1, follows=is_given)

    def _items(
        self,
        parent: tuple[str, ...],
        path: tuple[str, ...],
        array: Any,
        parent_ids: Any,
        passed_on: Arrays,
        level: int,
        *,
        follows: bool,
    ) -> Iterator[Rows]:
        """The rows of a list's table. parent_ids, passed_on: of the rows that hold the lists.

        follows: ids are made of the parent's, as dlt makes them all; only where those are known before the load
        (scd2) does that tell anything, so elsewhere they are drawn, which takes a tenth of the time.
        """
        table = self._dlt._shorten_fragments(*parent, *path)
        holders, positions = _places(array)
        if not len(holders):
            return
        items = array.flatten()
        fields = struct_fields(items) if is_struct(items) else [(self._dlt.c_value, items)]
        columns, lists = self._flatten(table, fields, level)
        above = {name: values.take(holders) for name, values in passed_on.items()}
        columns.update(above)
        ids_above = parent_ids.take(holders)
        columns[self._dlt.c_dlt_parent_id] = ids_above
        columns[self._dlt.c_dlt_list_idx] = positions
        ids = _ids_of(ids_above, table, positions) if follows else random_ids(len(holders))
        columns[self._dlt.c_dlt_id] = ids
        passed_on = {**above, **self._passed_on(table, columns, is_root=False)}
        yield Rows(table, columns, len(holders))
        for below, each in lists.items():
            yield from self._items((*parent, *path), below, each, ids, passed_on, level - 1, follows=follows)

    def _flatten(
        self, table: str, fields: Sequence[tuple[str, Any]], level: int
    ) -> tuple[Arrays, dict[tuple[str, ...], Any]]:
        """Columns by name, and lists by the path of their table, in dlt's order."""
        columns: Arrays = {}
        lists: dict[tuple[str, ...], Any] = {}
        stack: list[tuple[Sequence[tuple[str, Any]], int, tuple[str, ...]]] = [(fields, level, ())]
        while stack:
            current, depth, path = stack.pop()
            for key, array in current:
                is_named = key and not key.isspace()
                fragment = (
                    self._dlt._normalize_identifier(key) if is_named else self._dlt.EMPTY_KEY_IDENTIFIER
                )
                name = self._dlt._shorten_fragments(*path, fragment) if path else fragment
                if is_struct(array):
                    stack.append((struct_fields(array), depth - 1, (*path, fragment)))
                elif is_list(array):
                    lists[*path, self._dlt._normalize_table_identifier(key)] = array
                else:
                    columns[name] = array
        return columns, lists

    def _passed_on(self, table: str, columns: Arrays, *, is_root: bool) -> Arrays:
        """Columns that child tables take over: the root's id."""
        if not self._dlt.propagation_config:
            return {}
        mapping = self._dlt._get_propagation_mapping(table, is_root)
        return {name: columns[source] for source, name in mapping.items() if source in columns}


def _places(array: Any) -> tuple[Any, Any]:
    """For each item of an array of lists: the index of its list, and its position there."""
    import numpy
    import pyarrow

    lengths = list_lengths(array)
    holders = numpy.repeat(numpy.arange(len(array)), lengths)
    starts = numpy.repeat(numpy.cumsum(lengths) - lengths, lengths)
    kind = pyarrow.int64()
    return from_numbers(holders, kind), from_numbers(numpy.arange(len(holders)) - starts, kind)


def random_ids(count: int) -> Any:
    """So many of dlt's row ids: 14 characters of base64."""
    letters = base64.b64encode(os.urandom((21 * count + 1) // 2 + 3))[: 14 * count]
    return from_letters(letters, 14, count)


def _ids_of(parent_ids: Any, table: str, positions: Any) -> Any:
    from dlt.common.normalizers.json.helpers import get_nested_row_hash

    pairs = zip(parent_ids.to_pylist(), positions.to_pylist(), strict=True)
    return from_texts([get_nested_row_hash(parent, table, position) for parent, position in pairs])
