"""Values of a database as people read them: thousands separated, money with two places, a dash for NULL."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from pipeline_cli.manifest.charts import Format, Period
from pipeline_cli.reports.locales import localize, month_name

DASH = "–"
LONGEST_TEXT = 300
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
# What neither HTML nor SVG may hold, and what would turn the line around (bidi overrides).
_UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]"
)


@dataclass(frozen=True, slots=True)
class Writer:
    """How the values of one column are written: all alike, so that they can be compared."""

    format: Format
    decimals: int = 0
    currency: str = ""

    @property
    def is_numeric(self) -> bool:
        return self.format in ("number", "money", "percent")

    def write(self, value: Any) -> str:
        """One value as text, never longer than LONGEST_TEXT; a dash for NULL."""
        if value is None:
            return DASH
        if self.is_numeric:
            number = as_number(value)
            return clean_text(value) if number is None else self._write_number(number)
        if self.format in ("date", "datetime"):
            moment = as_moment(value)
            return clean_text(value) if moment is None else write_moment(moment, self.format)
        return clean_text(value)

    def _write_number(self, number: float | Decimal) -> str:
        if not math.isfinite(number):  # 1.0 / 0 on DuckDB
            return DASH
        if self.format == "percent":
            places = self.decimals or 1
            return localize(f"{round_half_up(number * 100, places):,.{places}f}%")
        places = 2 if self.format == "money" else self.decimals
        size: Any = abs(number)
        text = f"{round_half_up(size, places):,.{places}f}"
        sign = "-" if number < 0 and text.strip("0.,") else ""
        return f"{sign}{self.currency if self.format == 'money' else ''}{localize(text)}"


def round_half_up(number: float | Decimal, places: int) -> float | Decimal:
    """As people and spreadsheets round, and as the page's script does: 0.125 to 0.13. 15 digits are a float's own."""
    try:
        exact = Decimal(f"{number:.15g}") if isinstance(number, float) else number
        return exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    except InvalidOperation:  # more digits than a decimal has
        return number


def make_writer(values: Iterable[Any], declared: Format | None, currency: str | None) -> Writer:
    """The writer of a column: as declared, else as the type of its values asks for."""
    known = [value for value in values if value is not None]
    format_ = declared or _format_of(known)
    numbers = [number for value in known if (number := as_number(value)) is not None]
    decimals = {"number": _decimals, "percent": _percent_decimals}.get(format_)
    return Writer(format_, decimals(numbers) if decimals else 0, currency or "")


def as_number(value: Any) -> float | Decimal | None:
    """A number, also where a text says one; None for everything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return value
    if isinstance(value, (int, str, Decimal)):
        try:
            number = Decimal(value)
        except InvalidOperation:
            return None
        return math.nan if number.is_nan() else number
    return None


def as_moment(value: Any) -> datetime | None:
    """A date or time as a moment in UTC, also where a text says one in ISO 8601; None for everything else."""
    try:
        if isinstance(value, str):
            # 20261121 may be an article's number.
            value = datetime.fromisoformat(value) if _DATE.match(value) else None
        if isinstance(value, datetime):
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        if isinstance(value, date):
            return datetime.combine(value, time(), UTC)
    except (ValueError, OverflowError):  # no such day, or one that is beyond the year 9999 in UTC
        return None
    return None


def write_moment(moment: datetime, format_: Format = "datetime") -> str:
    """'21 Nov 2026', or '21 Nov 2026, 09:00' (UTC)."""
    day = f"{moment.day} {month_name(moment.month)} {moment.year}"
    return day if format_ == "date" else f"{day}, {moment:%H:%M}"


def name_period(moment: datetime, period: Period) -> str:
    """The period that begins at a moment, in words at the start of a sentence: 'Nov 2026', '21 Nov 2026'."""
    if period == "week":
        return f"The week from {write_moment(moment, 'date')}"
    if period == "quarter":
        return f"Q{(moment.month + 2) // 3} {moment.year}"
    if period in ("month", "year"):
        return str(moment.year) if period == "year" else f"{month_name(moment.month)} {moment.year}"
    return write_moment(moment, "date" if period == "day" else "datetime")


def write_in_period(value: Any, period: Period | None, writer: Writer) -> str:
    """The beginning of a month, a quarter or a year as its name; everything else as the writer has it."""
    moment = as_moment(value) if period in ("month", "quarter", "year") else None
    begins = moment is not None and moment.day == 1
    return name_period(moment, period) if moment and period and begins else writer.write(value)


def clean_text(value: Any) -> str:
    """Any value as one short piece of text that a page and a drawing may hold. It is not escaped yet."""
    if isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, (dict, list)):
        text = json.dumps(value, ensure_ascii=False, default=str)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        text = f"{len(value):,} bytes"
    else:
        text = str(value)
    text = printable(text)
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def printable(text: str) -> str:
    """The text without what neither a page nor a drawing may hold: vl-convert ends the process at a NUL."""
    return _UNPRINTABLE.sub("\ufffd", text)


def label_of(name: str) -> str:
    """A column's name as a heading: total_sales is 'Total sales'."""
    words = clean_text(name).replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _format_of(values: Sequence[Any]) -> Format:
    if values and all(
        isinstance(value, (int, float, Decimal)) and type(value) is not bool for value in values
    ):
        return "number"
    if values and all(isinstance(value, datetime) for value in values):
        moments = [as_moment(value) for value in values]
        return "date" if all(moment and moment.time() == time() for moment in moments) else "datetime"
    if values and all(isinstance(value, date) for value in values):
        return "date"
    return "text"


def _percent_decimals(numbers: Sequence[float | Decimal]) -> int:
    """Places after the point of percents: one, and two where all are below ten."""
    largest = max((abs(float(number)) for number in numbers if math.isfinite(number)), default=0.0)
    return 2 if 0 < largest < 0.1 else 1


def _decimals(numbers: Sequence[float | Decimal]) -> int:
    """Places after the point for a column: none where all are whole, more where the largest is below one."""
    finite = [abs(float(number)) for number in numbers if math.isfinite(number)]
    if all(number == int(number) for number in finite):
        return 0
    largest = max(finite)
    return 2 if largest >= 1 else min(6, 2 - math.floor(math.log10(largest)))
