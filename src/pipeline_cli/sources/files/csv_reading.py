"""CSV files: opened, made UTF-8 where they are not, grouped by their dialect, typed, scanned."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline_cli.errors import SourceError
from pipeline_cli.sources.files.again import ReadAgainError
from pipeline_cli.sources.files.compression import check_archive, compression_of
from pipeline_cli.sources.files.csv_scan import BUFFERS_MB, CsvRelation
from pipeline_cli.sources.files.dialect import SAMPLE_BYTES, Dialect, find_dialect
from pipeline_cli.sources.files.examine import Examined, examine
from pipeline_cli.sources.files.inference import Seen, add_types
from pipeline_cli.sources.files.listing import Listed
from pipeline_cli.sources.files.locate import locate_records
from pipeline_cli.sources.files.reading import LocalFile, Reading, grouped, open_all
from pipeline_cli.sources.scan import Malformed, Scan

if TYPE_CHECKING:
    from pipeline_cli.sources.column_types import ColumnType

Group = tuple[Dialect, list[LocalFile]]


def csv_scans(reading: Reading, files: Sequence[Listed]) -> Iterator[tuple[Scan, list[Listed]]]:
    """One scan for each batch of files that are written alike, with the files that it reads."""
    groups = _open_all(reading, files)
    found = _find_types(reading, groups)
    for dialect, batch in groups:
        specs = reading.specs(dialect.names, found, "text")
        relation = _relation(reading, batch, dialect)
        scan = Scan(
            relation.sql({spec.source: spec.data_type for spec in specs}),
            specs,
            file_column=relation.file_sql(),
            size_bytes=sum(file.listed.size_bytes for file in batch),
            buffers_mb=BUFFERS_MB,
            malformed=partial(_malformed, reading, relation),
            locate=partial(locate_records, relation, specs),
            verify=partial(reading.verify, batch),
        )
        yield scan, [file.listed for file in batch]
        reading.release(batch)


def _malformed(reading: Reading, relation: CsvRelation, connection: Any) -> list[Malformed]:
    """The lines that were left out. Raises ReadAgainError, once for a file, where others were lost with them."""
    try:
        return relation.malformed(connection)
    except ReadAgainError as error:
        if error.path in reading.care.by_line:
            raise SourceError(
                f"{error.path} cannot be read: quotes do not match.",
                code="E364",
                hint='Check csv: {quote: ...}; quote: "" where quotes are ordinary characters.',
            ) from error
        reading.care.by_line.add(error.path)
        raise


def _open_all(reading: Reading, files: Sequence[Listed]) -> list[Group]:
    notes: dict[str, list[str]] = {}
    opened = []
    for file, dialect in open_all(reading, files, open_csv):
        opened.append((replace(dialect, encoding="utf-8", mixed=False), file))
        notes.setdefault(dialect.describe(), []).append(file.listed.path)
    for described, paths in notes.items():
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        reading.note(f"{paths[0]}{more}: {described}")
    return grouped(reading, opened)


def open_csv(reading: Reading, listed: Listed) -> tuple[LocalFile, Dialect]:
    """A file where DuckDB can read it, and its dialect. A local one in plain UTF-8 stays in its place."""
    head = b""
    if reading.storage.is_local:
        with reading.storage.open(listed) as stored:
            head = stored.read(SAMPLE_BYTES)
    file = LocalFile(listed, Path(listed.address))
    if not reading.storage.is_local or compression_of(head):
        file = LocalFile(listed, reading.spool.fetch(reading.storage, listed), is_copy=True)
        with file.place.open("rb") as copy:
            head = copy.read(SAMPLE_BYTES)
    check_archive(head, listed.path)
    whole = len(head) < SAMPLE_BYTES
    dialect = find_dialect(head, reading.said, listed.path, reading.known_names, whole)
    if codecs.lookup(dialect.encoding).name not in ("utf-8", "utf-8-sig", "ascii"):
        _replace(reading, file, reading.spool.transcode(file.place, listed, dialect.encoding))
    _take_care(reading, file, dialect)
    return file, dialect


def _take_care(reading: Reading, file: LocalFile, dialect: Dialect) -> None:
    """Mend a file that DuckDB would read wrongly, and see whether it may be read by several threads."""
    by_line = dialect.mixed or file.listed.path in reading.care.by_line
    if not (by_line or reading.care.tolerant):
        return
    found = Examined() if by_line else examine(file.place, dialect.quote, dialect.escape)
    if by_line or found.mixed_ends or found.open_quote:
        _mend(reading, file, dialect)
        reading.care.by_line.add(file.listed.path)
        found = examine(file.place, dialect.quote, dialect.escape)
    file.one_thread = found.quoted_ends


def _mend(reading: Reading, file: LocalFile, dialect: Dialect) -> None:
    """Put a copy in the file's place that has no open quotes and one kind of line end."""
    place, left_out = reading.spool.mend(file.place, file.listed, dialect)
    _replace(reading, file, place)
    file.left_out = left_out


def _replace(reading: Reading, file: LocalFile, place: Path) -> None:
    if file.is_copy:
        reading.spool.drop(file.place)
    else:
        reading.storage.check_unchanged(file.listed)
    file.place, file.is_copy = place, True


def _relation(reading: Reading, files: Sequence[LocalFile], dialect: Dialect) -> CsvRelation:
    return CsvRelation(files, dialect, reading.said, tolerant=reading.care.tolerant)


def _find_types(reading: Reading, groups: Sequence[Group]) -> Mapping[str, ColumnType]:
    """The types of the columns that nobody has typed, from all of the files."""
    names = {name for dialect, _ in groups for name in dialect.names}
    untyped = names - reading.declared(names).keys()
    if not untyped:
        return {}
    import duckdb

    seen: dict[str, Seen] = {}
    with duckdb.connect() as connection:
        for dialect, files in groups:
            _look(reading, connection, dialect, files, untyped, seen)
    return {name: found.column_type() for name, found in seen.items()}


def _look(
    reading: Reading,
    connection: Any,
    dialect: Dialect,
    files: Sequence[LocalFile],
    untyped: set[str],
    seen: dict[str, Seen],
) -> None:
    """Look at all of a group's values; what is learnt here about its files is known when they are loaded."""
    import duckdb

    relation = _relation(reading, files, dialect)
    columns = {name: relation.number_sql(name) for name in dialect.names if name in untyped}
    try:
        add_types(connection, relation.sql({}), columns, reading.said, seen)
        relation.malformed(connection)
        return
    except duckdb.Error:
        if reading.care.tolerant:
            raise
        reading.care.tolerant = True
        careless = list(files)
    except ReadAgainError as error:
        if error.path in reading.care.by_line:
            raise
        reading.care.by_line.add(error.path)
        careless = [file for file in files if file.listed.path == error.path]
    for file in careless:
        _take_care(reading, file, dialect)
    _look(reading, connection, dialect, files, untyped, seen)
