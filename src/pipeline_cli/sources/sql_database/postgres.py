"""PostgreSQL: COPY (SELECT …) TO STDOUT as CSV, parsed by Arrow while the server writes.

Measured on 1 million rows of 12 columns into DuckDB, on two busy cores: this 4.0 to 4.8 s, ADBC's driver 4.6 to 5.8
(and a library more), a server-side cursor's rows turned into Arrow 27.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pipeline_cli.destinations.base import first_line, quote
from pipeline_cli.destinations.postgres_url import explain_refusal, parse_url
from pipeline_cli.errors import SourceError
from pipeline_cli.sources.sql_database.address import Address
from pipeline_cli.sources.sql_database.backend import (
    DbColumn,
    Form,
    arrow_schema,
    bad_query,
    lost,
    no_permission,
    no_table,
)
from pipeline_cli.threads import start_thread

_SESSION = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL TimeZone = 'UTC';"
    " SET LOCAL DateStyle = 'ISO'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 3;"
    " SET LOCAL IntervalStyle = 'postgres'; SET LOCAL lock_timeout = '60s'"
)
_BLOCK_BYTES = 8 << 20  # also the longest row
_BUFFER_BYTES = 1 << 20
# typname: form, dlt's type, and the aggregate under which all values have it ({} is the column).
_IN_CALENDAR = "coalesce(bool_and({} BETWEEN '0001-01-03' AND '9999-12-28'), true)"
_TYPES: dict[str, tuple[Form, str, str | None]] = {
    **dict.fromkeys(("int2", "int4", "int8", "oid"), ("bigint", "bigint", None)),
    **dict.fromkeys(("float4", "float8"), ("double", "double", None)),
    "bool": ("bool", "bool", None),
    "date": ("date", "date", _IN_CALENDAR),
    "timestamp": ("timestamp", "timestamp", _IN_CALENDAR),
    "timestamptz": ("timestamptz", "timestamp", _IN_CALENDAR),
    "time": ("time", "time", "coalesce(bool_and({} < '24:00:00'), true)"),
    "bytea": ("binary", "binary", None),
    "json": ("json", "json", None),
    "jsonb": ("json", "json", None),
}
_WIDEST_DECIMAL = 38
_WIDEST_NUMERIC = 1_000  # that can be declared; 65,535 stands for none


class PostgresBackend:
    """The Backend (backend.py) of a PostgreSQL database."""

    def __init__(self, address: Address) -> None:
        import psycopg2

        url = parse_url(address.url)
        self._where = f"Postgres at {address.shown}"
        self._errors = psycopg2.Error
        try:
            self._connection = psycopg2.connect(
                url.text, application_name="pipeline-cli source", connect_timeout=url.connect_timeout_s
            )
        except psycopg2.Error as error:
            refusal = explain_refusal(error, url)
            raise SourceError(refusal.message, code="E371", hint=refusal.hint) from None
        self._connection.set_client_encoding("UTF8")
        self._execute(_SESSION)

    def relation(self, schema: str | None, table: str) -> str:
        return quote(schema, table) if schema else quote(table)

    def describe(self, relation: str, table: str | None) -> list[DbColumn]:
        cursor = self._execute(f"SELECT * FROM {relation} LIMIT 0", table)
        columns = list(cursor.description)
        oids = sorted({int(column.type_code) for column in columns}) or [0]
        types = {
            oid: (name, category)
            for oid, name, category in self.fetch(
                f"SELECT oid, typname, typcategory FROM pg_type WHERE oid IN ({', '.join(map(str, oids))})"
            )
        }
        return [_column(each, *types.get(each.type_code, ("", ""))) for each in columns]

    def survey(self, relation: str, where: str, columns: Sequence[DbColumn]) -> list[DbColumn]:
        """Infinity, NaN and years that no calendar has come as text; a numeric of any size shows how large it is."""
        asked = [column for column in columns if column.check]
        if not asked:
            return list(columns)
        shown = ", ".join(str(column.check) for column in asked)
        found = self.fetch(f"SELECT {shown} FROM {relation}{f' WHERE {where}' if where else ''}")[0]
        answers = dict(zip((column.name for column in asked), found, strict=True))
        return [_settle(column, answers[column.name]) if column.check else column for column in columns]

    def read(self, sql: str, columns: Sequence[DbColumn], chunk_size: int) -> Iterator[Any]:
        receiving, sending = os.pipe()
        writer = start_thread(lambda: self._copy(sql, sending), "copy-out")
        try:
            with os.fdopen(receiving, "rb", buffering=0) as stream:
                yield from _parse(stream, columns)
        except Exception as error:
            # A cut stream is no CSV either: what cut it comes first.
            raise writer.exception(timeout=5) or error from error
        finally:
            if not writer.done():
                with suppress(Exception):
                    self._connection.cancel()
        writer.result()  # the stream's end is the end of the rows only where COPY says so

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        return list(self._execute(sql).fetchall())

    def quote(self, name: str) -> str:
        return quote(name)

    def literal(self, text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    def as_text(self, expression: str) -> str:
        return f"({expression})::text"

    def close(self) -> None:
        self._connection.close()

    def _copy(self, sql: str, sending: int) -> None:
        with os.fdopen(sending, "wb", buffering=_BUFFER_BYTES) as stream, self._connection.cursor() as cursor:
            try:
                cursor.copy_expert(f"COPY ({sql}) TO STDOUT (FORMAT csv)", stream)
            except self._errors as error:
                raise self._explain(error, None) from error

    def _execute(self, sql: str, table: str | None = None) -> Any:
        cursor = self._connection.cursor()
        try:
            cursor.execute(sql)
        except self._errors as error:
            raise self._explain(error, table) from error
        return cursor

    def _explain(self, error: Any, table: str | None) -> SourceError:
        code, text = error.pgcode or "", first_line(error)
        if code in ("42P01", "3F000") and table:
            return no_table(table, self._where)
        if code == "42501":
            name = table or "it"
            return no_permission(name, self._where, "As its owner: GRANT SELECT ON … TO this user.")
        if code == "55P03":
            hint = "Another session holds the table. Run again when it is done."
            return SourceError(f"{self._where}: a table stayed locked for 60 s.", code="E371", hint=hint)
        return bad_query(text, self._where) if code.startswith(("42", "22")) else lost(text, self._where)


def _column(column: Any, type_name: str, category: str) -> DbColumn:
    name, expression = str(column.name), quote(column.name)
    if type_name == "numeric":
        return _numeric(name, expression, column.precision, column.scale)
    if category in ("A", "C"):  # arrays, composite types
        return DbColumn(name, ("json", None, None), "json", f"to_json({expression})")
    form, data_type, check = _TYPES.get(type_name, ("text", "text", None))
    return DbColumn(
        name, (data_type, None, None), form, expression, check.format(expression) if check else None
    )


def _numeric(name: str, expression: str, precision: int | None, scale: int | None) -> DbColumn:
    if precision and 0 < precision <= _WIDEST_DECIMAL and scale is not None and 0 <= scale <= precision:
        check = f"coalesce(bool_and({expression} <> 'NaN'), true)"
        return DbColumn(name, ("decimal", precision, scale), "decimal", expression, check)
    if precision and _WIDEST_DECIMAL < precision <= _WIDEST_NUMERIC:
        return DbColumn(name, ("text", None, None), "text", expression)
    # Any number of digits: how many there are is asked of the rows themselves; sums and averages come so.
    size = f"max(CASE WHEN {expression} = 'NaN' THEN 1000 ELSE scale({expression}) END)"
    whole = f"max(length(trunc(abs({expression}))::text))"
    return DbColumn(name, ("decimal", None, None), "written", expression, f"ARRAY[{size}, {whole}]")


def _settle(column: DbColumn, answer: Any) -> DbColumn:
    if isinstance(answer, list):
        places, digits = (int(each or 0) for each in answer)
        scale = max(places, 9)
        fits = digits + scale <= _WIDEST_DECIMAL
        kind = ("decimal", _WIDEST_DECIMAL, scale) if fits else ("text", None, None)
        return replace(column, kind=kind)
    return column if answer else replace(column, form="written")


def _parse(stream: Any, columns: Sequence[DbColumn]) -> Iterator[Any]:
    """CSV as COPY writes it to Arrow: an empty field is NULL, a quoted one an empty text."""
    import pyarrow as pa
    from pyarrow import csv

    schema = arrow_schema(columns)
    hexadecimal = [index for index, column in enumerate(columns) if column.form == "binary"]
    types = {field.name: pa.string() if pa.types.is_binary(field.type) else field.type for field in schema}
    try:
        reader = csv.open_csv(
            stream,
            csv.ReadOptions(column_names=list(types), block_size=_BLOCK_BYTES),
            csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            csv.ConvertOptions(
                column_types=types,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["t"],
                false_values=["f"],
            ),
        )
        for batch in reader:
            yield _decode(batch, hexadecimal, schema) if hexadecimal else batch
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return
        if "straddling" in str(error):
            hint = "Leave the column out with excluded_columns, or cut it in a query."
            raise SourceError("a row is longer than 8 MB.", code="E376", hint=hint) from error
        raise


def _decode(batch: Any, hexadecimal: Sequence[int], schema: Any) -> Any:
    import pyarrow as pa

    columns = batch.columns
    for index in hexadecimal:
        values = [None if text is None else bytes.fromhex(text[2:]) for text in columns[index].to_pylist()]
        columns[index] = pa.array(values, pa.binary())
    return pa.RecordBatch.from_arrays(columns, schema=schema)
