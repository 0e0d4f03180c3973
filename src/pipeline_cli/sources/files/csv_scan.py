"""CSV files as a relation that DuckDB reads in parallel, and the lines that it could not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline_cli.destinations.base import literal, quote
from pipeline_cli.manifest.files import Csv
from pipeline_cli.sources.files.dialect import Dialect
from pipeline_cli.sources.files.lines import LONGEST_RECORD
from pipeline_cli.sources.files.reading import LocalFile
from pipeline_cli.sources.files.rejects import Rejects, file_sql
from pipeline_cli.sources.files.sql import FILE, columns_struct, literals, path_literal
from pipeline_cli.sources.scan import Malformed

_NUMERIC = ("bigint", "double", "decimal")
# What DuckDB's threads take at a time. By default a buffer holds four of these: 5 million rows took as long, and 120 MB
# more.
_BUFFER_BYTES = 8_000_000
BUFFERS_MB = 40
_NO_POINT = " (with decimal_separator ',' a point stands before three digits)"
_GROUPED = r"[-+]?([0-9]+|[0-9]{1,3}(\.[0-9]{3})+)(,[0-9]+)?"


class CsvRelation:
    """Files of one dialect, as one relation. The instance belongs to one scan: it has a reject table."""

    def __init__(self, files: Sequence[LocalFile], dialect: Dialect, said: Csv, *, tolerant: bool) -> None:
        self.files = files
        self.dialect = dialect
        self._said = said
        self._rejects = Rejects(files) if tolerant else None

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
        # 1.23 is neither a number with a comma nor one in groups of three: 123 and 1.23 would both be a guess.
        return (
            f"CASE WHEN regexp_full_match({column}, '{_GROUPED}') THEN {number}"
            f" WHEN contains({column}, '.') THEN {column} || {literal(_NO_POINT)} ELSE {column} END"
        )

    def rewrite_number(self, text: str) -> str:
        """As `number_sql`, of one text."""
        if self._said.decimal_separator == ".":
            return text
        if re.fullmatch(_GROUPED, text):
            return text.replace(".", "").replace(",", ".")
        return text + _NO_POINT if "." in text else text

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
            "buffer_size": str(_BUFFER_BYTES),
            "max_line_size": str(LONGEST_RECORD),  # otherwise the buffer's
            "filename": literal(FILE),
            "parallel": str(not any(file.one_thread for file in self.files)).lower(),
            **(self._rejects.options() if self._rejects else {}),
        }
        written = ", ".join(f"{key} = {value}" for key, value in options.items())
        return f"read_csv([{paths}], {written})"

    def file_sql(self) -> str:
        """The SQL of a row's file, as people are shown it."""
        return file_sql(self.files)

    def malformed(self, connection: Any) -> list[Malformed]:
        """The lines that were left out, those of the spool's copying too.

        Raises ReadAgainError when good lines were lost with a bad one: an open quote takes all that follows.
        """
        found = [line for file in self.files for line in file.left_out]
        return found + (self._rejects.malformed(connection) if self._rejects else [])
