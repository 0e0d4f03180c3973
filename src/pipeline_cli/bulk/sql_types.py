"""dlt's data types in the words of DuckDB, Postgres and Arrow; the tables that dlt makes have the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipeline_cli.sources.column_types import ColumnType
from pipeline_cli.sources.scan import ColumnSpec

DUCKDB_TYPES = {
    "text": "VARCHAR",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "date": "DATE",
    "time": "TIME",
    "json": "JSON",
    "binary": "BLOB",
    "decimal": "DECIMAL",
    "wei": "DECIMAL",
}
POSTGRES_TYPES = {
    **DUCKDB_TYPES,
    "text": "character varying",
    "double": "double precision",
    "json": "jsonb",
    "binary": "bytea",
    "decimal": "numeric",
    "wei": "numeric",
}
_DEFAULT_DECIMAL = (38, 9)  # dlt's
_NUMBERS = re.compile(r"\((\d+)\s*,\s*(\d+)\)")
_READ_BACK = {
    "varchar": "text",
    "character varying": "text",
    "text": "text",
    "character": "text",
    "uuid": "text",
    "bigint": "bigint",
    "integer": "bigint",
    "smallint": "bigint",
    "tinyint": "bigint",
    "double": "double",
    "double precision": "double",
    "float": "double",
    "real": "double",
    "boolean": "bool",
    "timestamp with time zone": "timestamp",
    "timestamp": "timestamp",
    "timestamp without time zone": "timestamp",
    "date": "date",
    "time": "time",
    "time without time zone": "time",
    "json": "json",
    "jsonb": "json",
    "blob": "binary",
    "bytea": "binary",
}


def render(types: Mapping[str, str], kind: ColumnType) -> str:
    """The warehouse's type for a column."""
    data_type, precision, scale = kind
    name = types[data_type]
    if data_type == "wei":
        return f"{name}({precision or 38}, 0)"
    if data_type == "decimal":
        fallback_precision, fallback_scale = _DEFAULT_DECIMAL
        return f"{name}({precision or fallback_precision}, {fallback_scale if scale is None else scale})"
    return name


def to_column_type(name: str, precision: int | None = None, scale: int | None = None) -> ColumnType:
    """dlt's type for a warehouse's. A type that we never make (a list, an interval) is text."""
    lowered = name.lower()
    if lowered.startswith(("decimal", "numeric")):
        if numbers := _NUMBERS.search(lowered):
            return "decimal", int(numbers[1]), int(numbers[2])
        return "decimal", precision, scale
    return _READ_BACK.get(lowered, "text"), None, None


def arrow_type(column: ColumnSpec) -> Any:
    """Arrow's type of Python values for a column."""
    import pyarrow

    if column.data_type in ("decimal", "wei"):
        precision, scale = _DEFAULT_DECIMAL if column.data_type == "decimal" else (38, 0)
        return pyarrow.decimal128(
            column.precision or precision, scale if column.scale is None else column.scale
        )
    return {
        "bigint": pyarrow.int64(),
        "double": pyarrow.float64(),
        "bool": pyarrow.bool_(),
        "timestamp": pyarrow.timestamp("us", tz="UTC"),
        "date": pyarrow.date32(),
        "time": pyarrow.time64("us"),
        "binary": pyarrow.binary(),
    }.get(column.data_type, pyarrow.string())


def arrow_schema(columns: Mapping[str, str]) -> Any:
    """Arrow's schema for Python rows. columns: dlt's data type by name; decimals are of the default size."""
    import pyarrow

    return pyarrow.schema(
        [(name, arrow_type(ColumnSpec(name, name, kind))) for name, kind in columns.items()]
    )
