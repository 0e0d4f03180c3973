"""Values of a database as the page's script has them: plain JSON, exact where they are decimal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, time
from decimal import Decimal
from typing import Any

from pipeline_cli.reports.values import as_moment, as_number, clean_text

Json = dict[str, Any]

_EPOCH = date(1970, 1, 1)
_LARGEST_INT = 2**53  # what a number of JavaScript holds exactly


def to_day(day: date) -> int:
    """Days since 1970."""
    return (day - _EPOCH).days


def to_number(value: Any) -> int | float | None:
    """A JSON number: an int where it is whole; None for what is no number, or not finite."""
    number: Any = as_number(value)
    if number is None or not math.isfinite(number):
        return None
    if number == int(number) and abs(number) <= _LARGEST_INT:
        return int(number)
    return float(number)


def encode_column(values: Sequence[Any], *, moments: bool) -> Json:
    """The values with their kind: date (days since 1970), time (milliseconds), number or text. NULL is null.

    moments: texts that say a date in ISO 8601 are dates, as along a chart's axis.
    """
    known = [value for value in values if value is not None]
    dated = [as_moment(value) if moments or isinstance(value, date) else None for value in known]
    if known and all(moment is not None for moment in dated):
        found = [None if value is None else as_moment(value) for value in values]
        whole = all(moment is None or moment.time() == time() for moment in found)
        days = [None if moment is None else to_day(moment.date()) for moment in found]
        exact = [None if moment is None else round(moment.timestamp() * 1000) for moment in found]
        return {"kind": "date", "values": days} if whole else {"kind": "time", "values": exact}
    if known and all(not isinstance(value, str) and as_number(value) is not None for value in known):
        return {"kind": "number", "values": [to_number(value) for value in values]}
    return {"kind": "text", "values": [None if value is None else clean_text(value) for value in values]}


class Planes:
    """Whole numbers as bytes: of a column first all lowest bytes, then all next ones. So they compress to three
    quarters of what they take as text.
    """

    def __init__(self) -> None:
        self.bytes = bytearray()

    def add(self, values: Sequence[int | None]) -> Json:
        """Where the column stands, in how many planes, and what its numbers are above. 0 is NULL."""
        known = [value for value in values if value is not None]
        low = min(known, default=0)
        raised = [0 if value is None else value - low + 1 for value in values]
        planes = -(-max(raised, default=0).bit_length() // 8)
        place = len(self.bytes)
        for plane in range(planes):
            self.bytes += bytes(value >> (8 * plane) & 255 for value in raised)
        return {"at": place, "planes": planes, "low": low}

    def add_numbers(self, values: Sequence[Any]) -> Json:
        """Numbers that the script adds up: decimals as whole numbers and the places after the point, so that no cent
        is lost; what is no such number (a float, the smallest date) as encode_column has it.
        """
        known: list[Any] = [value for value in values if value is not None]
        if not all(isinstance(value, (int, Decimal)) and not isinstance(value, bool) for value in known):
            return encode_column(values, moments=False)
        decimals = [Decimal(value) for value in known]
        places = max((max(0, -int(value.as_tuple().exponent)) for value in decimals), default=0)
        whole = [None if value is None else int(Decimal(value).scaleb(places)) for value in values]
        if sum(abs(value) for value in whole if value is not None) > _LARGEST_INT:
            return encode_column(values, moments=False)
        return {"kind": "number", "places": places, **self.add(whole)}
