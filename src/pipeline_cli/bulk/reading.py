"""The one statement that reads a scan: typed values, metadata, and a sink for rows that are not certainly fine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeline_cli.bulk.copy_text import field_sql, line_sql, nullable
from pipeline_cli.contracts.texts import value_sql
from pipeline_cli.destinations.base import literal, quote
from pipeline_cli.sources.scan import ColumnSpec, Scan

if TYPE_CHECKING:
    from pipeline_cli.contracts.predicates import Predicates


@dataclass(frozen=True, slots=True)
class Stamp:
    """What every row of a load carries. extracted_at: UTC, the load's beginning."""

    source: str
    run_id: str
    load_id: str
    extracted_at: datetime


_FREE_TEXTS = ("_raw", "_endpoint")  # metadata columns that may hold any letter
POSITION = "__position"  # dlt's naming leaves no two underscores: no column of a source is called so
_ROWS_A_SCAN = 10**12  # positions of a later scan are behind those of an earlier one


@dataclass(frozen=True, slots=True)
class RowShape:
    """Which columns of ours the rows have, beside the ones that all have.

    is_hashed: `_record_hash`, for tables whose rows are compared by key. is_numbered: `POSITION`, of staged rows
    alone: where a row stands in what the source gave.
    """

    is_hashed: bool = False
    keeps_raw: bool = False
    is_numbered: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """columns: of the table, in the order of `select`; constants: SQL by column, the same in every row.

    lines: the same rows, each as one text, a line of COPY's text format; one of the two may be run, once.
    reads_files: DuckDB reads them; size_bytes: of the files, where it is known; buffers_mb: as a Scan's.
    """

    columns: tuple[str, ...]
    select: str
    lines: str
    constants: Mapping[str, str]
    reads_files: bool
    size_bytes: int | None
    buffers_mb: int

    def whole(self) -> Reading:
        """The same with the constants as columns, the last ones."""
        values = self.constants.values()
        return replace(
            self,
            columns=(*self.columns, *self.constants),
            select=f"SELECT *, {', '.join(values)} FROM ({self.select})",
            lines=f"SELECT {line_sql(['line', *values])} FROM ({self.lines})",
            constants={},
        )


def timestamp_literal(moment: datetime) -> str:
    return f"TIMESTAMP WITH TIME ZONE {literal(moment.isoformat())}"


def sql_value(value: Any) -> str:
    """A text, a whole number, a time or None as SQL for DuckDB and Postgres alike."""
    if isinstance(value, datetime):
        return timestamp_literal(value)
    return str(value) if isinstance(value, int) else literal(None if value is None else str(value))


def metadata_types(shape: RowShape) -> dict[str, str]:
    """dlt's data type of each metadata column, in the order of the table's."""
    found = {"_run_id": "text", "_extracted_at": "timestamp", "_source": "text"}
    if shape.is_hashed:
        found["_record_hash"] = "text"
    if shape.keeps_raw:
        found |= {"_raw": "json", "_endpoint": "text", "_size_bytes": "bigint"}
    return {**found, "_dlt_load_id": "text"}


def build_reading(
    scan: Scan,
    stamp: Stamp,
    shape: RowShape,
    gate: Gate | None = None,
    *,
    number: int = 1,
) -> Reading:
    """The statement for a scan.

    gate: what decides which rows are certainly fine; None takes every row. number: of the scan in its load.
    """
    columns = list(scan.columns)
    raws = [f"r{index}" for index in range(len(columns))]
    values = [f"v{index}" for index in range(len(columns))]
    received = ", ".join(
        f"{quote(column.source)} AS {raw}" for column, raw in zip(columns, raws, strict=True)
    )
    received += (
        f", {scan.file_column or 'NULL::VARCHAR'} AS file_, {scan.raw_column or 'NULL::VARCHAR'} AS line_"
    )
    received += f", {_position(scan, shape)} AS position_"
    typed = ", ".join(
        f"{value_sql(column, raw)} AS {value}"
        for column, raw, value in zip(columns, raws, values, strict=True)
    )
    taken = [index for index, column in enumerate(columns) if not column.is_refused]
    computed = _computed(columns, shape)
    if shape.is_numbered:
        computed[POSITION] = f"{number * _ROWS_A_SCAN} + position_"
    given = [*(values[index] for index in taken), *computed.values()]
    fields = [field_sql(columns[index], raws[index], values[index]) for index in taken]
    fields += [nullable(sql, is_free=name in _FREE_TEXTS) for name, sql in computed.items()]
    rows = f" FROM (SELECT *, {typed} FROM (SELECT {received} FROM {scan.relation}))"
    if gate is not None:
        rows += f" WHERE {_certainly_fine(gate, columns, raws, values)}"
    names = (*(columns[index].name for index in taken), *computed)
    return Reading(
        names,
        f"SELECT {', '.join(given)}{rows}",
        f"SELECT {line_sql(fields)} AS line{rows}",
        _constants(stamp),
        reads_files=not scan.objects,
        size_bytes=scan.size_bytes,
        buffers_mb=scan.buffers_mb,
    )


