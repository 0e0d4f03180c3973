"""One record that stands for all of a nested table: the first value of each field. From it dlt evolves its schema."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline_cli.nested.arrays import column_arrays, is_list, is_struct, struct_fields
from pipeline_cli.nested.whole import Places, read_whole


def exemplar(nested: Any, whole: Places) -> Any:
    """whole: the places whose texts are JSON."""
    return read_whole({name: _first(array) for name, array in column_arrays(nested)}, whole)


def _first(array: Any) -> Any:
    if is_struct(array):
        return {name: _first(each) for name, each in struct_fields(array)}
    if is_list(array):
        items = array.flatten()
        return [_first(items)] if len(items) else []
    found = array.drop_null()
    return _value(found[0]) if len(found) else None


def _value(scalar: Any) -> Any:
    """For a time as_py() imports pandas, 0.3 s."""
    import pyarrow

    if scalar.type.equals(pyarrow.timestamp("us", tz="UTC")):  # stamping.py's
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=scalar.value)
    return scalar.as_py()
