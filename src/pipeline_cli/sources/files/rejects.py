"""The lines that read_csv left out: what DuckDB's reject tables say, with the line's number and its text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from pipeline_cli.destinations.base import literal
from pipeline_cli.sources.files.again import ReadAgainError
from pipeline_cli.sources.files.reading import LocalFile
from pipeline_cli.sources.files.sql import FILE, literals
from pipeline_cli.sources.scan import Malformed

_SERIAL = count(1)
_TRUNCATED = 10_000  # DuckDB keeps no more of a line
_LONGEST_RAW = 1 << 20
_PROBLEMS = {
    "UNQUOTED VALUE": "a quote is not closed, or text follows a closed one",
    "INVALID ENCODING": "bytes that are not UTF-8",
}


class Rejects:
    """The reject tables of one relation: names of its own, since connections are shared."""

    def __init__(self, files: Sequence[LocalFile]) -> None:
        serial = next(_SERIAL)
        self._table, self._scans = f"pipeline_cli_rejects_{serial}", f"pipeline_cli_files_{serial}"
        self._shown = {str(file.place): file.listed.path for file in files}

    def options(self) -> dict[str, str]:
        """For read_csv."""
        return {
            "store_rejects": "true",
            "rejects_table": literal(self._table),
            "rejects_scan": literal(self._scans),
            "rejects_limit": "0",
        }

    def malformed(self, connection: Any) -> list[Malformed]:
        """The lines left out; asked again there are none.

        Raises ReadAgainError when good lines were lost with a bad one: an open quote takes all that follows.
        """
        by_place: dict[str, list[tuple[int, str, str]]] = {}
        for place, position, kind, message, text in self._take(connection):
            if kind == "UNQUOTED VALUE" and _is_several_lines(text):
                raise ReadAgainError(self._shown[place], "a quote that is opened and never closed")
            problem = _PROBLEMS.get(str(kind)) or str(message).splitlines()[0]
            by_place.setdefault(place, []).append((position - 1, problem, text or ""))
        return [
            line
            for place, rejects in by_place.items()
            for line in _with_lines(place, self._shown[place], rejects)
        ]

    def _take(self, connection: Any) -> list[tuple[Any, ...]]:
        """File, byte position from 1, kind, message and text of each line left out; the tables are gone then."""
        there = f"SELECT 1 FROM duckdb_tables() WHERE table_name = {literal(self._table)}"
        if not connection.execute(there).fetchall():
            return []  # nothing was read to its end
        rows: list[tuple[Any, ...]] = connection.execute(
            f"""SELECT any_value(s.file_path), r.line_byte_position, min_by(r.error_type, r.byte_position),
                    min_by(r.error_message, r.byte_position), any_value(r.csv_line)
                FROM {self._table} r JOIN {self._scans} s USING (scan_id, file_id)
                GROUP BY r.scan_id, r.file_id, r.line_byte_position ORDER BY ALL"""
        ).fetchall()
        for table in (self._table, self._scans):
            connection.execute(f"DROP TABLE {table}")
        return rows


def file_sql(files: Sequence[LocalFile]) -> str:
    """The SQL of a row's file, as people are shown it, from the relation's column FILE."""
    first = files[0]
    prefix = str(first.place).removesuffix(first.listed.path)
    if all(str(file.place) == prefix + file.listed.path for file in files):
        return f"substr({FILE}, {len(prefix) + 1})"
    places, shown = literals(str(file.place) for file in files), literals(file.listed.path for file in files)
    return f"list_extract({shown}, list_position({places}, {FILE}))"


def _is_several_lines(text: str | None) -> bool:
    return text is None or len(text) >= _TRUNCATED or len(text.strip("\r\n").splitlines()) > 1


def _with_lines(place: str, shown: str, rejects: Sequence[tuple[int, str, str]]) -> list[Malformed]:
    """Byte positions as line numbers, by one pass over the file; the raw text from the file where DuckDB cut it."""
    found = []
    with Path(place).open("rb") as file:
        line, position = 1, 0
        for said, problem, text in sorted(rejects):
            start = _after_blank_lines(file, said)
            line += _count_lines(file, position, start)
            position = start
            if len(text) >= _TRUNCATED or problem == _PROBLEMS["INVALID ENCODING"]:
                file.seek(start)
                text = file.readline(_LONGEST_RAW).decode(errors="backslashreplace")
            found.append(Malformed(shown, line, text.rstrip("\r\n"), problem))
    return found


def _after_blank_lines(file: BinaryIO, start: int) -> int:
    """Where the line begins: DuckDB may say the blank line before it."""
    file.seek(start)
    while (char := file.read(1)) and char in b"\r\n":
        start += 1
    return start


def _count_lines(file: BinaryIO, start: int, end: int) -> int:
    """The line ends between two positions: LF, CR LF and CR."""
    file.seek(start)
    found, left, after_cr = 0, end - start, False
    while left > 0 and (chunk := file.read(min(left, 1 << 20))):
        left -= len(chunk)
        if after_cr and chunk.startswith(b"\n"):
            found -= 1
        found += chunk.count(b"\n")
        if b"\r" in chunk:
            found += chunk.count(b"\r") - chunk.count(b"\r\n")
        after_cr = chunk.endswith(b"\r")
    return found
