"""Nested Arrow arrays: their parts, with what stands above them applied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def is_struct(array: Any) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_struct(array.type))


def is_list(array: Any) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_list(array.type))


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
