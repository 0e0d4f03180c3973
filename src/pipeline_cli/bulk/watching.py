"""While a statement runs: how far it is, and whether somebody wants it stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pipeline_cli.progress import Progress, TellProgress
from pipeline_cli.sources.scan import Scan

_POLL_S = 0.3


class Watcher:
    """Tells the progress of one resource over its scans. `records`: those of the scans before, then so far."""

    def __init__(self, resource: str, tell: TellProgress, cancelled: threading.Event) -> None:
        self._resource = resource
        self._tell = tell
        self._cancelled = cancelled
        self._bytes_before = 0
        self.records = 0

    @contextmanager
    def watch(self, engine: Any, scan: Scan) -> Iterator[Callable[[int], None]]:
        """Inside, `engine` reads `scan`; it is interrupted when the run is. Gives what counts rows that are read."""
        read = [0]

        def count(rows: int) -> None:
            read[0] += rows

        done = threading.Event()
        thread = threading.Thread(target=self._poll, args=(engine, scan, read, done), daemon=True)
        thread.start()
        try:
            yield count
        finally:
            done.set()
            thread.join()
            self._bytes_before += scan.size_bytes or 0

    def _poll(self, engine: Any, scan: Scan, read: list[int], done: threading.Event) -> None:
        self._report(scan, 0.0, read[0])
        while not done.wait(_POLL_S):
            if self._cancelled.is_set():
                engine.interrupt()
            share = 0.0
            with suppress(Exception):  # a connection between two statements has no progress to tell
                share = max(float(engine.query_progress()), 0.0) / 100
            self._report(scan, share, read[0])

    def _report(self, scan: Scan, share: float, read: int) -> None:
        size = scan.size_bytes
        self._tell(
            Progress(
                self._resource,
                self.records + read,
                None if size is None else self._bytes_before + int(share * size),
                None if size is None else self._bytes_before + size,
                scan.row_count,
            )
        )


def counted(reader: Any, count: Callable[[int], None]) -> Any:
    """An Arrow reader that tells of each batch that is taken from it."""
    import pyarrow

    def batches() -> Iterator[Any]:
        for batch in reader:
            count(batch.num_rows)
            yield batch

    return pyarrow.RecordBatchReader.from_batches(reader.schema, batches())
