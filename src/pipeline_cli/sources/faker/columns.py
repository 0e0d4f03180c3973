"""Columns: what the rows with given numbers hold, computed from the numbers alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline_cli.sources.faker import draws
from pipeline_cli.sources.faker.draws import Rows

Chooser = Callable[[Rows], Any]  # for each row, a number from 0 up

TEXT = pa.string()
BIGINT = pa.int64()
DOUBLE = pa.float64()
BOOL = pa.bool_()
DATE = pa.date32()
TIMESTAMP = pa.timestamp("us", "UTC")


class Batch:
    """Some rows of one table; what one column has computed, others take from here."""

    def __init__(self, table: Table, rows: Rows) -> None:
        self.table = table
        self.rows = rows
        self._made: dict[str, pa.Array] = {}

    def column(self, name: str) -> pa.Array:
        if name not in self._made:
            self._made[name] = self.table.columns[name].make(self)
        return self._made[name]


class Column(Protocol):
    """What makes one column."""

    @property
    def type(self) -> pa.DataType:
        """Of the arrays that it makes."""
        ...

    def make(self, batch: Batch) -> pa.Array:
        """The values of the batch's rows, in their order."""
        ...


@dataclass(slots=True)
class Table:
    """One table: its columns in the order of the manifest."""

    name: str
    row_count: int
    columns: dict[str, Column]

    def values(self, name: str, rows: Rows) -> pa.Array:
        """One column's values in any rows of the table, in any order."""
        return Batch(self, rows).column(name)


@dataclass(slots=True)
class Pooled:
    """Values taken from a pool, by the number that `choose` gives a row."""

    pool: pa.Array
    choose: Chooser

    @property
    def type(self) -> pa.DataType:
        return self.pool.type

    def make(self, batch: Batch) -> pa.Array:
        return self.pool.take(pa.array(self.choose(batch.rows)))


@dataclass(slots=True)
class References:
    """Values of another table's column, in the rows that `choose` gives: computed there, never kept."""

    table: Table
    column: str
    choose: Chooser

    @property
    def type(self) -> pa.DataType:
        return self.table.columns[self.column].type

    def make(self, batch: Batch) -> pa.Array:
        return self.table.values(self.column, self.choose(batch.rows))


@dataclass(slots=True)
class After:
    """A time after another column's, by a number of seconds between two bounds."""

    key: np.uint64
    column: str
    shortest_s: int
    longest_s: int
    type: pa.DataType = TIMESTAMP

    def make(self, batch: Batch) -> pa.Array:
        spread = self.longest_s - self.shortest_s + 1
        delays = self.shortest_s + draws.below(self.key, batch.rows, spread)
        earlier = batch.column(self.column).cast(TIMESTAMP)
        return pc.add(earlier, pa.array(delays * 1_000_000).view(pa.duration("us")))


@dataclass(slots=True)
class WithNulls:
    """Another column's values, with NULL in a share of the rows."""

    column: Column
    key: np.uint64
    share: float

    @property
    def type(self) -> pa.DataType:
        return self.column.type

    def make(self, batch: Batch) -> pa.Array:
        return _blank(self.column.make(batch), pa.array(draws.unit(self.key, batch.rows) < self.share))


@dataclass(slots=True)
class NullWhere:
    """Another column's values, with NULL where columns of the row have any of the given values."""

    column: Column
    conditions: Mapping[str, pa.Array]

    @property
    def type(self) -> pa.DataType:
        return self.column.type

    def make(self, batch: Batch) -> pa.Array:
        blank = None
        for name, values in self.conditions.items():
            found = pc.is_in(batch.column(name), values)
            blank = found if blank is None else pc.or_(blank, found)
        return _blank(self.column.make(batch), blank)


def _blank(values: pa.Array, where: Any) -> pa.Array:
    return pc.if_else(where, pa.scalar(None, values.type), values)
