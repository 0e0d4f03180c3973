"""SQLite: a column's type is a wish there, and each value has its own; so the values are asked before they are read."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from pipeline_cli.destinations.base import first_line, quote
from pipeline_cli.errors import SourceError
from pipeline_cli.sources.column_types import ColumnType
from pipeline_cli.sources.sql_database.address import Address
from pipeline_cli.sources.sql_database.backend import (
    DbColumn,
    Form,
    arrow_schema,
    bad_query,
    lost,
    no_table,
)

_DECIMAL = re.compile(r"(?:DECIMAL|NUMERIC)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
_COUNTS = "count(CASE WHEN typeof({0}) = '{1}' THEN 1 END)"
_EXACT_IN_DOUBLE = 2**53


class SQLiteBackend:
    """The Backend (backend.py) of a SQLite file."""

    def __init__(self, address: Address) -> None:
        self._where = f"the SQLite file {address.shown}"
        assert address.path is not None
        try:
            # DuckDB takes the batches in a thread of its own.
            self._connection = sqlite3.connect(
                f"{address.path.absolute().as_uri()}?mode=ro",
                uri=True,
                check_same_thread=False,
                isolation_level=None,
            )
            self._connection.execute("BEGIN")
            self._connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        except sqlite3.Error as error:
            raise self._explain(error, None) from error

    def relation(self, schema: str | None, table: str) -> str:
        return quote(schema, table) if schema else quote(table)

    def describe(self, relation: str, table: str | None) -> list[DbColumn]:
        try:
            cursor = self._connection.execute(f"SELECT * FROM {relation} LIMIT 0")
        except sqlite3.Error as error:
            raise self._explain(error, table) from error
        declared: dict[str, str] = {}
        if table is not None:
            rows = self.fetch(f"SELECT name, type FROM pragma_table_xinfo({self.literal(table)})")
            declared = {name: str(kind).upper() for name, kind in rows}
        return [
            DbColumn(
                name, declared_kind(declared.get(name, "")), "loose", quote(name), declared.get(name, "")
            )
            for name, *_ in cursor.description
        ]

    def survey(self, relation: str, where: str, columns: Sequence[DbColumn]) -> list[DbColumn]:
        asked = []
        for column in columns:
            name = quote(column.name)
            asked += [_COUNTS.format(name, kind) for kind in ("integer", "real", "text", "blob")]
            asked.append(f"max(CASE WHEN typeof({name}) = 'integer' THEN abs({name} / 2) END)")
            asked.append(f"count(CASE WHEN {name} NOT IN (0, 1) THEN 1 END)")
        # Of all rows, not only those in `where`: a number among times would be less than any of them, and never read.
        found = self.fetch(f"SELECT {', '.join(asked)} FROM {relation}")[0]
        return [settle(column, found[6 * i : 6 * i + 6]) for i, column in enumerate(columns)]

    def read(self, sql: str, columns: Sequence[DbColumn], chunk_size: int) -> Iterator[Any]:
        import pyarrow as pa

        schema = arrow_schema(columns)
        converters = [_CONVERTERS.get(column.form) for column in columns]
        try:
            cursor = self._connection.execute(sql)
            while rows := cursor.fetchmany(chunk_size):
                arrays = [
                    pa.array(_convert(values, converter), field.type)
                    for values, converter, field in zip(
                        zip(*rows, strict=True), converters, schema, strict=True
                    )
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        except sqlite3.Error as error:
            raise self._explain(error, None) from error

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql).fetchall()
        except sqlite3.Error as error:
            raise self._explain(error, None) from error

    def quote(self, name: str) -> str:
        return quote(name)

    def literal(self, text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    def as_text(self, expression: str) -> str:
        return expression

    def close(self) -> None:
        self._connection.close()

    def _explain(self, error: sqlite3.Error, table: str | None) -> SourceError:
        text = first_line(error)
        if "no such table" in text:
            return no_table(table or text.removeprefix("no such table: "), self._where)
        if "not a database" in text or "malformed" in text:
            hint = "Restore it from a copy."
            return SourceError(
                f"{self._where} is no SQLite database, or a damaged one.", code="E373", hint=hint
            )
        if "UTF-8" in text:
            hint = "Leave the column out with excluded_columns, or CAST it AS BLOB in a query."
            return SourceError(f"{self._where} holds a text that is not UTF-8.", code="E376", hint=hint)
        return (
            bad_query(text, self._where)
            if isinstance(error, sqlite3.OperationalError)
            else lost(text, self._where)
        )


def declared_kind(declared: str) -> ColumnType:
    """dlt's type for what CREATE TABLE says, by SQLite's own rules of affinity and common names."""
    if found := _DECIMAL.search(declared):
        precision, scale = int(found[1]), int(found[2] or 0)
        return ("decimal", precision, scale) if scale <= precision <= 38 else ("text", None, None)
    for sign, data_type in _NAMES:
        if sign in declared:
            return (data_type, None, None)
    return ("", None, None)


_NAMES = (
    ("BOOL", "bool"), ("DATETIME", "timestamp"), ("TIMESTAMP", "timestamp"), ("DATE", "date"), ("TIME", "time"),
    ("JSON", "json"), ("INT", "bigint"), ("CHAR", "text"), ("CLOB", "text"), ("TEXT", "text"), ("UUID", "text"),
    ("BLOB", "binary"), ("REAL", "double"), ("FLOA", "double"), ("DOUB", "double"),
)  # fmt: skip


def settle(column: DbColumn, counts: Sequence[int | None]) -> DbColumn:
    """The form that holds every value. counts: integers, reals, texts, blobs; half the largest integer; not 0 or 1."""
    integers, reals, texts, blobs, half_of_largest, others = (each or 0 for each in counts)
    present = {name for name, count in zip("irtb", (integers, reals, texts, blobs), strict=True) if count}
    data_type, precision, scale = column.kind
    fits_double = half_of_largest <= _EXACT_IN_DOUBLE // 2
    if data_type == "bool" and present <= {"i"} and not others:
        return _formed(column, "bool", "bool")
    if data_type == "decimal" and "b" not in present:
        return replace(column, form="written", kind=("decimal", precision, scale), check=None)
    if data_type in ("date", "timestamp", "time", "json") and present <= {"t"}:
        return _formed(column, data_type, "json" if data_type == "json" else "written")
    natural = _natural(present, fits_double)
    if natural is not None and data_type in ("", "bool", "decimal", *_NUMERIC_TIMES, natural[0]):
        return _formed(column, *natural)
    if data_type == "double" and present <= {"i", "r"} and fits_double:
        return _formed(column, "double", "double")
    if not present:
        return _formed(column, data_type or "text", "written")
    return replace(column, kind=(data_type or "text", precision, scale), form="loose", check=None)


# Times may be kept as numbers, which have no one meaning: they stay numbers.
_NUMERIC_TIMES = ("date", "timestamp", "time")


def _natural(present: set[str], fits_double: bool) -> tuple[str, Form] | None:
    """dlt's type and the form of values that are all of one kind."""
    if present == {"i"}:
        return "bigint", "bigint"
    if present == {"r"} or (present == {"i", "r"} and fits_double):
        return "double", "double"
    if present == {"t"}:
        return "text", "text"
    return ("binary", "binary") if present == {"b"} else None


def _formed(column: DbColumn, data_type: str, form: Form) -> DbColumn:
    return replace(column, kind=(data_type, None, None), form=form, check=None)


def _convert(values: Sequence[Any], converter: Callable[[Any], Any] | None) -> Sequence[Any]:
    if converter is None:
        return values
    return [None if value is None else converter(value) for value in values]


def _write(value: Any) -> str:
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)


def _loosen(value: Any) -> str:
    return json.dumps({"blob": value.hex()} if isinstance(value, bytes) else value, ensure_ascii=False)


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "bool": bool,
    "double": float,
    "written": _write,
    "loose": _loosen,
}
