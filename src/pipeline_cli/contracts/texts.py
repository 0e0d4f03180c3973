"""A column's values in DuckDB's SQL: the type it has, the value a text becomes, and whether nothing was lost.

DuckDB's casts take more than they should ('nan', '1e3', '0x1F', ' 5 ', 'epoch', 10 places cut to 9), so a value counts
only where the text is exactly what the value says. These conditions are careful: an odd text ('+5') is not
certain here, and contracts/judge.py has the last word on it.
"""

from __future__ import annotations

from pipeline_cli.contracts import json_texts, typed_values
from pipeline_cli.contracts.text_values import decimal_shape, is_exact, text_value
from pipeline_cli.sources.scan import ColumnSpec

_TYPES = {
    "text": "VARCHAR",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "time": "TIME",
    "json": "JSON",
    "binary": "BLOB",
}


def sql_type(spec: ColumnSpec) -> str:
    """The DuckDB type of the table's column, as dlt makes it."""
    if spec.data_type in ("decimal", "wei"):
        return "DECIMAL({}, {})".format(*decimal_shape(spec))
    return _TYPES[spec.data_type]


def value_sql(spec: ColumnSpec, raw: str) -> str:
    """The typed value of `raw` (an SQL reference, evaluated several times); NULL where there can be none.

    The value may be wrong where `exact_sql` is not true. The session's time zone must be UTC.
    """
    if spec.encoding == "json":
        return json_texts.json_value(spec, raw)
    if spec.encoding == "typed":
        return typed_values.typed_value(spec, raw, sql_type(spec))
    return text_value(spec, raw)


def exact_sql(spec: ColumnSpec, raw: str, value: str) -> str:
    """A boolean, never NULL: true only where `raw` is absent or `value` (of `value_sql`) is exactly it."""
    return f"CASE WHEN {exact_or_absent(spec, raw, value)} THEN true ELSE false END"


def exact_or_absent(spec: ColumnSpec, raw: str, value: str) -> str:
    """`exact_sql` as a condition that may be NULL for false, to stand among others under AND."""
    certain = f"{raw} IS NULL OR ({exact_condition(spec, raw, value)})"
    return f"{certain} OR {json_texts.is_null(raw)}" if spec.encoding == "json" else certain


def exact_condition(spec: ColumnSpec, raw: str, value: str) -> str:
    """The same for a `raw` that says something: neither NULL nor JSON's null."""
    if spec.encoding == "json":
        return json_texts.is_exact_json(spec, raw, value)
    if spec.encoding == "typed":
        return typed_values.is_exact_typed(spec, raw, value)
    return is_exact(spec, raw, value)
