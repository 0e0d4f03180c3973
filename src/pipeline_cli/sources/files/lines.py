"""A text file record by record, in Python: what is right about a file that the fast reader gets wrong.

Used where a line number is asked for, and for files with an open quote or line ends of several kinds. An open
quote ends with its line here: the line is malformed, and those after it are read.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pipeline_cli.sources.files.dialect import Dialect, csv_options

LONGEST_RECORD = 2_000_000  # bytes; by default read_csv's own bound
_FIELD_LIMIT = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a CSV file. line: its first physical line, from 1; raw: without its last line end.

    values: None where it is malformed, and `problem` says why; is_open: a quote is opened and never closed.
    """

    line: int
    raw: bytes
    values: tuple[str, ...] | None
    problem: str = ""
    line_count: int = 1
    is_open: bool = False

    @property
    def text(self) -> str:
        """The record as people see it; bytes that are no UTF-8 as \\xff."""
        return self.raw.decode(errors="backslashreplace")


def physical_lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines with their ends: LF, CR LF or CR. Of one over the bound the beginning is kept, which is over it, too."""
    rest = b""
    while chunk := file.read(1 << 20):
        data = rest + chunk
        if data.endswith(b"\r"):
            data += file.read(1)
        lines = data.splitlines(keepends=True)
        rest = b"" if data.endswith((b"\r", b"\n")) else lines.pop()
        if len(rest) > 2 * LONGEST_RECORD:
            rest = rest[: LONGEST_RECORD + 1]
        yield from lines
    if rest:
        yield rest


class RecordReader:
    """The records of one CSV file in UTF-8; blank lines are skipped, as read_csv does."""

    def __init__(self, path: Path, dialect: Dialect) -> None:
        csv.field_size_limit(_FIELD_LIMIT)
        self._path = path
        self._dialect = dialect
        self._quote = dialect.quote.encode()
        self._options = csv_options(dialect.delimiter, dialect.quote, dialect.escape)
        self._waiting: deque[bytes] = deque()

    def records(self) -> Iterator[Record]:
        """All records but the header."""
        records = self.raw_records()
        if self._dialect.header:
            next(records, None)
        return records

    def raw_records(self) -> Iterator[Record]:
        """All records, the header too."""
        with self._path.open("rb") as file:
            lines = physical_lines(file)
            number = 1
            while (line := self._next(lines)) is not None:
                if number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                record = self._read(line, number, lines)
                if record.raw:
                    yield record
                number += record.line_count

    def _next(self, lines: Iterator[bytes]) -> bytes | None:
        return self._waiting.popleft() if self._waiting else next(lines, None)

    def _read(self, line: bytes, number: int, lines: Iterator[bytes]) -> Record:
        """The record that begins with `line`."""
        raw = _without_end(line)
        if len(raw) > LONGEST_RECORD:
            return Record(number, raw, None, f"the line is longer than {LONGEST_RECORD} bytes")
        values, problem = self._parse(raw)
        if problem != _OPEN:
            return Record(number, raw, values, problem)
        taken = [line]
        size = len(line)
        while problem == _OPEN and size <= LONGEST_RECORD:
            more = self._next(lines)
            if more is None:
                break
            taken.append(more)
            size += len(more)
            if self._quote in more:
                values, problem = self._parse(_without_end(b"".join(taken)))
        if values is not None:
            return Record(number, _without_end(b"".join(taken)), values, "", len(taken))
        self._waiting.extendleft(reversed(taken[1:]))
        return Record(number, raw, None, OPEN_QUOTE, is_open=True)

    def _parse(self, raw: bytes) -> tuple[tuple[str, ...] | None, str]:
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return None, "bytes that are not UTF-8"
        if not self._quote or self._quote not in raw:
            row = text.split(self._dialect.delimiter)
        else:
            try:
                row = next(csv.reader([text], strict=True, **self._options), [])
            except csv.Error as error:
                return None, _OPEN if "unexpected end" in str(error) else str(error)
        expected = len(self._dialect.names)
        if len(row) != expected and not (len(row) == expected + 1 and row[-1] == ""):
            return None, f"{len(row)} values where there are {expected} columns"
        return tuple(row[:expected]), ""


def _without_end(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")


OPEN_QUOTE = "a quote is opened and never closed"
_OPEN = "open"
