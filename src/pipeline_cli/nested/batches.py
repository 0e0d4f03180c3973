"""The nested tables of a package, several files at once: what is asked of dlt for a table is asked once for all."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from pipeline_cli.nested.pages import SpooledPage
from pipeline_cli.nested.spool import open_page
from pipeline_cli.nested.whole import Places
from pipeline_cli.threads import start_thread

_BATCH_BYTES = 8 << 20  # in memory


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that are alike. whole: the places that hold JSON."""

    nested: Any
    whole: Places


class NestedBatches:
    """The files of one table in one package, which dlt asks for in no order. Memory: two batches."""

    def __init__(self, packages: Any, load_id: str) -> None:
        """packages: dlt's storage of extracted packages."""
        self._packages = packages
        self._load_id = load_id
        self._taken: set[str] = set()

    def is_taken(self, file: str) -> bool:
        """Whether the file came with those of another."""
        return file in self._taken

    def is_ours(self, file: str) -> bool:
        """Whether the file, by its path in the storage, holds a page."""
        with open_page(self._packages.storage.make_full_path(file)) as found:
            return found is not None

    def take_all(self, file: str, done: Container[str]) -> Iterator[Batch]:
        """The rows of this file and of all others of its table; the next are read while some are worked on.

        file: its path in the storage. done: keys of pages to leave out.
        """
        table = _table_of(file)
        jobs = sorted(self._packages.list_new_jobs(self._load_id))
        batches = alike(self._read([job for job in jobs if _table_of(job) == table], done))
        ahead = start_thread(lambda: next(batches, None), "nested")
        while (batch := ahead.result()) is not None:
            ahead = start_thread(lambda: next(batches, None), "nested")
            yield batch

    def _read(self, files: Iterable[str], done: Container[str]) -> Iterator[SpooledPage]:
        for file in files:
            with open_page(self._packages.storage.make_full_path(file)) as found:
                if found is None:
                    continue
                self._taken.add(file)
                page = None if found.key in done else found.read()
            if page is not None:
                yield page


def alike(pages: Iterable[SpooledPage]) -> Iterator[Batch]:
    """The pages in batches, in their order."""
    import pyarrow

    tables: list[Any] = []
    whole: Places = {}
    for page in pages:
        is_other = bool(tables) and not (page.table.schema.equals(tables[0].schema) and page.whole == whole)
        if is_other or sum(each.nbytes for each in tables) >= _BATCH_BYTES:
            yield Batch(pyarrow.concat_tables(tables), whole)
            tables = []
        tables.append(page.table)
        whole = page.whole
    if tables:
        yield Batch(pyarrow.concat_tables(tables), whole)


def _table_of(file: str) -> str:
    return PurePath(file).name.split(".", 1)[0]
