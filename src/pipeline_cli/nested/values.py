"""Values of JSON, as Arrow read them, as the columns' own types; and whether each is exactly what was sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pipeline_cli.contracts.fitting import fit_problem
from pipeline_cli.nested.arrays import from_texts
from pipeline_cli.nested.shape import Leaf

_EXACT_IN_DOUBLE = 2**53  # of doubles left out: 2**53 + 1 is read as this, too
# Within these dlt's parser and Arrow's agree; other texts are judged one by one.
_TIME = r"^[12]\d{3}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?"
_WITH_ZONE = _TIME + r"(Z|[+-]\d\d:\d\d)$"
_WITHOUT_ZONE = _TIME + "$"
_DATE = r"^[12]\d{3}-\d\d-\d\d$"


def is_exact(leaf: Leaf, array: Any) -> bool:
    """Whether every value is exact in the leaf's column, as far as one look at the whole array tells."""
    import pyarrow

    if array.null_count == len(array):
        return True
    if array.null_count and leaf.definition.get("nullable") is False:
        return False
    if leaf.data_type in ("bigint", "double", "decimal") and not _is_in_double(array):
        return False
    if leaf.data_type == "decimal":
        found = (fit_problem("decimal", dict(leaf.definition), each) for each in array.to_pylist() if each)
        return not any(found)
    if leaf.data_type in ("timestamp", "date"):
        try:
            return to_time(array, leaf.data_type) is not None
        except pyarrow.ArrowInvalid:
            return False
    return True


def _is_in_double(array: Any) -> bool:
    """Of an array with 64 bits a value. Where there is none, Arrow has a zero; were it another number, at worst this
    said no.
    """
    import numpy
    import pyarrow

    is_double = pyarrow.types.is_floating(array.type)
    kind = numpy.float64 if is_double else numpy.int64
    numbers = numpy.frombuffer(array.buffers()[1], kind, len(array), 8 * array.offset)
    limit = _EXACT_IN_DOUBLE - is_double
    return bool(-limit <= numbers.min() and numbers.max() <= limit)  # not of a NaN


def to_time(texts: Any, data_type: str) -> Any:
    """Texts as dates, or as times in UTC; None where they are not all of one plain form.

    Raises pyarrow.ArrowInvalid for a day that is in no calendar.
    """
    import pyarrow
    import pyarrow.compute as pc

    if data_type == "date":
        return pc.cast(texts, pyarrow.date32()) if _all_match(texts, _DATE) else None
    utc = pyarrow.timestamp("us", tz="UTC")
    if _all_match(texts, _WITH_ZONE):
        return pc.cast(texts, utc)
    if _all_match(texts, _WITHOUT_ZONE):
        return pc.cast(texts, pyarrow.timestamp("us")).cast(utc)
    return None


def _all_match(texts: Any, pattern: str) -> bool:
    import pyarrow.compute as pc

    return pc.all(pc.match_substring_regex(texts, pattern), min_count=0).as_py() is not False


def to_column(array: Any, data_type: str, target: Any) -> Any:
    """The array as the type of its column. target: a pyarrow type. Raises ValueError for values that do not fit."""
    import pyarrow
    import pyarrow.compute as pc

    if array.type.equals(target):
        return array
    if pyarrow.types.is_null(array.type):
        return pyarrow.nulls(len(array), target)
    if data_type in ("timestamp", "date") and pyarrow.types.is_string(array.type):
        array = to_time(array, data_type)
        if array is None:
            raise ValueError(f"texts in a column of type {data_type}")
    if data_type == "decimal":
        exact = from_texts(["0" if each is None else f"{_decimal(each):f}" for each in array.to_pylist()])
        return pc.if_else(array.is_valid(), exact.cast(target), pyarrow.nulls(len(array), target))
    return array.cast(target)


def _decimal(number: int | float) -> Decimal:
    return Decimal(repr(number))
