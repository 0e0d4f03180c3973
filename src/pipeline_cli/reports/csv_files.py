"""A query's rows as CSV that is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

# A spreadsheet takes a cell that begins with one of these for a formula
# (https://owasp.org/www-community/attacks/CSV_Injection), the full-width forms as well.
_FORMULA = re.compile(r"\s*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def write_csv(path: Path, columns: Sequence[str], batches: Iterable[Iterable[Sequence[Any]]]) -> int:
    """Write a header and every row (RFC 4180, UTF-8); the number of rows.

    NULL is an empty cell, numbers are written as they are, times in ISO 8601 with a Z.
    """
    count = 0
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([defuse(name) for name in columns])
        for batch in batches:
            for row in batch:
                writer.writerow([_cell(value) for value in row])
                count += 1
    return count


def defuse(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe before what begins like one.

    A text that is nothing but a number, -12.50 say, is left alone.
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value.tzinfo else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (dict, list)):
        return defuse(json.dumps(value, ensure_ascii=False, default=str))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if isinstance(value, Decimal):
        return format(value, "f")  # never 1E+2
    return defuse(value) if isinstance(value, str) else value
