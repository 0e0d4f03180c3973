"""Nested tables as files that dlt takes into its load package.

They are named as Parquet, by which dlt's normalize step finds our normalizer, but hold Arrow's own format: Parquet
knows no object without fields, and takes twice the time. What they hold is read by nobody else.
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline_cli.nested.whole import Places

MARK = b"pipeline_cli.nested"  # in the schema's metadata: the places that hold JSON (whole.py)
FEWEST = 50  # records: fewer cost less as rows than as a file


class SpoolFolder:
    """Where the files stand until dlt has linked them into its package; emptied when it is opened and closed."""

    def __init__(self, folder: Path, fewest: int = FEWEST) -> None:
        """fewest: pages with fewer records are loaded as rows."""
        self.fewest = fewest
        self._folder = folder
        self._numbers = itertools.count()

    @contextmanager
    def opened(self) -> Iterator[SpoolFolder]:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        try:
            yield self
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def imported(self, table: Any, whole: Places) -> Iterator[Any]:
        """An item for dlt that stands for the rows; it must have been taken into the package when this ends."""
        import dlt

        path = self._folder / f"{next(self._numbers)}.parquet"
        _write(table, whole, path)
        try:
            yield dlt.mark.with_file_import(str(path), "parquet", table.num_rows)
        finally:
            path.unlink(missing_ok=True)


def _write(table: Any, whole: Places, path: Path) -> None:
    import pyarrow

    marked = table.replace_schema_metadata({MARK: json.dumps(whole).encode()})
    options = pyarrow.ipc.IpcWriteOptions(compression="lz4")
    with (
        pyarrow.OSFile(str(path), "wb") as file,
        pyarrow.ipc.new_file(file, marked.schema, options=options) as out,
    ):
        out.write_table(marked)


def read_file(path: str) -> tuple[Any, Places] | None:
    """The nested table of a file, and the places that hold JSON; None for a file that is not ours."""
    import pyarrow

    with pyarrow.OSFile(path, "rb") as file:
        try:
            reader = pyarrow.ipc.open_file(file)
        except pyarrow.ArrowInvalid:
            return None
        metadata: Mapping[bytes, bytes] = reader.schema.metadata or {}
        return (reader.read_all(), json.loads(metadata[MARK])) if MARK in metadata else None
