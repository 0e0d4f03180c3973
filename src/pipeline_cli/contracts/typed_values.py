"""Values that DuckDB already has as such (Arrow, Parquet, databases), in a column of perhaps another type.

`typeof(…)` is a constant to DuckDB's planner: of each CASE here only one branch is left when the statement runs.
"""

from __future__ import annotations

from pipeline_cli.contracts.text_values import decimal_shape, is_exact, text_value
from pipeline_cli.sources.scan import ColumnSpec

_INTEGERS = (
    "'TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT', 'HUGEINT'"
)
_PLAIN_TIMES = "'TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'DATE'"
_ZONED = "'TIMESTAMP WITH TIME ZONE'"
_CALENDAR = "BETWEEN -62135424000000000 AND 253402041600000000"
_EXACT_IN_DOUBLE = 2**53
_NUMBERS = ("bigint", "double", "decimal", "wei")


def typed_value(spec: ColumnSpec, raw: str, column_type: str) -> str:
    """`raw` as a value of the table's column; a text is read as in a CSV file."""
    kind = spec.data_type
    if kind == "text":
        return f"try_cast({raw} AS VARCHAR)"
    if kind == "timestamp":
        direct = (
            f"CASE WHEN typeof({raw}) = {_ZONED} THEN try_cast({raw} AS TIMESTAMP WITH TIME ZONE) "
            f"ELSE make_timestamptz(epoch_us(try_cast({raw} AS TIMESTAMP))) END"
        )
    elif kind == "json":
        direct = f"to_json({raw})"
        return f"CASE WHEN typeof({raw}) IN ('VARCHAR', 'JSON') THEN try_cast({_text(raw)} AS JSON) ELSE {direct} END"
    else:
        direct = f"try_cast({raw} AS {column_type})"
    if kind == "binary":
        return f"CASE WHEN typeof({raw}) = 'BLOB' THEN {direct} END"
    return f"CASE WHEN typeof({raw}) = 'VARCHAR' THEN {text_value(spec, _text(raw))} ELSE {direct} END"


def is_exact_typed(spec: ColumnSpec, raw: str, value: str) -> str:
    """Whether `value` is exactly `raw`, for a `raw` that is not NULL."""
    kind = spec.data_type
    if kind == "text":
        return f"typeof({raw}) IN ({_INTEGERS}, 'VARCHAR', 'UUID') AND NOT contains({value}, chr(0))"
    if kind == "json":
        return "false"  # `is_plain_json` and the row check together
    if kind == "binary":
        return f"typeof({raw}) = 'BLOB'"
    if kind in _NUMBERS:
        native = _native_number(spec, raw, value)
    elif kind == "timestamp":
        native = f"WHEN typeof({raw}) IN ({_PLAIN_TIMES}, {_ZONED}) THEN epoch_us({value}) {_CALENDAR}"
    elif kind == "date":
        native = f"WHEN typeof({raw}) = 'DATE' THEN {value} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'"
    else:
        native = f"WHEN typeof({raw}) = {'BOOLEAN' if kind == 'bool' else 'TIME'!r} THEN true"
    as_text = f"WHEN typeof({raw}) = 'VARCHAR' THEN {is_exact(spec, _text(raw), value)}"
    return f"CASE {native} {as_text} ELSE false END"


def is_plain_json(raw: str) -> str:
    """Whether DuckDB writes the value as JSON the way Python does: times, 32-bit floats and bytes it does not."""
    return f"NOT regexp_matches(typeof({raw}), 'TIME|DATE|FLOAT|BLOB|INTERVAL|BIT')"


def _native_number(spec: ColumnSpec, raw: str, value: str) -> str:
    """Numbers of another type must read, as texts, like what the column makes of them."""
    there = f"{value} IS NOT NULL"
    number = f"try_cast({raw} AS DOUBLE)"
    if spec.data_type == "bigint":
        integers = f"WHEN typeof({raw}) IN ({_INTEGERS}) THEN {there}"
        # Beyond 2^53 a double's digits are not an integer's.
        whole = f"{number} BETWEEN {-_EXACT_IN_DOUBLE} AND {_EXACT_IN_DOUBLE} AND {number} = {value}"
        return (
            f"{integers} WHEN typeof({raw}) IN ('DOUBLE', 'FLOAT') THEN {whole} {_decimals(spec, raw, value)}"
        )
    if spec.data_type == "double":
        small = f"try_cast({raw} AS HUGEINT) BETWEEN {-_EXACT_IN_DOUBLE} AND {_EXACT_IN_DOUBLE}"
        return (
            f"WHEN typeof({raw}) IN ('DOUBLE', 'FLOAT') THEN isfinite({value}) "
            f"WHEN typeof({raw}) IN ({_INTEGERS}) THEN {small} {_decimals(spec, raw, value)}"
        )
    _, scale = decimal_shape(spec)
    places = f"try_cast(regexp_extract(typeof({raw}), '^DECIMAL\\([0-9]+,([0-9]+)\\)$', 1) AS INTEGER)"
    written = is_exact(spec, f"CAST({number} AS VARCHAR)", value)
    return (
        f"WHEN typeof({raw}) IN ({_INTEGERS}) THEN {there} "
        f"WHEN coalesce({places} <= {scale}, false) THEN {there} {_decimals(spec, raw, value)} "
        f"WHEN typeof({raw}) = 'DOUBLE' THEN {written}"
    )


def _decimals(spec: ColumnSpec, raw: str, value: str) -> str:
    text = f"rtrim(rtrim({_text(raw)}, '0'), '.')"
    written = f"rtrim(rtrim(CAST({value} AS VARCHAR), '0'), '.')"
    same = f"{text} = {written} AND contains({_text(raw)}, '.') AND contains(CAST({value} AS VARCHAR), '.')"
    if spec.data_type == "bigint":
        same = f"CAST({value} AS VARCHAR) = {text} AND contains({_text(raw)}, '.') AND {value} <> 0"
    return f"WHEN typeof({raw}) LIKE 'DECIMAL%' THEN {same} OR {is_exact(spec, _text(raw), value)}"


def _text(raw: str) -> str:
    return f"CAST({raw} AS VARCHAR)"
