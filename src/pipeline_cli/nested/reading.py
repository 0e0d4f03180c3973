"""A page of records as one nested Arrow table, where that holds each of them exactly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pipeline_cli.contracts.json_values import may_lose_digits
from pipeline_cli.contracts.reasons import Record
from pipeline_cli.nested.arrays import column_arrays, has_null_items, leaf_arrays
from pipeline_cli.nested.pages import PageTable, ReceivedPage
from pipeline_cli.nested.shape import Shape, ShapeBuilder
from pipeline_cli.nested.values import is_exact
from pipeline_cli.nested.whole import Places, write_whole

# A text that begins with a character that dlt gives a meaning (U+F026 to U+F02F are among these), and U+0000, which no
# database stores, as orjson writes it. In JSON as others write it: the same as escapes, and surrogates.
_PRIVATE = b'"\xef\x80'
_NUL = b"\\u0000"
_ODD_ESCAPES = re.compile(rb"\\u(?:0000|[dD][89a-fA-F]|[fF]0)")
_EXPONENT = re.compile(rb"[0-9.][eE][-+]?[0-9]+[\t\n\v\f\r ]*(?:[,\]}]|\Z)")
_AT_ONCE = 1 << 17  # bytes that are looked at, which stay in the processor's cache meanwhile
_ALL_EIGHT = 0x0101010101010101
_RECORDS = "records"
_IN_VAIN = 20  # pages, one after the other, that did not have the shape of those before
_TEXTS_IN_VAIN = 5  # pages, one after the other, that had to be decoded after all
_WITH_DIGITS = frozenset(("double", "decimal"))


class PageReader:
    """Reads the pages of one resource. It knows the shape of the records that were accepted before, and no other."""

    def __init__(self, builder: ShapeBuilder) -> None:
        self._builder = builder
        self._shape: Shape | None = None
        self._in_vain = 0
        self._texts_in_vain = 0

    @property
    def has_given_up(self) -> bool:
        """Whether page after page was other than those before: the records are of no one shape."""
        return self._in_vain >= _IN_VAIN

    @property
    def has_shape(self) -> bool:
        """Whether records were learnt that are of one shape."""
        return self._shape is not None

    @property
    def problem(self) -> str:
        """Why the records that were learnt last are of no one shape; empty where they are, or may be."""
        return self._builder.problem

    def read(self, records: Sequence[Record]) -> PageTable | None:
        """The records as a table; None where one of them has another shape, or a value that is not certainly exact."""
        if self._shape is None or self.has_given_up or not records:
            return None
        found = _read(records, self._shape)
        self._in_vain = 0 if found else self._in_vain + 1
        return found

    def read_text(self, body: bytes) -> ReceivedPage | None:
        """A page from its JSON alone; None where it has to be decoded. Safe in any thread. body: UTF-8, a list."""
        shape = self._shape
        if shape is None or self.has_given_up or self._texts_in_vain >= _TEXTS_IN_VAIN:
            return None
        found = _read_text(body, shape)
        self._texts_in_vain = 0 if found else self._texts_in_vain + 1
        return ReceivedPage(body, found, shape) if found else None

    def takes(self, received: ReceivedPage) -> bool:
        """Whether the shape is still the one that the page was read with."""
        return received.shape is self._shape and not self.has_given_up

    def learn(self, records: Sequence[Record]) -> PageTable | None:
        """Add the shape of records that were accepted one by one; these as a table, where they now have one."""
        if self.has_given_up or not records:
            return None
        shape = self._builder.learn(records)
        if shape is None:
            self._in_vain += self._shape is None  # else `read` has counted this page
            return None
        self._shape = shape
        return _read(records, shape)


def _read(records: Sequence[Record], shape: Shape) -> PageTable | None:
    try:
        body = _write_body(records, shape.whole)
    except TypeError:  # not JSON's own types: a Decimal, a time, a NaN
        return None
    is_odd = _has_private(body) or (b"\\" in body and _NUL in body)
    found = None if is_odd else _read_body(body, shape)
    if found is None or found.table.num_rows != len(records):
        return None
    return replace(found, records=records)


def _read_text(body: bytes, shape: Shape) -> PageTable | None:
    """As `_read`, of JSON as it came. Arrow refuses two equal keys, and whatever is not JSON but NaN and infinities."""
    if shape.whole or not body.startswith(b"[") or _has_private(body):
        return None
    if b"\\" in body and _ODD_ESCAPES.search(body):
        return None
    has_digits = any(leaf.data_type in _WITH_DIGITS for leaf in shape.leaves)
    if has_digits and _has_long_number(body) and may_lose_digits(body):
        return None
    return _read_body(b'{"%s":%s}' % (_RECORDS.encode(), body), shape) if _is_utf8(body) else None


def _has_long_number(body: bytes) -> bool:
    """Whether it is worth to ask may_lose_digits: there are 16 digits in a row, or a number has an exponent.

    By numpy, which leaves Python to the other threads meanwhile. Of 16 digits in a row, eight begin at a place that is
    a multiple of eight.
    """
    import numpy

    data = numpy.frombuffer(body, numpy.uint8)
    for begin in range(0, len(data), _AT_ONCE):
        some = data[begin : begin + _AT_ONCE + 16]
        is_digit = (some - ord(".")) < 12  # '.', '/' and the ten digits
        eights = is_digit[: len(some) // 8 * 8].view(numpy.uint64)
        if (eights == _ALL_EIGHT).any():
            return True
        before_e = is_digit[:-1] & ((some[1:] | 0x20) == ord("e"))
        if any(_EXPONENT.match(body, begin + int(place)) for place in numpy.flatnonzero(before_e)):
            return True
    return False


def _has_private(body: bytes) -> bool:
    return b"\xef" in body and _PRIVATE in body  # its first byte is rare, and soon looked for


def _is_utf8(body: bytes) -> bool:
    try:
        return body.isascii() or bool(body.decode())
    except UnicodeDecodeError:
        return False


def _read_body(body: bytes, shape: Shape) -> PageTable | None:
    """All rows that the body holds; None where one is not certainly exact."""
    import pyarrow

    try:
        table = _parse(body, shape)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError):
        return None
    if table is None:
        return None
    fields = column_arrays(table)
    if has_null_items(fields):
        return None
    values = list(zip(shape.leaves, leaf_arrays(fields), strict=True))
    if not all(is_exact(leaf, array) for leaf, array in values):
        return None
    filled = [(leaf.table, leaf.column, len(array), len(array) - array.null_count) for leaf, array in values]
    return PageTable((), table, shape.whole, filled)


def _write_body(records: Sequence[Record], whole: Places) -> bytes:
    """All records as one JSON object, which Arrow reads as one row. Raises TypeError for a value that is not JSON's."""
    import orjson

    only_json = orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATETIME
    if whole:
        records = [write_whole(record, whole) for record in records]
    return orjson.dumps({_RECORDS: list(records)}, option=only_json)


def _parse(body: bytes, shape: Shape) -> Any:
    """The rows of the body's one object; None where there is none, or a null among them."""
    import pyarrow
    import pyarrow.json

    record = pyarrow.struct(list(shape.schema))
    # One block, so that a column is one array; in this thread: the other processor fetches the next page.
    page = pyarrow.json.read_json(
        pyarrow.py_buffer(body),
        read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(body) + 1),
        parse_options=pyarrow.json.ParseOptions(
            explicit_schema=pyarrow.schema([(_RECORDS, pyarrow.list_(record))]),
            unexpected_field_behavior="error",
        ),
    )
    if page.num_rows != 1:
        return None
    rows = page.column(_RECORDS).chunk(0).flatten()
    return pyarrow.Table.from_struct_array(rows) if len(rows) and not rows.null_count else None
