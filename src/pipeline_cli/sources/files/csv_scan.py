"""CSV files as a relation that DuckDB reads in parallel, and the lines that it could not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from pipeline_cli.destinations.base import quote
from pipeline_cli.manifest.files import Csv
from pipeline_cli.sources.files.again import ReadAgainError
from pipeline_cli.sources.files.dialect import Dialect
from pipeline_cli.sources.files.reading import LocalFile
from pipeline_cli.sources.files.sql import FILE, columns_struct, literal, literals, path_literal
from pipeline_cli.sources.scan import Malformed

_SERIAL = count(1)  # one reject table a relation: connections may be shared
_TRUNCATED = 10_000  # DuckDB keeps no more of a line
_NUMERIC = ("bigint", "double", "decimal")
_GROUPED = r"[-+]?([0-9]+|[0-9]{1,3}(\.[0-9]{3})+)(,[0-9]+)?"
_PROBLEMS = {
    "UNQUOTED VALUE": "a quote is not closed, or text follows a closed one",
    "INVALID ENCODING": "bytes that are not UTF-8",
}


class CsvRelation:
    """Files of one dialect, as one relation. The instance belongs to one scan: it has a reject table."""

    def __init__(self, files: Sequence[LocalFile], dialect: Dialect, said: Csv) -> None:
        self.files = files
        self.dialect = dialect
        self._said = said
        serial = next(_SERIAL)
        self._rejects, self._reject_scans = f"pipeline_cli_rejects_{serial}", f"pipeline_cli_files_{serial}"
        self._shown = {str(file.place): file.listed.path for file in files}

    def sql(self, types: Mapping[str, str]) -> str:
        """The FROM clause; types: dlt's data types by name, for numbers with a decimal comma."""
        plain = self._read_csv()
        names = self.dialect.names
        replaced = [name for name in names if self.is_rewritten(types.get(name, ""))]
        # A blank line would be a row of one column; of several it is none.
        blank = f" WHERE {quote(names[0])} IS NOT NULL" if len(names) == 1 and not self.null_values else ""
        if not replaced and not blank:
            return plain
        changes = ", ".join(f"{self.number_sql(name)} AS {quote(name)}" for name in replaced)
        star = f"* REPLACE ({changes})" if changes else "*"
        return f"(SELECT {star} FROM {plain}{blank})"

    @property
    def null_values(self) -> tuple[str, ...]:
        return self._said.null_values

    def is_rewritten(self, data_type: str) -> bool:
        """Whether the relation has a column of this type in other words than the file: a point for a comma."""
        return self._said.decimal_separator == "," and data_type in _NUMERIC

    def number_sql(self, name: str) -> str:
        """A column's text, a number with a decimal comma written with a point."""
        column = quote(name)
        if self._said.decimal_separator == ".":
            return column
        number = f"replace(replace({column}, '.', ''), ',', '.')"
        return f"CASE WHEN regexp_full_match({column}, '{_GROUPED}') THEN {number} ELSE {column} END"

    def _read_csv(self) -> str:
        dialect = self.dialect
        paths = ", ".join(path_literal(str(file.place)) for file in self.files)
        options = {
            "auto_detect": "false",
            "columns": columns_struct(dialect.names),
            "header": str(dialect.header).lower(),
            "delim": literal(dialect.delimiter),
            "quote": literal(dialect.quote),
            "escape": literal(dialect.escape),
            "nullstr": literals(("", *self.null_values)),
            "compression": "'none'",  # a decompressed copy is still called .gz
            "filename": literal(FILE),
            "store_rejects": "true",
            "rejects_table": literal(self._rejects),
            "rejects_scan": literal(self._reject_scans),
            "rejects_limit": "0",
        }
        written = ", ".join(f"{key} = {value}" for key, value in options.items())
        return f"read_csv([{paths}], {written})"

    def file_sql(self) -> str:
        """The SQL of a row's file, as people are shown it."""
        first = self.files[0]
        prefix = str(first.place).removesuffix(first.listed.path)
        if all(str(file.place) == prefix + file.listed.path for file in self.files):
            return f"substr({FILE}, {len(prefix) + 1})"
        places, shown = literals(self._shown), literals(self._shown.values())
        return f"list_extract({shown}, list_position({places}, {FILE}))"

    def malformed(self, connection: Any) -> list[Malformed]:
        """The lines that were left out, those of the spool's copying too.

        Raises ReadAgainError when good lines were lost with a bad one: an open quote takes all that follows.
        """
        rows = self._take_rejects(connection)
        found = [line for file in self.files for line in file.left_out]
        by_place: dict[str, list[tuple[int, str, str]]] = {}
        for place, position, kind, message, text in rows:
            if kind == "UNQUOTED VALUE" and _is_several_lines(text):
                raise ReadAgainError(self._shown[place], "a quote that is opened and never closed")
            problem = _PROBLEMS.get(str(kind)) or str(message).splitlines()[0]
            by_place.setdefault(place, []).append((position - 1, problem, text or ""))
        for place, rejects in by_place.items():
            found += _with_lines(place, self._shown[place], rejects)
        return found

    def _take_rejects(self, connection: Any) -> list[tuple[Any, ...]]:
        """File, byte position from 1, kind, message and text of each line left out; the tables are gone then."""
        there = f"SELECT 1 FROM duckdb_tables() WHERE table_name = {literal(self._rejects)}"
        if not connection.execute(there).fetchall():
            return []  # nothing was read to its end
        rows: list[tuple[Any, ...]] = connection.execute(
            f"""SELECT any_value(s.file_path), r.line_byte_position, min_by(r.error_type, r.byte_position),
                    min_by(r.error_message, r.byte_position), any_value(r.csv_line)
                FROM {self._rejects} r JOIN {self._reject_scans} s USING (scan_id, file_id)
                GROUP BY r.scan_id, r.file_id, r.line_byte_position ORDER BY ALL"""
        ).fetchall()
        for table in (self._rejects, self._reject_scans):
            connection.execute(f"DROP TABLE {table}")
        return rows


def _is_several_lines(text: str | None) -> bool:
    return text is None or len(text) >= _TRUNCATED or len(text.strip("\r\n").splitlines()) > 1


def _with_lines(place: str, shown: str, rejects: Sequence[tuple[int, str, str]]) -> list[Malformed]:
    """Byte positions as line numbers, by one pass over the file; the raw text from the file where DuckDB cut it."""
    found = []
    with Path(place).open("rb") as file:
        line, position = 1, 0
        for start, problem, text in sorted(rejects):
            line += _count_lines(file, position, start)
            position = start
            if len(text) >= _TRUNCATED or problem == _PROBLEMS["INVALID ENCODING"]:
                file.seek(start)
                text = file.readline(1 << 20).decode(errors="backslashreplace")
            found.append(Malformed(shown, line, text.rstrip("\r\n"), problem))
    return found


def _count_lines(file: Any, start: int, end: int) -> int:
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
