"""A table's rows as a comparison reads them: in the order of their keys, alike from DuckDB and Postgres."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

from pipeline_cli.comparison.column_types import NUMBERS, family
from pipeline_cli.comparison.content import ENDS
from pipeline_cli.comparison.fingerprints import content_of, streamed
from pipeline_cli.comparison.merging import Row, Shape
from pipeline_cli.comparison.sides import Side, TableName
from pipeline_cli.destinations.base import quote

# Types that both databases sort alike, and Python as they do.
_SORTED_ALIKE = (
    NUMBERS,
    frozenset({"text"}),
    frozenset({"date"}),
    frozenset({"timestamp", "timestamp with time zone"}),
)


@dataclass(frozen=True, slots=True)
class KeyOrder:
    """as_text: of each column of the key, whether its values are read and ordered as text."""

    as_text: Sequence[bool]

    @classmethod
    def of(cls, key: Sequence[str], here: Mapping[str, str], there: Mapping[str, str]) -> KeyOrder:
        """Of a key's columns, by their types on both sides: what databases sort each in their own way is text."""
        return cls([not _sorts_alike(here[name], there[name]) for name in key])


@contextmanager
def ordered_rows(
    side: Side, table: TableName, shape: Shape, order: KeyOrder, where: str = ""
) -> Iterator[Iterable[Row]]:
    """The table's rows in the order of their keys. where: a condition of SQL on those that are wanted."""
    types = side.tables[table].columns
    key = [
        _text_of(name, types[name], side.dialect) if text else quote(name)
        for name, text in zip(shape.columns, order.as_text, strict=False)
    ]
    sorted_by = ", ".join(
        f"{expression}{_collation(types[name], text, side.dialect)} NULLS LAST"
        for expression, name, text in zip(key, shape.columns, order.as_text, strict=False)
    )
    selected = ", ".join(
        [*key, *(content_of(name, types[name]) for name in shape.columns[shape.key_width :])]
    )
    condition = f" WHERE {where}" if where else ""
    with _rows(
        side, f"SELECT {selected} FROM {source_of(side, table)}{condition} ORDER BY {sorted_by}"
    ) as rows:
        yield rows


@contextmanager
def all_rows(side: Side, table: TableName, shape: Shape) -> Iterator[Iterable[Row]]:
    """The table's rows in any order."""
    types = side.tables[table].columns
    selected = ", ".join(content_of(name, types[name]) for name in shape.columns)
    with _rows(side, f"SELECT {selected} FROM {source_of(side, table)}") as rows:
        yield rows


def source_of(side: Side, table: TableName) -> str:
    """The table, quoted; of one that keeps versions, those that have not ended."""
    if ENDS not in side.tables[table].columns:
        return quote(*table)
    return f"(SELECT * FROM {quote(*table)} WHERE {quote(ENDS)} IS NULL) AS standing"


def _sorts_alike(here: str, there: str) -> bool:
    return any(family(here) in kinds and family(there) in kinds for kinds in _SORTED_ALIKE)


def _text_of(name: str, kind: str, dialect: str) -> str:
    """A key's value as text that is the same in both databases."""
    column = quote(name)
    if family(kind) == "binary":
        return f"encode({column}, 'hex')" if dialect == "postgres" else f"lower(hex({column}))"
    return f"CAST({column} AS text)"


def _collation(kind: str, as_text: bool, dialect: str) -> str:
    """Text by its bytes, as DuckDB sorts it anyway; a Postgres database may sort it by a language."""
    return ' COLLATE "C"' if dialect == "postgres" and (as_text or family(kind) == "text") else ""


@contextmanager
def _rows(side: Side, statement: str) -> Iterator[Iterator[Row]]:
    with streamed(side.connection, side.dialect, statement) as batches:
        yield chain.from_iterable(batches)
