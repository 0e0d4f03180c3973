"""The nested tables of a package, several files at once: what is asked of dlt for a table is asked once for all."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from pipeline_cli.nested.spool import read_file
from pipeline_cli.nested.whole import Places

_BATCH_BYTES = 16 << 20  # in memory


class NestedBatches:
    """The files of one table in one package. Memory: a batch, and the file after it."""

    def __init__(self, packages: Any, load_id: str) -> None:
        """packages: dlt's storage of extracted packages."""
        self._packages = packages
        self._load_id = load_id
        self._taken: set[str] = set()
        self._next: tuple[str, tuple[Any, Places] | None] | None = None

    def is_taken(self, file: str) -> bool:
        """Whether the file came with the batch of another."""
        return file in self._taken

    def take(self, file: str) -> tuple[Any, Places] | None:
        """The rows of this file and of others that are alike, and the places that hold JSON.

        file: its path in the storage. None for a file that is not ours.
        """
        import pyarrow

        self._taken.add(file)
        first = self._read(file)
        if first is None:
            return None
        tables, size = [first[0]], first[0].nbytes
        for other in self._others(file):
            if size >= _BATCH_BYTES:
                break
            found = self._read(other)
            if found is None or not found[0].schema.equals(first[0].schema, check_metadata=True):
                self._next = (other, found)
                break
            self._taken.add(other)
            tables.append(found[0])
            size += found[0].nbytes
        return pyarrow.concat_tables(tables), first[1]

    def _others(self, file: str) -> list[str]:
        """The table's files that have not been taken; dlt asks for them in no order."""
        table = _table_of(file)
        jobs = sorted(self._packages.list_new_jobs(self._load_id))
        return [job for job in jobs if _table_of(job) == table and job not in self._taken]

    def _read(self, file: str) -> tuple[Any, Places] | None:
        if self._next is not None and self._next[0] == file:
            _, found = self._next
            self._next = None
            return found
        return read_file(self._packages.storage.make_full_path(file))


def _table_of(file: str) -> str:
    return PurePath(file).name.split(".", 1)[0]
