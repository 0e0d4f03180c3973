"""Nested tables as files that dlt takes into its load package: Parquet, with a mark for our normalizer."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MARK = b"pipeline_cli.nested"  # in the file's metadata: JSON with the root fields that hold JSON


class SpoolFolder:
    """Where the files stand until dlt has linked them into its package; emptied when it is opened and closed."""

    def __init__(self, folder: Path) -> None:
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
    def imported(self, table: Any, json_fields: frozenset[str]) -> Iterator[Any]:
        """An item for dlt that stands for the rows; it must have been taken into the package when this ends."""
        import dlt

        path = self._folder / f"{next(self._numbers)}.parquet"
        _write(table, json_fields, path)
        try:
            yield dlt.mark.with_file_import(str(path), "parquet", table.num_rows)
        finally:
            path.unlink(missing_ok=True)


def _write(table: Any, json_fields: frozenset[str], path: Path) -> None:
    import pyarrow.parquet

    mark = json.dumps(sorted(json_fields)).encode()
    pyarrow.parquet.write_table(
        table.replace_schema_metadata({MARK: mark}), path, compression="lz4", use_dictionary=False
    )


def read_file(path: str) -> tuple[Any, frozenset[str]] | None:
    """The nested table of a file, and the root fields that hold JSON; None for a file that is not ours."""
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        metadata: Mapping[bytes, bytes] = file.schema_arrow.metadata or {}
        if MARK not in metadata:
            return None
        return file.read(use_threads=False), frozenset(json.loads(metadata[MARK]))
