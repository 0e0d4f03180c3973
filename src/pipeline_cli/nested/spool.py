"""Nested tables as files that dlt takes into its load package.

They are named as Parquet, by which dlt's normalize step finds our normalizer, but hold Arrow's own format: Parquet
knows no object without fields, and takes twice the time. What they hold is read by nobody else.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from pipeline_cli.nested.ahead import Ahead
from pipeline_cli.nested.pages import SpooledPage
from pipeline_cli.nested.whole import Places

# In the schema's metadata: the places that hold JSON (whole.py), and the page's key.
_WHOLE = b"pipeline_cli.nested"
_KEY = b"pipeline_cli.page"
FEWEST = 50  # records: fewer cost less as rows than as a file


class SpoolFolder:
    """Where the files stand until dlt has linked them into its package; emptied when it is opened and closed."""

    def __init__(self, folder: Path, fewest: int = FEWEST, ahead: Ahead | None = None) -> None:
        """fewest: pages with fewer records are loaded as rows. ahead: what else is given them."""
        self.fewest = fewest
        self._folder = folder
        self._ahead = ahead

    @contextmanager
    def opened(self) -> Iterator[SpoolFolder]:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        try:
            yield self
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def imported(self, name: str, table: Any, whole: Places) -> Iterator[Any]:
        """An item for dlt that stands for the rows; it must have been taken into the package when this ends.

        name: of the table that they go to.
        """
        import dlt

        page = SpooledPage(uuid4().hex, table, whole)
        path = self._folder / f"{page.key}.parquet"
        _write(page, path)
        if self._ahead is not None:
            self._ahead.add(name, page)
        try:
            yield dlt.mark.with_file_import(str(path), "parquet", table.num_rows)
        finally:
            path.unlink(missing_ok=True)


def _write(page: SpooledPage, path: Path) -> None:
    import pyarrow

    marks = {_WHOLE: json.dumps(page.whole).encode(), _KEY: page.key.encode()}
    marked = page.table.replace_schema_metadata(marks)
    options = pyarrow.ipc.IpcWriteOptions(compression="lz4")
    with (
        pyarrow.OSFile(str(path), "wb") as file,
        pyarrow.ipc.new_file(file, marked.schema, options=options) as out,
    ):
        out.write_table(marked)


class PageFile:
    """An open file of ours. key: its page's; empty in files of our earlier versions."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self._marks = reader.schema.metadata
        self.key: str = self._marks.get(_KEY, b"").decode()

    def read(self) -> SpooledPage:
        table = self._reader.read_all().replace_schema_metadata(None)
        return SpooledPage(self.key, table, json.loads(self._marks[_WHOLE]))


@contextmanager
def open_page(path: str) -> Iterator[PageFile | None]:
    """The file at the path, where it holds a page; None where it is not ours."""
    import pyarrow

    with pyarrow.OSFile(path, "rb") as file:
        try:
            reader = pyarrow.ipc.open_file(file)
        except pyarrow.ArrowInvalid:
            reader = None
        is_ours = reader is not None and _WHOLE in (reader.schema.metadata or {})
        yield PageFile(reader) if is_ours else None
