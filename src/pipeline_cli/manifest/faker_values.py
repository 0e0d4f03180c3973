"""What the texts of a faker column say: moments, templates, references. Shared by the reader and the source."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

MODIFIERS = ("lower", "upper", "title", "slug", "first")

_RELATIVE = r"([+-])(\d{1,6})(s|m|h|d|w)"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_ISO = r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?"


class Part(NamedTuple):
    """A piece of a template: its literal text, then a column's value (None at the end)."""

    literal: str
    column: str | None = None
    modifiers: tuple[str, ...] = ()
    width: int = 0  # {id:06}: zeros in front up to this many characters


def parse_moment(text: str, reference: datetime) -> datetime | None:
    """An ISO 8601 date or time, "today", or a time from `reference` such as "-30d"; None when it is none.

    Without an offset it is UTC, as the result is.
    """
    if text == "today":
        return reference
    relative = re.fullmatch(_RELATIVE, text) if text.startswith(("+", "-")) else None
    try:
        if relative:
            sign = -1 if relative[1] == "-" else 1
            return reference + sign * timedelta(**{_UNITS[relative[3]]: int(relative[2])})
        if not re.fullmatch(_ISO, text):
            return None
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_reference(text: str) -> datetime | None:
    """The reference date's midnight in UTC; None when the text is neither a day nor "today"."""
    if text == "today":
        return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return parse_moment(text, datetime.now(UTC)) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None


def parse_template(text: str) -> tuple[Part, ...]:
    """The parts of "{first_name|lower}.{id:04}@example.com"; {{ and }} are braces.

    Raises ValueError, whose text says what is wrong.
    """
    from string import Formatter

    try:
        pieces = list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"is no template: {error}; a brace itself is written {{{{ or }}}}") from None
    parts: list[Part] = []
    for literal, name, width, conversion in pieces:
        if name is None:
            parts.append(Part(literal))
            continue
        column, *modifiers = (word.strip() for word in name.split("|"))
        if not column or conversion:
            raise ValueError("has a placeholder that is not {column}, {column|modifier} or {column:06}")
        for modifier in modifiers:
            if modifier not in MODIFIERS:
                raise ValueError(f"knows no modifier {modifier[:40]!r}, only {', '.join(MODIFIERS)}")
        if width and not re.fullmatch(r"0[1-9]\d?", width):
            raise ValueError("has a width that is not 0 and a number, as in {id:06}")
        parts.append(Part(literal, column, tuple(modifiers), int(width or 0)))
    return tuple(parts)
