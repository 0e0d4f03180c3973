"""A manifest's faker entry as tables of columns that can be computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline_cli.errors import SourceError
from pipeline_cli.manifest.faker import FakerColumn, FakerSource, as_column, kind_of
from pipeline_cli.manifest.faker_values import parse_moment, parse_reference, parse_template
from pipeline_cli.manifest.scalars import resolve
from pipeline_cli.sources.faker import draws
from pipeline_cli.sources.faker.columns import (
    BIGINT,
    DATE,
    TIMESTAMP,
    After,
    Chooser,
    Column,
    NullWhere,
    Pooled,
    References,
    Table,
    WithNulls,
)
from pipeline_cli.sources.faker.numbers import Booleans, Floats, Stepped, Uuids
from pipeline_cli.sources.faker.pools import Pools
from pipeline_cli.sources.faker.provided import Provided, ProvidedColumns
from pipeline_cli.sources.faker.texts import Template

DECIMAL_PRECISION = 18  # the most that the databases keep in 64 bits
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def build_tables(entry: FakerSource, names: Sequence[str] | None = None) -> dict[str, Table]:
    """The tables of a faker entry, by name: `names`, by default all, and those that they refer to.

    Raises SourceError where Faker refuses a provider, or has not enough different values.
    """
    return TableBuilder(entry).build(names or list(entry.resources))


class TableBuilder:
    """Builds each column when it is first asked for: a reference asks for its key, and for no more."""

    def __init__(self, entry: FakerSource) -> None:
        self.entry = entry
        self.reference = parse_reference(entry.reference_date) or _EPOCH
        self.provided = ProvidedColumns(Pools(entry.seed, self.reference), entry.pool_size)
        self.tables = {name: Table(name, each.rows, {}) for name, each in entry.resources.items()}

    def build(self, names: Sequence[str]) -> dict[str, Table]:
        for name in names:
            for column in self.entry.resources[name].columns:
                self.column(name, column)
            # In the manifest's order, whichever was asked for first.
            built = self.tables[name].columns
            self.tables[name].columns = {
                column: built[column] for column in self.entry.resources[name].columns
            }
        return {name: self.tables[name] for name in names}

    def column(self, table: str, name: str) -> Column:
        columns = self.tables[table].columns
        if name not in columns:
            spec = as_column(self.entry.resources[table].columns[name])
            columns[name] = self._with_nulls(spec, table, name, self._plain(spec, table, name))
        return columns[name]

    def _with_nulls(self, spec: FakerColumn, table: str, name: str, column: Column) -> Column:
        if isinstance(spec.null, Mapping):
            conditions = {other: _listed(values) for other, values in spec.null.items()}
            blanks = {other: _cast(values, self.column(table, other)) for other, values in conditions.items()}
            return NullWhere(column, blanks)
        return WithNulls(column, self._key(table, name, "null"), spec.null) if spec.null else column

    def _key(self, *names: str) -> np.uint64:
        return draws.stream(self.entry.seed, *names)

    def _plain(self, spec: FakerColumn, table: str, name: str) -> Column:
        """The column without its NULLs."""
        key, rows = self._key(table, name), self.tables[table].row_count
        kind = kind_of(spec)
        if kind == "uuid4":
            return Uuids(key)
        if kind == "sequence":
            start, step = (spec.sequence.start, spec.sequence.step) if spec.sequence else (1, 1)
            return Stepped(start, step, lambda numbers: numbers, BIGINT)
        if kind == "boolean":
            return Booleans(key, 0.5 if spec.boolean is None else spec.boolean)
        if kind in ("integer", "decimal", "date", "timestamp"):
            return self._range(spec, kind, key, rows)
        if kind == "double":
            return Floats(key, *spec.double)
        if kind in ("one_of", "constant"):
            return _choice(spec, kind, key, rows)
        if kind == "provider":
            return self._provider(spec, table, name)
        return self._dependent(spec, kind, table, key)

    def _range(self, spec: FakerColumn, kind: str, key: np.uint64, rows: int) -> Column:
        type_: pa.DataType = BIGINT
        if kind == "integer":
            low, high = spec.integer
        elif kind == "decimal":
            places = 2 if spec.places is None else spec.places
            type_ = pa.decimal128(DECIMAL_PRECISION, places)
            # By its shortest text: 0.1 is a tenth, and not the double next to it.
            low, high = (int(Decimal(str(bound)).scaleb(places)) for bound in spec.decimal)
        else:
            moments = [parse_moment(text, self.reference) or _EPOCH for text in getattr(spec, kind)]
            type_, unit = (DATE, timedelta(days=1)) if kind == "date" else (TIMESTAMP, timedelta(seconds=1))
            low, high = ((moment - _EPOCH) // unit for moment in moments)
        return Stepped(low, 1, _chooser(key, high - low + 1, rows, spec.unique), type_)

    def _provider(self, spec: FakerColumn, table: str, name: str) -> Column:
        locales = tuple(spec.locale or self.entry.locale)
        provided = Provided(
            f"{table}.{name}",
            self._key(table, name),
            str(spec.provider),
            spec.arguments,
            locales,
            self.tables[table].row_count,
            spec.unique,
        )
        return self.provided.build(provided, self._key(table, "locale", *locales))

    def _dependent(self, spec: FakerColumn, kind: str, table: str, key: np.uint64) -> Column:
        """A column that is computed from others."""
        if kind == "template":
            parts = parse_template(str(spec.template))
            for part in parts:
                if part.column is not None:
                    self.column(table, part.column)
            return Template(parts)
        if kind == "after":
            self.column(table, str(spec.after))
            shortest, longest = (int(delay.total_seconds()) for delay in spec.delay)
            return After(key, str(spec.after), shortest, longest)
        parent, _, column = str(spec.ref).partition(".")
        self.column(parent, column)
        count = self.tables[parent].row_count
        if spec.distribution == "skewed" and not spec.unique:
            return References(self.tables[parent], column, partial(draws.skew, key, count=count))
        return References(
            self.tables[parent], column, _chooser(key, count, self.tables[table].row_count, spec.unique)
        )


def _cast(values: list[Any], column: Column) -> pa.Array:
    try:
        return pa.array(values).cast(column.type)
    except pa.ArrowException:
        message = f"null: {values!r:.60} cannot be values of a column that holds {column.type}."
        raise SourceError(message, code="E319", hint="Write them as the column has them.") from None


def _chooser(key: np.uint64, count: int, rows: int, is_unique: bool) -> Chooser:
    """One of `count` for each row; where they are to be unique, each at most once."""
    return partial(draws.shuffle, key, count=count) if is_unique else partial(draws.below, key, bound=count)


def _choice(spec: FakerColumn, kind: str, key: np.uint64, rows: int) -> Column:
    given = spec.one_of if kind == "one_of" else [spec.constant]
    # A map's keys are texts to the reader; here they are what YAML makes of them, as in a list.
    values = [resolve(name) for name in given] if isinstance(given, Mapping) else _listed(given)
    pool = pa.array([float(str(v)) for v in values]) if float in map(type, values) else pa.array(values)
    if isinstance(given, Mapping) and not spec.unique:
        weights = [float(weight) for weight in given.values()]
        return Pooled(pool, partial(draws.pick, key, weights=weights))
    return Pooled(pool, _chooser(key, len(values), rows, spec.unique))


def _listed(values: Any) -> list[Any]:
    return list(values) if isinstance(values, (list, tuple)) else [values]
