"""Rows that the judge accepted although they were not certainly fine, as one more scan: of typed values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline_cli.bulk.spool import Spool
from pipeline_cli.bulk.sql_types import arrow_type
from pipeline_cli.sources.scan import ColumnSpec, Scan


@dataclass(frozen=True, slots=True)
class AcceptedRow:
    """A row that the judge accepted: its values by column, and what it was before."""

    values: Mapping[str, Any]
    file: str | None
    raw: str
    position: int


def accepted_scan(scan: Scan, accepted: Spool, engine: Any) -> Iterator[Scan]:
    """A scan of the accepted rows of `scan`, registered with the engine while it is used; none without rows."""
    if not accepted.count:
        return
    import pyarrow

    taken = [column for column in scan.columns if not column.is_refused]
    columns = [replace(column, source=f"c{i}", encoding="typed") for i, column in enumerate(taken)]
    fields = [(column.source, arrow_type(column)) for column in columns]
    schema = pyarrow.schema(
        [*fields, ("file_", pyarrow.string()), ("line_", pyarrow.string()), ("position_", pyarrow.int64())]
    )
    batches = (_batch(schema, columns, rows) for rows in accepted.batches())
    name = f"accepted_{id(accepted)}"
    engine.register(name, pyarrow.RecordBatchReader.from_batches(schema, batches))
    try:
        yield Scan(name, columns, file_column="file_", raw_column="line_", position_column="position_")
    finally:
        engine.unregister(name)


def _batch(schema: Any, columns: Sequence[ColumnSpec], rows: Sequence[AcceptedRow]) -> Any:
    import pyarrow

    values = [[row.values.get(column.name) for row in rows] for column in columns]
    values += [[row.file for row in rows], [row.raw for row in rows], [row.position for row in rows]]
    arrays = [pyarrow.array(each, type=field.type) for each, field in zip(values, schema, strict=True)]
    return pyarrow.RecordBatch.from_arrays(arrays, schema=schema)
