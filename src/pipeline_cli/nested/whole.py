"""Places in records that dlt keeps whole, as JSON in one column: beyond max_table_nesting, or declared so.

Places are a tree: the fields that lead there, lists looked through; None where the value is kept whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Places = Mapping[str, Any]  # of Places or None


def add_place(places: dict[str, Any], path: Sequence[str]) -> None:
    *above, last = path
    for key in above:
        places = places.setdefault(key, {})
    places[last] = None


def write_whole(value: Any, places: Places | None) -> Any:
    """The value with JSON texts at the places. Raises TypeError for a text that stands there itself."""
    if places is None:
        return _text_of(value)
    if isinstance(value, list):
        return [write_whole(each, places) for each in value]
    if isinstance(value, dict):
        return {
            **value,
            **{key: write_whole(value[key], each) for key, each in places.items() if key in value},
        }
    return value


def read_whole(value: Any, places: Places | None) -> Any:
    """The value with the objects and lists whose JSON stands at the places."""
    import orjson

    if places is None:
        return None if value is None else orjson.loads(value)
    if isinstance(value, list):
        return [read_whole(each, places) for each in value]
    if isinstance(value, dict):
        return {
            **value,
            **{key: read_whole(value[key], each) for key, each in places.items() if key in value},
        }
    return value


def _text_of(value: Any) -> Any:
    import orjson

    if isinstance(value, str):
        raise TypeError("a text where other records have an object")
    return orjson.dumps(value).decode() if isinstance(value, (dict, list)) else value
