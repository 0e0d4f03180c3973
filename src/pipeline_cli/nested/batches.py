"""The nested tables of a package, several files at once: what is asked of dlt for a table is asked once for all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from pipeline_cli.nested.spool import read_file
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

    def take_all(self, file: str) -> Iterator[Batch] | None:
        """The rows of this file and of all others of its table; the next are read while some are worked on.

        file: its path in the storage. None for a file that is not ours; such others are left out.
        """
        if self._read(file) is None:
            return None
        table = _table_of(file)
        jobs = sorted(self._packages.list_new_jobs(self._load_id))
        return self._batches([job for job in jobs if _table_of(job) == table])

    def _batches(self, files: list[str]) -> Iterator[Batch]:
        alike = self._alike(files)
        ahead = start_thread(lambda: next(alike, None), "nested")
        while (batch := ahead.result()) is not None:
            ahead = start_thread(lambda: next(alike, None), "nested")
            yield batch

    def _alike(self, files: list[str]) -> Iterator[Batch]:
        import pyarrow

        tables: list[Any] = []
        whole: Places = {}
        for file in files:
            found = self._read(file)
            if found is None:
                continue
            self._taken.add(file)
            table, places = found
            is_other = bool(tables) and not table.schema.equals(tables[0].schema, check_metadata=True)
            if is_other or sum(each.nbytes for each in tables) >= _BATCH_BYTES:
                yield Batch(pyarrow.concat_tables(tables), whole)
                tables = []
            tables.append(table)
            whole = places
        if tables:
            yield Batch(pyarrow.concat_tables(tables), whole)

    def _read(self, file: str) -> tuple[Any, Places] | None:
        return read_file(self._packages.storage.make_full_path(file))


def _table_of(file: str) -> str:
    return PurePath(file).name.split(".", 1)[0]
