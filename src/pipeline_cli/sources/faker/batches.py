"""A table's rows in batches, made ahead of who reads them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future

import numpy as np
import pyarrow as pa

from pipeline_cli.sources.faker.columns import Batch, Table
from pipeline_cli.threads import start_thread

BATCH_ROWS = 65_536


def schema_of(table: Table) -> pa.Schema:
    return pa.schema([(name, column.type) for name, column in table.columns.items()])


def make_batch(table: Table, start: int, end: int) -> pa.RecordBatch:
    """The rows from `start` up to `end`, left out."""
    batch = Batch(table, np.arange(start, end, dtype=np.int64))
    return pa.RecordBatch.from_arrays([batch.column(name) for name in table.columns], schema=schema_of(table))


def read_batches(table: Table, batch_rows: int = BATCH_ROWS, ahead: int = 1) -> pa.RecordBatchReader:
    """All rows of a table, made while they are read.

    ahead: how many batches are in the making at a time, each in a thread; 0 for none. One is made while the
    warehouse writes the one before; two were seen to gain nothing over that on two cores.
    Memory: two batches and the pools, whatever the number of rows.
    """
    return pa.RecordBatchReader.from_batches(schema_of(table), _batches(table, batch_rows, ahead))


def _batches(table: Table, batch_rows: int, ahead: int) -> Iterator[pa.RecordBatch]:
    starts = iter(range(0, table.row_count, batch_rows))

    def begin(start: int) -> Future[pa.RecordBatch]:
        end = min(start + batch_rows, table.row_count)
        return start_thread(lambda: make_batch(table, start, end), f"faker-{table.name}")

    if ahead < 1 or table.row_count <= batch_rows:
        for start in starts:
            yield make_batch(table, start, min(start + batch_rows, table.row_count))
        return
    waiting = deque(begin(start) for _, start in zip(range(ahead), starts, strict=False))
    while waiting:
        done = waiting.popleft().result()
        following = next(starts, None)
        if following is not None:
            waiting.append(begin(following))
        yield done
