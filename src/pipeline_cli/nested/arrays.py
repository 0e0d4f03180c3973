"""Nested Arrow arrays: their parts, with what stands above them applied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

_PAGE_ROWS = 10_000


def from_numbers(numbers: Any, kind: Any) -> Any:
    """An array of a numpy array of the same width, without a copy. kind: a pyarrow type.

    Not pyarrow.array(), which imports pandas to look at what it is given, 0.3 s; nor is `repeat_text` its repeat().
    """
    import pyarrow

    return pyarrow.Array.from_buffers(kind, len(numbers), [None, pyarrow.py_buffer(numbers)])


def from_letters(letters: bytes, width: int, count: int) -> Any:
    """So many texts of so many bytes each, which stand one after the other in `letters`."""
    import numpy
    import pyarrow

    offsets = numpy.arange(count + 1, dtype=numpy.int32) * numpy.int32(width)
    return pyarrow.StringArray.from_buffers(count, pyarrow.py_buffer(offsets), pyarrow.py_buffer(letters))


def from_texts(texts: Sequence[str]) -> Any:
    """An array of texts."""
    import numpy
    import pyarrow

    written = [text.encode() for text in texts]
    offsets = numpy.zeros(len(texts) + 1, numpy.int32)
    numpy.cumsum(numpy.fromiter(map(len, written), numpy.int32, len(texts)), out=offsets[1:])
    letters = b"".join(written)
    return pyarrow.StringArray.from_buffers(
        len(texts), pyarrow.py_buffer(offsets), pyarrow.py_buffer(letters)
    )


def repeat_text(text: str, count: int) -> Any:
    """An array of the same text so many times."""
    return _repeat_kept(text, count) if count <= _PAGE_ROWS else _repeat(text, count)


def _repeat(text: str, count: int) -> Any:
    letters = text.encode()
    return from_letters(letters * count, len(letters), count)


_repeat_kept = lru_cache(8)(_repeat)  # page after page has the same


def list_lengths(array: Any) -> Any:
    """How many items each list of an array has, as numpy's int64; a null has none."""
    import numpy

    if not len(array):
        return numpy.zeros(0, numpy.int64)
    valid, offsets = array.buffers()[:2]
    lengths = numpy.diff(numpy.frombuffer(offsets, numpy.int32, len(array) + 1, 4 * array.offset))
    if array.null_count:
        bits = numpy.unpackbits(numpy.frombuffer(valid, numpy.uint8), bitorder="little")
        lengths = lengths * bits[array.offset : array.offset + len(array)]
    return lengths.astype(numpy.int64)


def is_struct(array: Any) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_struct(array.type))


def is_list(array: Any) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_list(array.type))


def kind_of(array: Any) -> str:
    """What JSON calls the values of an array that was read from it."""
    import pyarrow

    types = pyarrow.types
    kinds = (
        ("string", types.is_string),
        ("integer", types.is_integer),
        ("number", types.is_floating),
        ("object", types.is_struct),
        ("array", types.is_list),
        ("boolean", types.is_boolean),
    )
    return next((name for name, is_kind in kinds if is_kind(array.type)), "null")


def column_arrays(table: Any) -> list[tuple[str, Any]]:
    """A table's columns by name, each as one array."""
    import pyarrow

    found = []
    for name, column in zip(table.schema.names, table.columns, strict=True):
        array = column.chunk(0) if column.num_chunks == 1 else pyarrow.concat_arrays(column.chunks)
        found.append((name, array))
    return found


def struct_fields(array: Any) -> list[tuple[str, Any]]:
    """A struct's fields by name; null where the struct is."""
    return list(zip([field.name for field in array.type], array.flatten(), strict=True))


def leaf_arrays(fields: list[tuple[str, Any]]) -> Iterator[Any]:
    """The arrays that hold values, those of objects and lists in the place of these."""
    for _, array in fields:
        if is_struct(array):
            yield from leaf_arrays(struct_fields(array))
        elif is_list(array):
            yield from leaf_arrays([("", array.flatten())])
        else:
            yield array


def has_null_items(fields: list[tuple[str, Any]]) -> bool:
    """Whether a list of objects holds a null: dlt makes a row of it as it does of a plain value."""
    for _, array in fields:
        if is_struct(array) and has_null_items(struct_fields(array)):
            return True
        if is_list(array):
            items = array.flatten()
            if is_struct(items) and (items.null_count or has_null_items(struct_fields(items))):
                return True
    return False