@dataclass(frozen=True, slots=True)
class Gate:
    """predicates: of contract and types; sink: a function's name; keys: indexes of columns that need a value."""

    predicates: Predicates
    sink: str
    keys: Sequence[int] = ()


def _certainly_fine(
    gate: Gate, columns: Sequence[ColumnSpec], raws: Sequence[str], values: Sequence[str]
) -> str:
    """The condition for a row that is taken as it stands; every other one goes to the sink."""
    needed = [f"{values[index]} IS NOT NULL" for index in gate.keys]
    needed += [f"{raws[index]} IS NULL" for index, column in enumerate(columns) if column.is_refused]
    fine = gate.predicates.sql(_namer(columns, "r"), _namer(columns, "v"))
    # Nothing is pushed below a function with side effects: values are computed once, and it is called for the rows
    # that fail alone.
    suspect = f"{gate.sink}(file_, line_, position_, {_struct(raws)})"
    return f"CASE WHEN {' AND '.join([*needed, fine])} THEN true ELSE {suspect} END"


def describe_received(scan: Scan) -> str:
    """The query whose DESCRIBE gives the types of what the sink takes."""
    raws = [f"{quote(column.source)} AS r{index}" for index, column in enumerate(scan.columns)]
    return f"SELECT {', '.join(raws)} FROM {scan.relation}"


def _position(scan: Scan, shape: RowShape) -> str:
    """The SQL of a row's number in its scan: the order that the source gave, kept by reading with one thread."""
    if not shape.is_numbered:
        return "0"
    return scan.position_column or "row_number() OVER ()"


def _struct(names: Sequence[str]) -> str:
    return "struct_pack(" + ", ".join(f"{name} := {name}" for name in names) + ")"


def _namer(columns: Sequence[ColumnSpec], letter: str) -> _Names:
    return _Names({column.source: f"{letter}{index}" for index, column in enumerate(columns)})


@dataclass(frozen=True, slots=True)
class _Names:
    names: dict[str, str]

    def __call__(self, column: ColumnSpec) -> str:
        return self.names[column.source]


def _constants(stamp: Stamp) -> dict[str, str]:
    return {
        "_run_id": literal(stamp.run_id),
        "_extracted_at": timestamp_literal(stamp.extracted_at),
        "_source": literal(stamp.source),
        "_dlt_load_id": literal(stamp.load_id),
    }


def _computed(columns: Sequence[ColumnSpec], shape: RowShape) -> dict[str, str]:
    """The metadata columns that differ from row to row."""
    found: dict[str, str] = {}
    if shape.is_hashed:
        # Of the typed values: "5" and "5.0" of a number are the same record, and so is what the judge accepted.
        # With names and lengths, so that no two records look alike; a column without a value is as one not there.
        order = sorted(range(len(columns)), key=lambda index: columns[index].name)
        parts = [
            f"{literal(columns[index].name)} || ':' || strlen(v{index}::VARCHAR) || ':' || v{index}::VARCHAR"
            for index in order
        ]
        found["_record_hash"] = f"md5(concat_ws(',', {', '.join(parts)}))"
    if shape.keeps_raw:
        fields = ", ".join(f"{literal(each.source)}: r{index}" for index, each in enumerate(columns))
        found["_raw"] = f"coalesce(line_, to_json({{{fields}}})::VARCHAR)::JSON"
        found["_endpoint"] = "file_"
        found["_size_bytes"] = f"strlen(coalesce(line_, to_json({{{fields}}})::VARCHAR))"
    return found
