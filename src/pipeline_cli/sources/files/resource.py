"""One resource of a filesystem source: its files listed, the new ones read, group by group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline_cli.errors import SourceError
from pipeline_cli.manifest.files import FileFormat, FileResource, FilesystemSource, OnTrouble
from pipeline_cli.sources.files.again import ReadAgainError
from pipeline_cli.sources.files.listing import Listed, is_new
from pipeline_cli.sources.files.reading import Care, Reading, read_files
from pipeline_cli.sources.files.spool import content_hash, open_spool
from pipeline_cli.sources.files.storage import (
    EMPTY_FILE,
    MISSING_FOLDER,
    NO_FILES,
    NO_PERMISSION,
    Storage,
    open_storage,
)
from pipeline_cli.sources.scan import Known, Scan

if TYPE_CHECKING:
    from pipeline_cli.project import Project

_FORMATS: dict[str, FileFormat] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
}
_COMPRESSED = (".gz", ".zst", ".zstd")


class FilesResource:
    """A ColumnResource. notes: how files were found to be written; warnings: what `on_…: warn` tells."""

    def __init__(
        self, project: Project, source: str, entry: FilesystemSource, name: str, notes: list[str]
    ) -> None:
        self.name = name
        self.notes = notes
        self.warnings: list[str] = []
        self._project = project
        self._shown = f"{source}.{name}"
        self._entry = entry
        self._hints: FileResource = entry.resources[name]
        self._care = Care()
        self._reads_csv = False

    @contextmanager
    def scans(self, known: Known) -> Iterator[Iterator[Scan]]:
        """What is new; raises SourceError. Copies of files are gone on leaving."""
        with open_spool(self._project.state_dir) as spool:
            storage = open_storage(self._project, self._entry)
            reading = Reading(self._project, self._hints, known, storage, spool, self._care, self.notes)
            yield self._scans(known, storage, reading)

    def failed(self, error: Exception, scan: Scan) -> Exception:
        """What DuckDB's refusal of a scan stands for; a ReadAgainError means: roll back, take `scans` once more."""
        if isinstance(error, SourceError):
            return error
        names = [file.path for file in scan.files]
        shown = names[0] if len(names) == 1 else f"one of {len(names)} files"
        if self._reads_csv and not self._care.tolerant:
            self._care.tolerant = True
            return ReadAgainError(shown, "lines that cannot be read")
        first = str(error).strip().splitlines()[0]
        return SourceError(f"{self._shown}: {shown} cannot be read: {first}", code="E364")

    def _scans(self, known: Known, storage: Storage, reading: Reading) -> Iterator[Scan]:
        files = self._list(storage)
        kind = self._format(files)
        self._reads_csv = kind == "csv"
        new, hashes = self._choose_new(files, known, storage)
        empty = [file for file in new if not file.size_bytes]
        if empty:
            self._trouble(
                self._hints.on_empty_file,
                SourceError(
                    f"{self._shown}: {_some(empty)} {'is' if len(empty) == 1 else 'are'} empty: not one byte.",
                    code=EMPTY_FILE,
                    hint="Check what writes it, or set on_empty_file: ignore.",
                ),
            )
        is_read = False
        done = {file.path: file.version(hashes.get(file.path)) for file in new}
        for scan, read in read_files(reading, [file for file in new if file.size_bytes], kind):
            scan.files = [done[file.path] for file in read] + [done[file.path] for file in empty]
            empty = []
            is_read = True
            yield scan
        if (
            self._hints.write_disposition == "replace"
            and not is_read
            and (new or (known.files and not files))
        ):
            # What it is replaced with holds nothing, not even columns.
            yield Scan("(SELECT 1 LIMIT 0)", (), files=[done[file.path] for file in empty])

    def _list(self, storage: Storage) -> list[Listed]:
        glob = self._hints.file_glob or f"{self.name}*"
        try:
            files = storage.list_files(glob)
        except SourceError as error:
            on = {
                MISSING_FOLDER: self._hints.on_missing_folder,
                NO_PERMISSION: self._hints.on_no_permission,
            }.get(error.code, "fail")
            self._trouble(
                on, SourceError(f"{self._shown}: {error.message}", code=error.code, hint=error.hint)
            )
            return []
        if not files:
            self._trouble(
                self._hints.on_no_files,
                SourceError(
                    f"{self._shown}: no file in {storage.shown} matches {glob}.",
                    code=NO_FILES,
                    hint="Check file_glob, or set on_no_files: warn where that is normal.",
                ),
            )
        return files

    def _format(self, files: Sequence[Listed]) -> FileFormat:
        if self._hints.format is not None:
            return self._hints.format
        found = {format_of(file.path): file.path for file in files}
        unknown = found.pop(None, None)
        if unknown is not None:
            raise SourceError(
                f"{self._shown}: the name of {unknown} does not say what it is.",
                code="E368",
                hint="Set format: csv, jsonl or parquet, or narrow file_glob.",
            )
        if len(found) > 1:
            raise SourceError(
                f"{self._shown}: its files are of several formats: {', '.join(sorted(found.values()))}.",
                code="E368",
                hint="Narrow file_glob, and make it one resource for each format.",
            )
        return next(iter(found), None) or "csv"

    def _choose_new(
        self, files: Sequence[Listed], known: Known, storage: Storage
    ) -> tuple[list[Listed], dict[str, str]]:
        """The files to read, and the contents' hashes where asked for.

        A table that is replaced is read whole, as soon as one file is new, changed or gone.
        """
        by = self._hints.incremental_by
        if by == "hash":
            hashes = {}
            for file in files:
                with storage.open(file) as content:
                    hashes[file.path] = content_hash(content)
            known_hashes = {path: version.content_hash for path, version in known.files.items()}
            new = [file for file in files if known_hashes.get(file.path) != hashes[file.path]]
        else:
            hashes, new = {}, [file for file in files if is_new(file, known, by)]
        if self._hints.write_disposition == "replace" and (
            new or known.files.keys() - {f.path for f in files}
        ):
            return list(files), hashes
        return new, hashes

    def _trouble(self, on: OnTrouble, error: SourceError) -> None:
        if on == "fail":
            raise error
        if on == "warn":
            self.warnings.append(error.message)


def format_of(path: str) -> FileFormat | None:
    """By the name's end: a.csv.gz is csv."""
    name = path.lower()
    for ending in _COMPRESSED:
        name = name.removesuffix(ending)
    return next((kind for ending, kind in _FORMATS.items() if name.endswith(ending)), None)


def _some(files: Sequence[Listed]) -> str:
    return files[0].path if len(files) == 1 else f"{files[0].path} and {len(files) - 1} more"
