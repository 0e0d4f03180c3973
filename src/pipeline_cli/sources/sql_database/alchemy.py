"""MySQL and MariaDB, and whatever else SQLAlchemy has a dialect for: rows by a server-side cursor, chunk by chunk.

Times, dates and decimals are taken as the texts that the server sends: Python has no 0000-00-00 and no 838:59:59.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date, time
from decimal import Decimal
from typing import Any

from pipeline_cli.destinations.base import first_line
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

_MYSQL = ("mysql", "mariadb")
_TIMEOUT_S = 10
# By the name of SQLAlchemy's type: form and dlt's type.
_TYPES: dict[str, tuple[Form, str]] = {
    **dict.fromkeys(
        ("INTEGER", "BIGINT", "SMALLINT", "TINYINT", "MEDIUMINT", "YEAR", "BIT"), ("bigint", "bigint")
    ),
    **dict.fromkeys(("FLOAT", "DOUBLE", "REAL", "DOUBLE_PRECISION"), ("double", "double")),
    **dict.fromkeys(("DATETIME", "TIMESTAMP"), ("written", "timestamp")),
    **dict.fromkeys(
        ("BLOB", "BINARY", "VARBINARY", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB"), ("binary", "binary")
    ),
    "BOOLEAN": ("bool", "bool"),
    "DATE": ("written", "date"),
    "TIME": ("written", "time"),
    "JSON": ("json", "json"),
}
# By MySQL's number of a column's type, for queries: the name as above.
_MYSQL_NUMBERS = {
    **dict.fromkeys((1, 2, 3, 8, 9), "BIGINT"),
    **dict.fromkeys((4, 5), "DOUBLE"),
    **dict.fromkeys((7, 12), "DATETIME"),
    10: "DATE", 11: "TIME", 13: "YEAR", 16: "BIT", 245: "JSON",
}  # fmt: skip
_BINARY_CHARSET, _UNSIGNED = 63, 32
_BLOBS = (249, 250, 251, 252, 253, 254)
_DECIMALS = (0, 246)
_AS_SENT = (*_DECIMALS, 7, 10, 11, 12, 16)  # decimals, times, bits


class AlchemyBackend:
    """The Backend (backend.py) of a database that SQLAlchemy reaches."""

    def __init__(self, address: Address) -> None:
        import sqlalchemy
        from sqlalchemy.pool import NullPool

        self._where = f"the database at {address.shown}"
        url = sqlalchemy.engine.make_url(address.url)
        self._is_mysql = url.get_backend_name() in _MYSQL
        try:
            self._engine = sqlalchemy.create_engine(url, poolclass=NullPool, connect_args=_arguments(url))
            # no_parameters: a driver with %s placeholders then leaves every % alone.
            self._connection = self._engine.connect().execution_options(
                stream_results=True, no_parameters=True
            )
            for statement in self._session():
                self._connection.exec_driver_sql(statement)
        except ImportError as error:
            hint = "pip install 'pipeline-cli[mysql]'" if self._is_mysql else f"pip install {error.name}"
            raise SourceError(f"{self._where} needs a driver: {error.name}", code="E371", hint=hint) from None
        except sqlalchemy.exc.SQLAlchemyError as error:
            raise self._explain(error, None) from None  # the driver's text could quote the address

    def relation(self, schema: str | None, table: str) -> str:
        return f"{self.quote(schema)}.{self.quote(table)}" if schema else self.quote(table)

    def describe(self, relation: str, table: str | None) -> list[DbColumn]:
        with self._run(f"SELECT * FROM {relation} LIMIT 0", table) as result:
            fields = getattr(getattr(result.cursor, "_result", None), "fields", None)
            described = list(result.cursor.description)
        if self._is_mysql:
            return [self._mysql_column(*each) for each in zip(described, fields or described, strict=True)]
        return [DbColumn(each[0], ("text", None, None), "written", self.quote(each[0])) for each in described]

    def survey(self, relation: str, where: str, columns: Sequence[DbColumn]) -> list[DbColumn]:
        return list(columns)

    def read(self, sql: str, columns: Sequence[DbColumn], chunk_size: int) -> Iterator[Any]:
        import pyarrow as pa
        from sqlalchemy.exc import SQLAlchemyError

        schema = arrow_schema(columns)
        converters = [_CONVERTERS.get(column.form, _write) for column in columns]
        try:
            with self._run(sql) as result:
                while rows := result.fetchmany(chunk_size):
                    values = zip(*rows, strict=True)
                    arrays = [_array(*each) for each in zip(values, converters, schema.types, strict=True)]
                    yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        except SQLAlchemyError as error:
            raise self._explain(error, None) from None

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        with self._run(sql) as result:
            return [tuple(row) for row in result.fetchall()]

    def quote(self, name: str) -> str:
        return str(self._engine.dialect.identifier_preparer.quote_identifier(name))

    def literal(self, text: str) -> str:
        shown = text.replace("\\", "\\\\") if self._is_mysql else text
        return "'" + shown.replace("'", "''") + "'"

    def as_text(self, expression: str) -> str:
        return expression

    def close(self) -> None:
        self._connection.invalidate()  # a stream that is not at its end would be read to it
        self._connection.close()
        self._engine.dispose()

    def _session(self) -> Sequence[str]:
        if not self._is_mysql:
            return ()
        return (
            "SET time_zone = '+00:00'",
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        )

    def _run(self, sql: str, table: str | None = None) -> Any:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            return self._connection.exec_driver_sql(sql)
        except SQLAlchemyError as error:
            raise self._explain(error, table) from None

    def _mysql_column(self, described: Any, field: Any) -> DbColumn:
        name, number, *_ = described
        precision, scale = described[4], described[5]
        flags, charset = getattr(field, "flags", 0), getattr(field, "charsetnr", 0)
        quoted = self.quote(name)
        if number in _DECIMALS:
            # The length counts the sign and the point.
            digits = (precision or 0) - (1 if scale else 0) - (0 if flags & _UNSIGNED else 1)
            kind = ("decimal", digits, scale) if 0 < digits <= 38 else ("text", None, None)
            return DbColumn(name, kind, "written", quoted)
        if number == 8 and flags & _UNSIGNED:
            return DbColumn(name, ("decimal", 20, 0), "written", quoted)
        if number in _BLOBS and charset == _BINARY_CHARSET:
            return DbColumn(name, ("binary", None, None), "binary", quoted)
        if number == 255:
            return DbColumn(name, ("binary", None, None), "binary", quoted)
        form, data_type = _TYPES.get(_MYSQL_NUMBERS.get(number, ""), ("text", "text"))
        return DbColumn(name, (data_type, None, None), form, quoted)

    def _explain(self, error: Any, table: str | None) -> SourceError:
        cause = getattr(error, "orig", None) or error
        number = cause.args[0] if getattr(cause, "args", None) else None
        text = first_line(cause) if cause is not error else type(error).__name__
        if number in (1146, 1051) and table:
            return no_table(table, self._where)
        if number in (1142, 1143, 1044):
            return no_permission(
                table or "it", self._where, "Give its user the right: GRANT SELECT ON … TO …."
            )
        if number in (1045, 1698):
            hint = "Check the user and password of the address."
            return SourceError(f"{self._where} refuses the user or the password.", code="E372", hint=hint)
        if number == 1049:
            return SourceError(
                f"{self._where} has no such database.", code="E373", hint="Correct the address."
            )
        if number in (2002, 2003):
            hint = "Start the server, or correct host and port of the address."
            return SourceError(f"{self._where} is not answering.", code="E371", hint=hint)
        return (
            bad_query(text, self._where)
            if isinstance(number, int) and number < 2000
            else lost(text, self._where)
        )


def _arguments(url: Any) -> dict[str, Any]:
    if url.drivername not in ("mysql+pymysql", "mariadb+pymysql"):
        return {}
    from importlib import import_module

    converters = import_module("pymysql.converters").conversions
    conversions = {key: value for key, value in converters.items() if key not in _AS_SENT}
    return {"conv": conversions, "connect_timeout": _TIMEOUT_S, "charset": "utf8mb4"}


def _array(values: Sequence[Any], convert: Callable[[Any], Any], kind: Any) -> Any:
    import pyarrow as pa

    return pa.array([None if value is None else convert(value) for value in values], kind)


def _write(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return value.hex() if isinstance(value, bytes) else str(value)


def _number(value: Any) -> int:
    return int.from_bytes(value, "big") if isinstance(value, bytes) else int(value)


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "bigint": _number,
    "double": float,
    "bool": bool,
    "binary": bytes,
}
