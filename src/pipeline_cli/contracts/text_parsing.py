"""What a text says as a number, a truth or a time: strict, and the same on every machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from pipeline_cli.contracts.json_values import parse_json

BLANKS = " \t\r\n"
_LONGEST_NUMBER = 1_000  # digits; Python refuses to read integers of more than 4,300
_WHOLE = re.compile(r"([+-]?)(0|[1-9][0-9]*)(?:\.0*)?")
_NUMBER = re.compile(r"([+-]?)((?:0|[1-9][0-9]*)?)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,4}))?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:[.,]([0-9]+))?")
_TIMESTAMP = re.compile(
    rf"({_DATE.pattern})(?:[Tt ]{_TIME.pattern}(?:([Zz])|([+-])([0-9]{{2}})(?::?([0-9]{{2}}))?)?)?"
)
_LARGEST_OFFSET_HOURS = 15  # Postgres reads no larger one
_TRUE, _FALSE = {"true"}, {"false"}
_DECLARED_TRUE, _DECLARED_FALSE = {"t", "yes", "y", "1"}, {"f", "no", "n", "0"}


@dataclass(frozen=True, slots=True)
class Moment:
    """value: None when it is beyond the calendar in UTC; iso: as RFC 3339; is_finer: than microseconds."""

    value: Any
    iso: str
    is_finer: bool = False


def parse_number(text: str, *, whole: bool) -> int | float | Decimal | None:
    """The number as JSON would give it (a Decimal where a float would lose digits); None when it is none.

    whole: only integers, '5.0' among them. A sign and blanks around are fine, leading zeros are not.
    """
    text = text.strip(BLANKS)
    if len(text) > _LONGEST_NUMBER:
        return None
    if whole:
        found = _WHOLE.fullmatch(text)
        return int(found[1] + found[2]) if found else None
    found = _NUMBER.fullmatch(text)
    if found is None or not (found[2] or found[3]):
        return None
    sign, digits, places, exponent = found.groups()
    if not places and exponent is None:
        return int(sign + digits)
    written = f"{'-' if sign == '-' else ''}{digits or '0'}.{places or '0'}"
    number: int | float | Decimal = parse_json(written if exponent is None else f"{written}e{exponent}")
    return number


def parse_bool(text: str, *, declared: bool) -> bool | None:
    """declared: somebody has said that the column is boolean, so 'yes' and '1' are what they mean."""
    word = text.strip(BLANKS).lower()
    if word in _TRUE or (declared and word in _DECLARED_TRUE):
        return True
    if word in _FALSE or (declared and word in _DECLARED_FALSE):
        return False
    return None


def parse_date(text: str, date_format: str | None) -> Moment | None:
    """An ISO date, or one in `date_format` where that is declared."""
    if date_format:
        parsed = _strptime(text, date_format)
        return Moment(parsed.date(), parsed.date().isoformat()) if parsed else None
    if not _DATE.fullmatch(text):
        return None
    try:
        return Moment(date.fromisoformat(text), text)
    except ValueError:
        return None


def parse_time(text: str) -> Moment | None:
    """A time of day: 12:30, 12:30:15 or 12:30:15.5."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    micros, is_finer = _fraction(found[2])
    try:
        return Moment(time.fromisoformat(found[1]).replace(microsecond=micros), text, is_finer)
    except ValueError:
        return None


def parse_timestamp(text: str, timestamp_format: str | None) -> Moment | None:
    """ISO 8601 with T or a blank, or one in `timestamp_format` where that is declared; without offset it is UTC."""
    if timestamp_format:
        parsed = _strptime(text, timestamp_format)
        return Moment(to_utc(parsed), iso_timestamp(parsed)) if parsed else None
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        return None
    day, clock, fraction, zulu, sign, hours, minutes = found.groups()
    if hours and int(hours) > _LARGEST_OFFSET_HOURS:
        return None
    micros, is_finer = _fraction(fraction)
    clock = clock or "00:00:00"
    clock = clock if len(clock) == 8 else f"{clock}:00"
    offset = zulu or (f"{sign}{hours}:{minutes or '00'}" if sign else "Z")
    try:
        at = datetime.fromisoformat(f"{day}T{clock}{offset}").replace(microsecond=micros)
    except ValueError:
        return None
    separator = text[10] if len(text) > 10 and text[10] != " " else "T"
    iso = f"{day}{separator}{clock}{f'.{fraction}' if fraction else ''}{offset}"
    return Moment(to_utc(at), iso, is_finer)


def to_utc(at: datetime) -> datetime | None:
    """The moment in UTC, without offset taken as UTC; None at the ends of the calendar."""
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        return None


def iso_timestamp(at: datetime) -> str:
    """As RFC 3339 writes it, with its own offset."""
    return (at.replace(tzinfo=UTC) if at.tzinfo is None else at).isoformat().replace("+00:00", "Z")


def _fraction(digits: str | None) -> tuple[int, bool]:
    """Microseconds, and whether digits are left that are not zero."""
    digits = digits or ""
    return int(digits[:6].ljust(6, "0")), bool(digits[6:].strip("0"))


def _strptime(text: str, layout: str) -> datetime | None:
    try:
        return datetime.strptime(text, layout)
    except (ValueError, OverflowError):
        return None
