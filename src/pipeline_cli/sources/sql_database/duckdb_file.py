"""A DuckDB file, opened read-only beside whatever reads from us; its rows come as Arrow batches without a copy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline_cli.destinations.base import first_line, quote
from pipeline_cli.errors import SourceError
from pipeline_cli.sources.sql_database.address import Address
from pipeline_cli.sources.sql_database.backend import DbColumn, Form, arrow_schema, bad_query, no_table

_PLAIN: dict[str, tuple[Form, str]] = {
    **dict.fromkeys(
        ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"),
        ("bigint", "bigint"),
    ),
    **dict.fromkeys(("FLOAT", "DOUBLE"), ("double", "double")),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS"), ("timestamp", "timestamp")),
    "TIMESTAMP WITH TIME ZONE": ("timestamptz", "timestamp"),
    "BOOLEAN": ("bool", "bool"),
    "VARCHAR": ("text", "text"),
    "DATE": ("date", "date"),
    "TIME": ("time", "time"),
    "BLOB": ("binary", "binary"),
}
_CASTS = {
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "timestamp": "TIMESTAMP",
}
_NESTED = re.compile(r"(STRUCT|MAP|UNION)\(|.*\]$", re.DOTALL)


class DuckDBBackend:
    """The Backend (backend.py) of a DuckDB file."""

    def __init__(self, address: Address) -> None:
        import duckdb

        self._where = f"the DuckDB file {address.shown}"
        self._errors = duckdb.Error
        try:
            self._connection = duckdb.connect(
                address.url, read_only=True, config={"autoinstall_known_extensions": "false"}
            )
            self._connection.execute("SET TimeZone = 'UTC'")
            self._connection.execute("BEGIN")
        except duckdb.Error as error:
            raise self._refuse(error) from error

    def relation(self, schema: str | None, table: str) -> str:
        return quote(schema, table) if schema else quote(table)

    def describe(self, relation: str, table: str | None) -> list[DbColumn]:
        rows = self._run(f"DESCRIBE SELECT * FROM {relation}", table).fetchall()
        return [_column(name, kind) for name, kind, *_ in rows]

    def survey(self, relation: str, where: str, columns: Sequence[DbColumn]) -> list[DbColumn]:
        return list(columns)

    def read(self, sql: str, columns: Sequence[DbColumn], chunk_size: int) -> Iterator[Any]:
        schema = arrow_schema(columns)
        # A cursor is a connection of its own, with its own snapshot: it would not see this transaction's.
        reader = self._run(sql).to_arrow_reader(chunk_size)
        for batch in reader:
            yield batch.cast(schema) if batch.schema != schema else batch

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        return list(self._run(sql).fetchall())

    def quote(self, name: str) -> str:
        return quote(name)

    def literal(self, text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    def as_text(self, expression: str) -> str:
        return f"CAST({expression} AS VARCHAR)"

    def close(self) -> None:
        self._connection.close()

    def _run(self, sql: str, table: str | None = None) -> Any:
        try:
            return self._connection.execute(sql)
        except self._errors as error:
            text = first_line(error)
            if "does not exist" in text and table:
                raise no_table(table, self._where) from error
            raise bad_query(text, self._where) from error

    def _refuse(self, error: Exception) -> SourceError:
        text = first_line(error, 2_000)
        if "Could not set lock" in text or "different configuration" in text:
            return SourceError(
                f"{self._where} is being written to.", code="E371", hint="Close it there, then try again."
            )
        if "not a valid DuckDB database file" in text:
            return SourceError(f"{self._where} is no DuckDB database.", code="E373")
        return SourceError(f"{self._where} cannot be opened: {first_line(error, 200)}", code="E371")


def _column(name: str, kind: str) -> DbColumn:
    quoted = quote(name)
    if kind in _PLAIN:
        form, data_type = _PLAIN[kind]
        cast = _CASTS.get(form)
        return DbColumn(name, (data_type, None, None), form, f"CAST({quoted} AS {cast})" if cast else quoted)
    if found := re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind):
        return DbColumn(name, ("decimal", int(found[1]), int(found[2])), "decimal", quoted)
    text = f"CAST({quoted} AS VARCHAR)"
    if kind == "UBIGINT":
        return DbColumn(name, ("decimal", 20, 0), "decimal", f"CAST({quoted} AS DECIMAL(20, 0))")
    if kind in ("HUGEINT", "UHUGEINT", "BIGNUM"):
        return DbColumn(name, ("decimal", 38, 0), "written", text)
    if kind == "TIMESTAMP_NS":
        return DbColumn(name, ("timestamp", None, None), "written", text)
    if kind == "JSON":
        return DbColumn(name, ("json", None, None), "json", text)
    if _NESTED.match(kind):
        return DbColumn(name, ("json", None, None), "json", f"CAST(to_json({quoted}) AS VARCHAR)")
    return DbColumn(name, ("text", None, None), "text", text)
