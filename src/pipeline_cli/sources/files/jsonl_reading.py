"""JSON Lines files: opened, their fields found, typed, scanned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline_cli.destinations.duckdb_loading import READER_BUFFERS_MB
from pipeline_cli.errors import SourceError
from pipeline_cli.sources.files.compression import check_archive, compression_of
from pipeline_cli.sources.files.dialect import SAMPLE_BYTES
from pipeline_cli.sources.files.encoding import find_encoding
from pipeline_cli.sources.files.inference import few
from pipeline_cli.sources.files.json_types import add_json_types, json_column_types
from pipeline_cli.sources.files.jsonl_scan import JsonLines
from pipeline_cli.sources.files.listing import Listed
from pipeline_cli.sources.files.reading import LocalFile, Reading, grouped, open_all
from pipeline_cli.sources.files.sql import FILE, LINE
from pipeline_cli.sources.scan import Scan

if TYPE_CHECKING:
    from pipeline_cli.sources.column_types import ColumnType
    from pipeline_cli.sources.files.inference import Seen


def jsonl_scans(reading: Reading, files: Sequence[Listed]) -> Iterator[tuple[Scan, list[Listed]]]:
    """One scan for each batch of files, with the files that it reads."""
    opened = ((None, file) for file in open_all(reading, files, open_jsonl))
    batched = [JsonLines(batch) for _, batch in grouped(reading, opened)]
    found = _look(reading, batched)
    reading.note(f"{files[0].path}{f' and {len(files) - 1} more' if len(files) > 1 else ''}: JSON Lines")
    for lines in batched:
        if lines.names:
            yield _scan(reading, lines, found), [file.listed for file in lines.files]
        else:
            yield _scan_of_nothing(lines), [file.listed for file in lines.files]
        reading.release(lines.files)


def open_jsonl(reading: Reading, listed: Listed) -> LocalFile:
    """A file of lines in UTF-8 where DuckDB can read it; a local one that is that stays in its place."""
    file = LocalFile(listed, Path(listed.address))
    head = b""
    if reading.storage.is_local:
        with reading.storage.open(listed) as stored:
            head = stored.read(SAMPLE_BYTES)
    if not reading.storage.is_local or compression_of(head):
        file = LocalFile(listed, reading.spool.fetch(reading.storage, listed), is_copy=True)
        with file.place.open("rb") as copy:
            head = copy.read(SAMPLE_BYTES)
    check_archive(head, listed.path)
    encoding = find_encoding(head)
    if encoding.startswith(("utf-16", "utf-32")):
        _replace(reading, file, reading.spool.transcode(file.place, listed, encoding))
    elif head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
        raise SourceError(
            f"{listed.path} is one JSON list, not JSON Lines.",
            code="E364",
            hint="Write one object a line: jq -c '.[]' does that.",
        )
    return file


def _replace(reading: Reading, file: LocalFile, place: Path) -> None:
    reading.release([file] if file.is_copy else [])
    file.place, file.is_copy = place, True


def _look(reading: Reading, batched: Sequence[JsonLines]) -> Mapping[str, ColumnType]:
    """Read everything once for the fields; the types of those that nobody has typed."""
    import duckdb

    seen: dict[str, Seen] = {}
    with closing(duckdb.connect()) as connection:
        for lines in batched:
            _look_once(reading, lines, connection)
            lines.malformed_now(connection)
        names = {name for lines in batched for name in lines.names}
        untyped = names - reading.declared(names).keys()
        for lines in batched:
            for name, table in lines.objects().items():
                connection.register(name, table)
            for part in few([name for name in lines.names if name in untyped]):
                add_json_types(connection, lines.sql(part), part, seen)
            lines.malformed_now(connection)
    return json_column_types(seen)


def _look_once(reading: Reading, lines: JsonLines, connection: Any) -> None:
    import duckdb

    try:
        lines.look(connection)
    except duckdb.InvalidInputException as error:
        if "state machine" not in str(error):
            raise
        for file in lines.files:  # line ends of several kinds
            _replace(reading, file, reading.spool.one_line_end(file.place, file.listed))
        lines.files_changed()
        lines.look(connection)


def _scan(reading: Reading, lines: JsonLines, found: Mapping[str, ColumnType]) -> Scan:
    relation, objects = lines.sql(), lines.objects()
    return Scan(
        relation,
        reading.specs(lines.names, found, "json"),
        objects=objects,
        file_column=FILE,
        raw_column=LINE,
        size_bytes=sum(file.listed.size_bytes for file in lines.files),
        buffers_mb=0 if objects else READER_BUFFERS_MB,
        malformed=lines.malformed,
        locate=lines.locate,
        verify=partial(reading.verify, lines.files),
    )


def _scan_of_nothing(lines: JsonLines) -> Scan:
    """Files without one field: what they hold is malformed, or nothing."""
    return Scan("(SELECT 1 WHERE false)", [], malformed=lines.malformed)
