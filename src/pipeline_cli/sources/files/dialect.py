"""How a CSV file is written: what the manifest says of it, and what its beginning shows."""

from __future__ import annotations

import codecs
import csv
import io
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pipeline_cli.errors import SourceError
from pipeline_cli.manifest.files import Csv
from pipeline_cli.sources.files.encoding import find_encoding

SAMPLE_BYTES = 1 << 18
_DELIMITERS = (",", ";", "\t", "|")
_SHOWN = {"\t": "tab", " ": "blank"}
_NUMBER = re.compile(r"\s*[-+]?[\d.,]*\d[\d.,]*([eE][-+]?\d+)?%?\s*")
_DATE = re.compile(r"\s*\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([T ].*)?")
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Dialect:
    """names: the columns, in order. quote, escape: "" where there is none. mixed: line ends of several kinds."""

    delimiter: str
    quote: str
    escape: str
    encoding: str
    header: bool
    names: tuple[str, ...]
    mixed: bool = False

    def describe(self) -> str:
        """In words, for `preview`: "delimiter ';', header, encoding latin-1"."""
        words = [
            f"delimiter {_SHOWN.get(self.delimiter, repr(self.delimiter))}",
            "" if self.quote == '"' else f"quote {self.quote!r}" if self.quote else "no quotes",
            "" if self.escape == self.quote else f"escape {self.escape!r}",
            "header" if self.header else "no header",
            f"encoding {self.encoding}",
            "mixed line ends" if self.mixed else "",
        ]
        return ", ".join(word for word in words if word)


def find_dialect(head: bytes, said: Csv, path: str, known_names: frozenset[str], whole: bool) -> Dialect:
    """A file's dialect. head: its first bytes; whole: they are all of it; known_names: columns, normalized.

    Raises SourceError where the header cannot be told from data, or is no list of columns.
    """
    encoding = said.encoding or find_encoding(head)
    text = _decode(head, encoding, path)
    lines = list(io.StringIO(text, newline=""))
    if not whole and len(lines) > 1:
        lines.pop()  # it is cut
    quote = _find_quote(lines) if said.quote is None else said.quote
    escape = said.escape or (_find_escape(lines, quote) if said.quote != "" else "")
    delimiter = said.delimiter or _find_delimiter(lines, quote, escape)
    rows = parse_sample(lines, delimiter, quote, escape)
    names, header = _find_names(rows, said, path, known_names)
    ends = set(_LINE_END.findall(_outside_quotes(text, quote)))
    return Dialect(delimiter, quote, escape, encoding, header, names, mixed=len(ends) > 1)


def parse_sample(lines: list[str], delimiter: str, quote: str, escape: str) -> list[list[str]]:
    """The sample's rows, blank lines left out."""
    reader = csv.reader(lines, **csv_options(delimiter, quote, escape))
    rows: list[list[str]] = []
    with suppress(csv.Error):  # a NUL, or a field over the limit: what came before will do
        rows.extend(row for row in reader if row)
    return rows


def csv_options(delimiter: str, quote: str, escape: str) -> dict[str, Any]:
    """The csv module's words for a dialect."""
    if not quote:
        return {"delimiter": delimiter, "quoting": csv.QUOTE_NONE}
    doubled = escape in ("", quote)
    return {
        "delimiter": delimiter,
        "quotechar": quote,
        "doublequote": doubled,
        "escapechar": None if doubled else escape,
    }


def _decode(head: bytes, encoding: str, path: str) -> str:
    try:
        text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    except LookupError as error:
        raise SourceError(
            f"{path}: there is no encoding {encoding!r}.", code="E367", hint="Write utf-8, utf-16 or latin-1."
        ) from error
    return text.removeprefix("\ufeff")


def _find_quote(lines: list[str]) -> str:
    text = "".join(lines)
    if '"' in text:
        return '"'
    singles = len(re.findall(r"(?m)(?:^|[,;\t|])'[^'\n]*'(?=[,;\t|\r\n]|$)", text))
    return "'" if singles > 1 and singles >= len(lines) - 1 else '"'


def _find_escape(lines: list[str], quote: str) -> str:
    if not quote:
        return ""
    text = "".join(lines)
    # `\"` before a delimiter or a line's end is a value that ends in a backslash.
    escaped = re.search(rf"\\{re.escape(quote)}(?![,;\t|\r\n]|$)", text)
    return "\\" if escaped and quote * 2 not in text.replace(f",{quote * 2}", "") else quote


def _find_delimiter(lines: list[str], quote: str, escape: str) -> str:
    """The delimiter by which most rows have as many values as the first, and more than one."""
    best, best_score = ",", (0.0, 0)
    for delimiter in _DELIMITERS:
        widths = [len(row) for row in parse_sample(lines[:1000], delimiter, quote, escape)]
        if widths and widths[0] > 1:
            score = (widths.count(widths[0]) / len(widths), widths[0])
            if score > best_score:
                best, best_score = delimiter, score
    return best


def _find_names(
    rows: list[list[str]], said: Csv, path: str, known_names: frozenset[str]
) -> tuple[tuple[str, ...], bool]:
    from pipeline_cli.sources.files.names import check_names, positional_names

    if said.column_names:
        return check_names(said.column_names, path), bool(said.header)
    if not rows:
        raise SourceError(f"{path} has no line to read columns from.", code="E367", hint="Give it a header.")
    if said.header is False:
        return positional_names(len(rows[0])), False
    if said.header is None and not _is_header(rows, known_names):
        raise SourceError(
            f"{path}: its first line looks like data, not like columns' names: {_shorten(rows[0])}.",
            code="E367",
            hint="Write csv: {header: false, column_names: [...]}, or csv: {header: true} if these are names.",
        )
    return check_names(rows[0], path), True


def _is_header(rows: list[list[str]], known_names: frozenset[str]) -> bool:
    """Whether the first row names columns: it does unless it looks like the rows below it."""
    from pipeline_cli.sources.column_types import column_name

    first, body = rows[0], rows[1:200]
    if known_names and {column_name(name) for name in first} & known_names:
        return True
    if not any(_is_value(cell) for cell in first):
        return True
    columns = [[row[index] for row in body if index < len(row) and row[index]] for index in range(len(first))]
    # A name over a column of numbers: the numbers beside it are names, too (id, 2019, 2020).
    return any(
        cell and not _is_value(cell) and column and all(map(_is_value, column))
        for cell, column in zip(first, columns, strict=True)
    )


def _is_value(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell) or _DATE.fullmatch(cell))


def _outside_quotes(text: str, quote: str) -> str:
    parts = text.split(quote) if quote else [text]
    return "".join(parts[0::2]).removesuffix("\r")  # the sample may end inside a CR LF


def _shorten(row: list[str]) -> str:
    text = ", ".join(row[:4]) + (", …" if len(row) > 4 else "")
    return text if len(text) <= 80 else text[:79] + "…"
