"""Rows that the judge accepted although they were not certainly fine, as one more scan: of typed values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline_cli.bulk.spool import Spool
from pipeline_cli.bulk.sql_types import arrow_type
from pipeline_cli.sources.scan import ColumnSpec, Scan


def accepted_scan(scan: Scan, accepted: Spool, engine: Any) -> Iterator[Scan]:
    """A scan of the accepted rows of `scan`, registered with the engine while it is used; none without rows."""
    if not accepted.count:
        return
    import pyarrow

    columns = [replace(column, source=column.name, encoding="typed") for column in scan.columns]
    schema = pyarrow.schema([(column.name, arrow_type(column)) for column in columns])
    batches = (_batch(schema, columns, rows) for rows in accepted.batches())
    name = f"accepted_{id(accepted)}"
    engine.register(name, pyarrow.RecordBatchReader.from_batches(schema, batches))
    try:
        yield Scan(relation=name, columns=columns)
    finally:
        engine.unregister(name)


def _batch(schema: Any, columns: Sequence[ColumnSpec], rows: Sequence[Mapping[str, Any]]) -> Any:
    import pyarrow

    arrays = [
        pyarrow.array([row.get(column.name) for row in rows], type=field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
    return pyarrow.RecordBatch.from_arrays(arrays, schema=schema)
