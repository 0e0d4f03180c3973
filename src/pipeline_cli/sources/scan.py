"""What a column source gives: relations that DuckDB reads once, whole, and the columns they have.

The second path for records. Files, generated data and databases are not turned into dicts: each `Scan` is a
FROM clause of DuckDB, and what is read goes to the warehouse in one statement (`bulk/`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

# text: the value as written (CSV); json: a JSON value's text, `"a"` with its quotes (JSON Lines); typed: a value.
Encoding = Literal["text", "json", "typed"]


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column of a relation and of its table.

    source: its name in the relation, as the source delivers it; name: in the table, normalized as dlt does.
    data_type, precision, scale: dlt's type (text, bigint, double, decimal, bool, date, timestamp, time, json,
    binary). date_format, timestamp_format: strptime formats of texts that are not ISO 8601.
    is_declared: whether contract or manifest say the type; otherwise it was found out, or is the table's.
    is_refused: the table has no such column and takes none: a row with a value there is rejected.
    """

    source: str
    name: str
    data_type: str
    precision: int | None = None
    scale: int | None = None
    encoding: Encoding = "text"
    date_format: str | None = None
    timestamp_format: str | None = None
    is_declared: bool = False
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class FileVersion:
    """One version of a file: what `_files` remembers. path: relative to bucket_url; modified_at: UTC."""

    path: str
    size_bytes: int
    modified_at: datetime | None = None
    content_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row that is not certainly fine. values: by the column's source name, as the relation gives them.

    file: the file that it came from, where there is one. raw: the row as it stands there, where known.
    """

    values: Mapping[str, Any]
    file: str | None = None
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that has no columns to check: ragged, not JSON, an open quote.

    line: counted from 1. rule: what it breaks, as in a reason.
    """

    file: str
    line: int | None
    raw: str
    message: str
    rule: str = "malformed"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands in its file. line: its first one, from 1; raw: as it is written there, where that is known."""

    line: int
    raw: str | None = None


@dataclass(slots=True)
class Scan:
    """One relation to read once. relation: SQL after FROM; `objects` are registered on the connection first.

    columns: of the relation, all of them (source names). file_column: the SQL expression of a row's file (path as
    shown to people), None where there is one file or none. raw_column: the expression of the row as it stands in
    its file, None where `values` say it all. position_column: the expression of a row's number, None where rows come
    in their order.
    files: the versions that are done when this scan's rows are committed.
    size_bytes: of the files, row_count: where known; both for progress.
    buffers_mb: what DuckDB's reader of the files needs beside the rows; 0 where it reads none.
    malformed: called after reading, on the connection that read: the lines that the reader left out.
    locate: the places of suspects in their files (same order, None where unknown); reads the files again.
    verify: called after reading, before the commit; raises SourceError when a file changed meanwhile.
    cursor_value: called after reading: what `Known.cursor` is to be in the next load, None for no change.
    """

    relation: str
    columns: Sequence[ColumnSpec]
    objects: Mapping[str, Any] = field(default_factory=dict)
    file_column: str | None = None
    raw_column: str | None = None
    position_column: str | None = None
    files: Sequence[FileVersion] = ()
    size_bytes: int | None = None
    row_count: int | None = None
    buffers_mb: int = 0
    malformed: Callable[[Any], Sequence[Malformed]] = lambda connection: ()
    locate: Callable[[Sequence[Suspect]], Sequence[Place | None]] | None = None
    verify: Callable[[], None] = lambda: None
    cursor_value: Callable[[], Any] = lambda: None


@dataclass(frozen=True, slots=True)
class Known:
    """What the warehouse already has of a resource.

    columns: of its table, by name: dlt's (data type, precision, scale); empty before the first load.
    files: by path, those that are done. cursor: as text, None at the first run.
    is_window: what lies between the cursor's initial and end value is to be read, and nothing else.
    """

    columns: Mapping[str, tuple[str, int | None, int | None]] = field(default_factory=dict)
    files: Mapping[str, FileVersion] = field(default_factory=dict)
    cursor: str | None = None
    is_window: bool = False


class ColumnResource(Protocol):
    """One resource of a column source."""

    name: str

    def scans(self, known: Known) -> AbstractContextManager[Iterator[Scan]]:
        """What is new, scan by scan, each read before the next is asked for; on leaving, temporary files go.

        Raises SourceError when the source does not give data.
        """
        ...


@dataclass(frozen=True, slots=True)
class ColumnSource:
    """A source whose resources are read as columns; `session` wraps the reading of all of them."""

    name: str
    resources: Sequence[ColumnResource]
    notes: Sequence[str] = ()
    session: Callable[[], AbstractContextManager[Any]] = nullcontext
