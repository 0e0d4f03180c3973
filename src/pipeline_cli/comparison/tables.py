"""One table of two environments: its columns, how many rows it has, and its rows by key and content."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from pipeline_cli.comparison.column_types import NUMBERS, ColumnDifference, compare_columns, family
from pipeline_cli.comparison.content import ENDS, content_columns, has_children, json_columns
from pipeline_cli.comparison.fingerprints import streamed
from pipeline_cli.comparison.merging import KeyComparison, Row, Shape, content_sum, merge_streams
from pipeline_cli.comparison.sides import Side, TableName
from pipeline_cli.destinations.base import Connection, quote
from pipeline_cli.errors import Busy, LoadError

Depth = Literal["columns", "rows", "keys"]
WAITED_FOR_LOCK = "E328"
Status = Literal["same", "different", "only_here", "only_there"]

# Types that both databases sort alike, and Python as they do.
_SORTED_ALIKE = (
    NUMBERS,
    frozenset({"text"}),
    frozenset({"date"}),
    frozenset({"timestamp", "timestamp with time zone"}),
)


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
    try:
        if depth != "columns":
            found.rows_here, found.rows_there = _count(here, table), _count(there, table)
        if found.status == "same":
            types = [here.tables[table].columns, there.tables[table].columns]
            found.columns = compare_columns(*types, same_database=here.dialect == there.dialect)
            if depth == "keys":
                _compare_rows(found, here, there, ignored)
    except LoadError as error:
        if error.code != WAITED_FOR_LOCK:
            raise
        raise Busy(
            f"a run is changing {'.'.join(table)}", hint="Wait until it is done, then compare again."
        ) from error
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
            found.content_differs = _content(here, table, shape) != _content(there, table, shape)
        return
    columns = [*key, *(name for name in content if name not in key)]
    as_text = [not _sorts_alike(types[0][name], types[1][name]) for name in key]
    shape = Shape(columns, len(key), json_columns(*types))
    with (
        _ordered(here, table, shape, as_text) as ours,
        _ordered(there, table, shape, as_text) as theirs,
    ):
        found.keys = merge_streams(ours, theirs, shape)
    found.versions = any(ENDS in each for each in types)
    if not found.versions:  # as they were read: a run may have written since they were counted
        found.rows_here, found.rows_there = found.keys.rows_here, found.keys.rows_there


def _nested(side: Side, table: TableName) -> bool:
    return has_children(table[1], [name for schema, name in side.tables if schema == table[0]])


def _sorts_alike(here: str, there: str) -> bool:
    return any(family(here) in kinds and family(there) in kinds for kinds in _SORTED_ALIKE)


@contextmanager
def _ordered(side: Side, table: TableName, shape: Shape, as_text: Sequence[bool]) -> Iterator[Iterable[Row]]:
    """The table's rows in the order of their keys; key columns that databases sort each in their own way, as text."""
    types = side.tables[table].columns
    key = [
        _text_of(name, types[name], side.dialect) if text else quote(name)
        for name, text in zip(shape.columns, as_text, strict=False)
    ]
    order = ", ".join(
        f"{expression}{_collation(types[name], text, side.dialect)} NULLS LAST"
        for expression, name, text in zip(key, shape.columns, as_text, strict=False)
    )
    selected = ", ".join([*key, *(quote(name) for name in shape.columns[shape.key_width :])])
    where = f" WHERE {quote(ENDS)} IS NULL" if ENDS in types else ""
    with _rows(
        side.connection, side.dialect, f"SELECT {selected} FROM {quote(*table)}{where} ORDER BY {order}"
    ) as rows:
        yield rows


def _text_of(name: str, kind: str, dialect: str) -> str:
    """A key's value as text that is the same in both databases."""
    column = quote(name)
    if family(kind) == "binary":
        return f"encode({column}, 'hex')" if dialect == "postgres" else f"lower(hex({column}))"
    return f"CAST({column} AS text)"


def _collation(kind: str, as_text: bool, dialect: str) -> str:
    """Text by its bytes, as DuckDB sorts it anyway; a Postgres database may sort it by a language."""
    return ' COLLATE "C"' if dialect == "postgres" and (as_text or family(kind) == "text") else ""


def _content(side: Side, table: TableName, shape: Shape) -> tuple[int, int]:
    selected = ", ".join(quote(name) for name in shape.columns)
    where = f" WHERE {quote(ENDS)} IS NULL" if ENDS in side.tables[table].columns else ""
    with _rows(side.connection, side.dialect, f"SELECT {selected} FROM {quote(*table)}{where}") as rows:
        return content_sum(rows, shape)


@contextmanager
def _rows(connection: Connection, dialect: str, statement: str) -> Iterator[Iterator[tuple[Any, ...]]]:
    with streamed(connection, dialect, statement) as batches:
        yield chain.from_iterable(batches)
