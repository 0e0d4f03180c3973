"""Parquet files: grouped by their schema, types as they are stored, nested values as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline_cli.destinations.base import literal, quote
from pipeline_cli.destinations.duckdb_loading import READER_BUFFERS_MB
from pipeline_cli.errors import SourceError
from pipeline_cli.sources.column_types import column_name
from pipeline_cli.sources.files.listing import Listed
from pipeline_cli.sources.files.names import check_names
from pipeline_cli.sources.files.reading import LocalFile, Reading, grouped, open_all
from pipeline_cli.sources.files.rejects import file_sql
from pipeline_cli.sources.files.sql import FILE, path_literal
from pipeline_cli.sources.scan import ColumnSpec, Scan

if TYPE_CHECKING:
    from pipeline_cli.sources.column_types import ColumnType

Schema = tuple[tuple[str, str], ...]  # (name, DuckDB's type)

_TYPES: dict[str, ColumnType] = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT"), ("bigint", None, None)),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER"), ("bigint", None, None)),
    "UBIGINT": ("decimal", 38, 0),
    "HUGEINT": ("decimal", 38, 0),
    **dict.fromkeys(("FLOAT", "DOUBLE"), ("double", None, None)),
    "BOOLEAN": ("bool", None, None),
    "DATE": ("date", None, None),
    "TIME": ("time", None, None),
    "BLOB": ("binary", None, None),
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_NESTED = re.compile(r"\]$|^(STRUCT|MAP|UNION|JSON)\b")


def parquet_scans(reading: Reading, files: Sequence[Listed]) -> Iterator[tuple[Scan, list[Listed]]]:
    """One scan for each batch of files with one schema, with the files that it reads."""
    import duckdb

    with closing(duckdb.connect()) as connection:
        opened = [(_schema(connection, file), file) for file in open_all(reading, files, _open)]
    groups = grouped(reading, opened)
    found = _find_types(reading, groups)
    reading.note(f"{files[0].path}{f' and {len(files) - 1} more' if len(files) > 1 else ''}: Parquet")
    for schema, batch in groups:
        yield _scan(reading, schema, batch, found), [file.listed for file in batch]
        reading.release(batch)


def _open(reading: Reading, listed: Listed) -> LocalFile:
    with reading.storage.open(listed) as stored:
        is_parquet = stored.read(4) == b"PAR1"
    if reading.storage.is_local and is_parquet:
        return LocalFile(listed, Path(listed.address))
    return LocalFile(listed, reading.spool.fetch(reading.storage, listed), is_copy=True)


def _schema(connection: Any, file: LocalFile) -> Schema:
    import duckdb

    try:
        rows = connection.execute(
            f"DESCRIBE SELECT * FROM read_parquet({path_literal(str(file.place))})"
        ).fetchall()
    except duckdb.Error as error:
        first = str(error).replace(str(file.place), file.listed.path).splitlines()[0]
        raise SourceError(
            f"{file.listed.path} is no whole Parquet file: {first}. Nothing of it was loaded.",
            code="E364",
            hint="Get the file again; until then leave it out with file_glob.",
        ) from error
    check_names([name for name, *_ in rows], file.listed.path)
    return tuple((name, kind) for name, kind, *_ in rows)


def _find_types(
    reading: Reading, groups: Sequence[tuple[Schema, Sequence[LocalFile]]]
) -> dict[str, ColumnType]:
    """The stored types; files whose types of a column do not go together are refused, unless one is declared."""
    found: dict[str, ColumnType] = {}
    origin: dict[str, str] = {}
    for schema, group in groups:
        said = reading.declared(name for name, _ in schema)
        for name, kind in schema:
            data_type = _type_of(kind)
            before = found.setdefault(name, data_type)
            if before != data_type and name not in said:
                wider = _wider(before, data_type)
                if wider is None:
                    raise SourceError(
                        f"the column {name!r} is {before[0]} in {origin[name]} and {data_type[0]} in "
                        f"{group[0].listed.path}.",
                        code="E367",
                        hint=f"Say what it is: columns: {{{column_name(name)}: {{data_type: text}}}}.",
                    )
                found[name] = wider
            origin.setdefault(name, group[0].listed.path)
    return found


def _type_of(kind: str) -> ColumnType:
    decimal = _DECIMAL.fullmatch(kind)
    if decimal:
        return "decimal", int(decimal[1]), int(decimal[2])
    if _NESTED.search(kind):
        return "json", None, None
    if kind.startswith("TIMESTAMP"):
        return "timestamp", None, None
    return _TYPES.get(kind, ("text", None, None))


def _wider(one: ColumnType, other: ColumnType) -> ColumnType | None:
    """The type that takes both; what does not fit it exactly is found row by row."""
    kinds = {one[0], other[0]}
    if kinds == {"bigint", "double"}:
        return "double", None, None
    if kinds <= {"bigint", "decimal"}:
        scale = max(one[2] or 0, other[2] or 0)
        return "decimal", 38, scale
    return None


def _scan(
    reading: Reading, schema: Schema, files: Sequence[LocalFile], found: Mapping[str, ColumnType]
) -> Scan:
    kinds = dict(schema)
    specs = [_spec(spec, kinds[spec.source]) for spec in reading.specs(list(kinds), found, "typed")]
    paths = ", ".join(path_literal(str(file.place)) for file in files)
    columns = ", ".join(f"{_value_sql(name, kind)} AS {quote(name)}" for name, kind in schema)
    return Scan(
        f"(SELECT {columns}, {FILE} FROM read_parquet([{paths}], filename = {literal(FILE)}))",
        specs,
        file_column=file_sql(files),
        size_bytes=sum(file.listed.size_bytes for file in files),
        buffers_mb=READER_BUFFERS_MB,
        verify=partial(reading.verify, files),
    )


def _spec(spec: ColumnSpec, kind: str) -> ColumnSpec:
    return replace(spec, encoding="json") if _NESTED.search(kind) else spec


def _value_sql(name: str, kind: str) -> str:
    """The column, in a type that every destination has."""
    if _NESTED.search(kind):
        return f"to_json({quote(name)})::VARCHAR"
    known = kind in _TYPES or _DECIMAL.fullmatch(kind) or kind.startswith("TIMESTAMP") or kind == "VARCHAR"
    return quote(name) if known else f"{quote(name)}::VARCHAR"
