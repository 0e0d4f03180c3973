"""From new files to scans: opened, grouped by how they are written, their columns typed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pipeline_cli.contracts.contract import Contract
from pipeline_cli.manifest.files import Csv, FileFormat, FileResource
from pipeline_cli.sources.column_types import column_name, declared_type
from pipeline_cli.sources.files.listing import Listed
from pipeline_cli.sources.scan import ColumnSpec, Encoding, Known, Malformed, Scan

if TYPE_CHECKING:
    from pipeline_cli.project import Project
    from pipeline_cli.sources.column_types import ColumnType
    from pipeline_cli.sources.files.spool import Spool
    from pipeline_cli.sources.files.storage import Storage

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

# One scan reads so many small files; a large one is read alone.
_MOST_FILES, _MOST_BYTES, _LARGE_BYTES = 1000, 256 << 20, 64 << 20


@dataclass(slots=True)
class LocalFile:
    """A file where DuckDB reads it: in its place, or in the spool. left_out: lines that the copy has not.

    one_thread: it has to be read by one thread alone.
    """

    listed: Listed
    place: Path
    is_copy: bool = False
    left_out: list[Malformed] = field(default_factory=list)
    one_thread: bool = False


@dataclass(slots=True)
class Care:
    """How a resource's CSV files are read; what one reading finds out, the next one knows.

    tolerant: lines that are malformed are left out and told; without it the whole file is refused, and known to
    be read rightly. by_line: paths of files whose records are split in Python.
    """

    tolerant: bool = False
    by_line: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Reading:
    """One reading of a resource's new files."""

    project: Project
    hints: FileResource
    known: Known
    storage: Storage
    spool: Spool
    care: Care
    notes: list[str]

    @cached_property
    def contract(self) -> Contract | None:
        path = self.hints.contract
        return Contract.read(self.project.resolve(path), path) if path else None

    @cached_property
    def said(self) -> Csv:
        return self.hints.csv or Csv()

    @cached_property
    def known_names(self) -> frozenset[str]:
        """The names, normalized, that the columns have as far as anybody has said."""
        said = [*self.hints.columns, *(path[0] for path in self._contract_paths())]
        return frozenset((*map(column_name, said), *self.known.columns))

    def _contract_paths(self) -> Iterable[tuple[str, ...]]:
        properties = (self.contract.schema.get("properties") or {}) if self.contract else {}
        return ((name,) for name in properties)

    def declared(self, names: Iterable[str]) -> dict[str, tuple[ColumnType, bool]]:
        """The types that somebody has said, and whether it was the project; by source name."""
        said = {name: declared_type(name, self.hints, self.contract, self.known) for name in names}
        return {name: found for name, found in said.items() if found is not None}

    def specs(
        self, names: Sequence[str], found: Mapping[str, ColumnType], encoding: Encoding
    ) -> list[ColumnSpec]:
        """The columns, typed by what is said, else by what was found, else as text."""
        said = self.declared(names)
        specs = []
        for name in names:
            data_type, is_declared = said.get(name) or (found.get(name, ("text", None, None)), False)
            specs.append(
                ColumnSpec(
                    name,
                    column_name(name),
                    *data_type,
                    encoding=encoding,
                    date_format=self.said.date_format if data_type[0] == "date" else None,
                    timestamp_format=self.said.timestamp_format if data_type[0] == "timestamp" else None,
                    is_declared=is_declared,
                )
            )
        return specs

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def verify(self, files: Sequence[LocalFile]) -> None:
        """Raise SourceError when one of the files that were read in their place is another by now."""
        for file in files:
            if not file.is_copy:
                self.storage.check_unchanged(file.listed)

    def release(self, files: Sequence[LocalFile]) -> None:
        for file in files:
            self.spool.drop(file.place)


def read_files(
    reading: Reading, files: Sequence[Listed], kind: FileFormat
) -> Iterator[tuple[Scan, list[Listed]]]:
    """Each scan with the files that it reads."""
    if not files:
        return
    if kind == "csv":
        from pipeline_cli.sources.files.csv_reading import csv_scans

        yield from csv_scans(reading, files)
    elif kind == "jsonl":
        from pipeline_cli.sources.files.jsonl_reading import jsonl_scans

        yield from jsonl_scans(reading, files)
    else:
        from pipeline_cli.sources.files.parquet_reading import parquet_scans

        yield from parquet_scans(reading, files)


def open_all(
    reading: Reading, files: Sequence[Listed], open_one: Callable[[Reading, Listed], T]
) -> Iterator[T]:
    """The files opened, in their order; those of a bucket several at a time."""
    if reading.storage.parallel == 1:
        yield from (open_one(reading, file) for file in files)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(reading.storage.parallel) as threads:
        try:
            yield from threads.map(partial(open_one, reading), files)
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise


def grouped(reading: Reading, opened: Iterable[tuple[K, LocalFile]]) -> list[tuple[K, list[LocalFile]]]:
    """Files that are alike together, in lists of a bounded size.

    Where rows replace one another, the files stay in their order: of two versions of a record the later counts.
    """
    is_ordered = reading.hints.write_disposition in ("merge", "scd2")
    groups: list[tuple[K, list[LocalFile]]] = []
    places: dict[K, int] = {}
    for kind, file in opened:
        place = places.get(kind)
        if place is None or (is_ordered and place != len(groups) - 1):
            places[kind] = place = len(groups)
            groups.append((kind, []))
        groups[place][1].append(file)
    return [(kind, batch) for kind, group in groups for batch in batches(group, is_ordered=is_ordered)]


def batches(files: Sequence[LocalFile], *, is_ordered: bool = False) -> Iterator[list[LocalFile]]:
    """Files in lists of a bounded number and size; a large one stands alone."""
    batch: list[LocalFile] = []
    size_bytes = 0
    for file in files:
        size = file.listed.size_bytes
        if size >= _LARGE_BYTES:
            if batch and is_ordered:
                yield batch
                batch, size_bytes = [], 0
            yield [file]
            continue
        if len(batch) >= _MOST_FILES or size_bytes + size > _MOST_BYTES:
            yield batch
            batch, size_bytes = [], 0
        batch.append(file)
        size_bytes += size
    if batch:
        yield batch
