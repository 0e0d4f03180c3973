"""One table of two environments: its columns, how many rows it has, and its rows by key and content."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline_cli.comparison.buckets import has_hash, in_buckets, read_buckets, read_content, split_alike
from pipeline_cli.comparison.column_types import ColumnDifference, compare_columns
from pipeline_cli.comparison.content import ENDS, content_columns, has_children, json_columns
from pipeline_cli.comparison.merging import KeyComparison, Shape, content_sum, merge_streams
from pipeline_cli.comparison.reading import KeyOrder, all_rows, ordered_rows, source_of
from pipeline_cli.comparison.sides import Side, TableName, busy_where_locked
from pipeline_cli.destinations.base import quote

Depth = Literal["columns", "rows", "keys"]
Status = Literal["same", "different", "only_here", "only_there"]


@dataclass(slots=True)
class TableComparison:
    """rows_*: None where they were not counted. keys: None for a table without a known key, or where not asked for.

    content_differs: of a table without a key that has as many rows on either side; None where it was not read.
    ignored: columns of it whose values were not compared. versions: of its versions (scd2), the current are compared.
    """

    table: TableName
    status: Status = "same"
    columns: Sequence[ColumnDifference] = ()
    rows_here: int | None = None
    rows_there: int | None = None
    keys: KeyComparison | None = None
    content_differs: bool | None = None
    ignored: Sequence[str] = ()
    versions: bool = False


def compare_table(
    here: Side, there: Side, table: TableName, depth: Depth, ignored: Collection[str] = ()
) -> TableComparison:
    """Compare one table that stands in either environment or in both.

    depth: how far to go: its columns, its number of rows too, or its rows by key and content too.
    ignored: columns whose values do not count.
    Raises LoadError, or Busy where a run holds the table. Memory: a batch of rows of each side.
    """
    found = TableComparison(table)
    for side, status in ((here, "only_there"), (there, "only_here")):
        if table not in side.tables:
            found.status = status  # type: ignore[assignment]
    with busy_where_locked(".".join(table)):
        if depth != "columns":
            found.rows_here, found.rows_there = _count(here, table), _count(there, table)
        if found.status == "same":
            types = [here.tables[table].columns, there.tables[table].columns]
            found.columns = compare_columns(*types, same_database=here.dialect == there.dialect)
            if depth == "keys":
                _compare_rows(found, here, there, ignored)
    if found.status == "same" and _differs(found):
        found.status = "different"
    return found


def key_of(here: Side, there: Side, table: TableName) -> tuple[str, ...]:
    """The columns that tell the table's rows apart, where anybody says so and both tables have them."""
    both = set(here.tables[table].columns) & set(there.tables[table].columns)
    for side in (here, there):
        models = [model for found in side.models.values() for model in found or () if model.table == table]
        for key in [side.keys.get(table, ()), *(key for model in models for key in model.keys)]:
            if key and both.issuperset(key):
                return key
    return ()


def _differs(found: TableComparison) -> bool:
    return bool(
        found.columns
        or found.rows_here != found.rows_there
        or (found.keys and found.keys.differs)
        or found.content_differs
    )


def _count(side: Side, table: TableName) -> int | None:
    if table not in side.tables:
        return None
    [(count,)] = side.connection.query(f"SELECT count(*) FROM {quote(*table)}")
    return int(count)


def _compare_rows(found: TableComparison, here: Side, there: Side, ignored: Collection[str]) -> None:
    table = found.table
    types = [here.tables[table].columns, there.tables[table].columns]
    nested = all(_nested(side, table) for side in (here, there))
    own, others = (content_columns(each, has_children=nested) for each in types)
    content = [name for name in own if name in others and name not in ignored]
    found.ignored = [name for name in own if name in others and name in ignored]
    key = key_of(here, there, table)
    if not key:
        if content and found.rows_here == found.rows_there:
            shape = Shape(content, 0, json_columns(*types))
            found.content_differs = _content_differs(here, there, table, shape)
        return
    found.keys = _compare_keys(here, there, table, key, content)
    found.versions = any(ENDS in each for each in types)
    if not found.versions:  # as they were read: a run may have written since they were counted
        found.rows_here, found.rows_there = found.keys.rows_here, found.keys.rows_there


def _compare_keys(
    here: Side, there: Side, table: TableName, key: Sequence[str], content: Sequence[str]
) -> KeyComparison:
    types = [here.tables[table].columns, there.tables[table].columns]
    columns = [*key, *(name for name in content if name not in key)]
    shape = Shape(columns, len(key), json_columns(*types))
    order = KeyOrder.of(key, *types)
    if here.dialect != there.dialect or not has_hash(here.dialect):
        with (
            ordered_rows(here, table, shape, order) as ours,
            ordered_rows(there, table, shape, order) as theirs,
        ):
            return merge_streams(ours, theirs, shape)
    buckets = [
        read_buckets(side.connection, side.dialect, source_of(side, table), key, columns)
        for side in (here, there)
    ]
    alike, wanted = split_alike(*buckets)
    found = KeyComparison(tuple(key))
    if wanted:
        where = in_buckets(here.dialect, key, wanted)
        with (
            ordered_rows(here, table, shape, order, where) as ours,
            ordered_rows(there, table, shape, order, where) as theirs,
        ):
            found = merge_streams(ours, theirs, shape)
    for bucket in alike:
        found.add_same(bucket.keys, bucket.rows, bucket.doubled)
    return found


def _content_differs(here: Side, there: Side, table: TableName, shape: Shape) -> bool:
    if here.dialect == there.dialect and has_hash(here.dialect):
        hashed = [
            read_content(side.connection, side.dialect, source_of(side, table), shape.columns)
            for side in (here, there)
        ]
        if hashed[0] == hashed[1]:
            return False
    sums = []
    for side in (here, there):
        with all_rows(side, table, shape) as rows:
            sums.append(content_sum(rows, shape))
    return sums[0] != sums[1]


def _nested(side: Side, table: TableName) -> bool:
    return has_children(table[1], [name for schema, name in side.tables if schema == table[0]])
