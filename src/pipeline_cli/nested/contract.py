"""A contract held against a page's table: whether every record is sure to meet it, by one look at each column.

Sure is what this says yes to; of what it says no to, the validator judges record by record. So it may leave out
whatever it does not know: keywords, formats, and a null, of which an Arrow array does not tell whether the record
has it or has no such field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipeline_cli.contracts.conditions import resolve
from pipeline_cli.contracts.formats import sure_shape
from pipeline_cli.contracts.patterns import to_re2
from pipeline_cli.contracts.terms import UnsupportedError
from pipeline_cli.nested.arrays import column_arrays, from_numbers, from_texts, kind_of, struct_fields

# Of an array's values that are not null: whether all of them hold.
_Check = Callable[[Any], bool]
_Fields = Sequence[tuple[str, Any]]

_DEEPEST = 20
_REMARKS = frozenset(("$schema", "$comment", "$defs", "definitions", "title", "description", "default"))
_REMARKS |= {"examples", "deprecated", "readOnly", "writeOnly"}
_OF_OBJECTS = frozenset(("properties", "required", "additionalProperties"))
_OF_TYPES = {"integer": ("integer", "number"), "number": ("number",)}


@dataclass(slots=True)
class _Root:
    """The contract. left: how many schemas may still be read in it: references may multiply them without end."""

    schema: Mapping[str, Any]
    left: int = 1_000


def sure_holds(schema: Any) -> Callable[[Any], bool] | None:
    """Whether all rows of a table are sure to meet the schema; None for a schema that this does not know.

    The table's columns are fields as Arrow reads them from JSON (shape.py).
    """
    try:
        check = _compile_record(schema)
    except UnsupportedError:
        return None
    return lambda table: check(column_arrays(table), table.num_rows)


def _compile(schema: Any, root: _Root, depth: int) -> _Check:
    if schema is True:
        return lambda array: True
    root.left -= 1
    if not isinstance(schema, Mapping) or depth > _DEEPEST or root.left < 0:
        raise UnsupportedError
    others = schema.keys() - _OF_OBJECTS
    checks = [_keyword(name, schema[name], root, depth) for name in schema if name in others]
    if len(others) < len(schema):
        fields_hold = _compile_object(schema, root, depth)
        checks.append(lambda array: kind_of(array) != "object" or fields_hold(*_object(array)))
    return lambda array: array.null_count == len(array) or all(check(array) for check in checks)


def _keyword(name: str, argument: Any, root: _Root, depth: int) -> _Check:
    if name == "$ref":
        return _compile(resolve(argument, root.schema), root, depth + 1)
    if name == "items":
        return _items(argument, root, depth)
    if name in _KEYWORDS:
        return _KEYWORDS[name](argument)
    if name in _LIMITS:
        kind, measure = _LIMITS[name]
        return _limit(name, argument, kind, measure)
    if name in _REMARKS:
        return lambda array: True
    raise UnsupportedError


# -- objects and lists --------------------------------------------------------------------------------------------


def _compile_record(schema: Any) -> Callable[[_Fields, int], bool]:
    """As `_compile_object`, of the contract itself."""
    if not isinstance(schema, Mapping) or schema.get("type", "object") != "object":
        raise UnsupportedError
    if not schema.keys() <= _REMARKS | _OF_OBJECTS | {"type"}:
        raise UnsupportedError
    return _compile_object(schema, _Root(schema), 0)


def _object(array: Any) -> tuple[_Fields, int]:
    return struct_fields(array), len(array) - array.null_count


def _compile_object(schema: Mapping[str, Any], root: _Root, depth: int) -> Callable[[_Fields, int], bool]:
    """The check of objects by their fields, and of how many there are."""
    properties = {
        name: (_compile(each, root, depth + 1), _allows_null(each, root, depth))
        for name, each in schema.get("properties", {}).items()
    }
    required = frozenset(schema.get("required", ()))
    others_allowed = schema.get("additionalProperties", True)
    if not isinstance(others_allowed, bool):
        raise UnsupportedError

    def check(fields: _Fields, count: int) -> bool:
        found = dict(fields)
        if not required <= found.keys() or not (others_allowed or found.keys() <= properties.keys()):
            return False
        for name, array in fields:
            holds, allows_null = properties.get(name, (None, True))
            has_nulls = len(array) - array.null_count < count
            if has_nulls and (name in required or not allows_null):
                return False
            if holds is not None and not holds(array):
                return False
        return True

    return check


def _items(schema: Any, root: _Root, depth: int) -> _Check:
    holds, allows_null = _compile(schema, root, depth + 1), _allows_null(schema, root, depth)

    def check(array: Any) -> bool:
        if kind_of(array) != "array":
            return True
        items = array.flatten()
        return (allows_null or not items.null_count) and holds(items)

    return check


def _allows_null(schema: Any, root: _Root, depth: int) -> bool:
    if not isinstance(schema, Mapping):
        return bool(schema)
    if "$ref" in schema and (
        depth > _DEEPEST or not _allows_null(resolve(schema["$ref"], root.schema), root, depth + 1)
    ):
        return False
    listed = schema.get("enum", [schema["const"]] if "const" in schema else [None])
    return None in listed and ("type" not in schema or "null" in _types(schema["type"]))


def _types(argument: Any) -> Sequence[str]:
    return [argument] if isinstance(argument, str) else list(argument)


# -- values -------------------------------------------------------------------------------------------------------


def _type(argument: Any) -> _Check:
    allowed = frozenset(_types(argument))
    return lambda array: not allowed.isdisjoint(_OF_TYPES.get(kind_of(array), (kind_of(array),)))


def _enum(argument: Any) -> _Check:
    texts = [each for each in argument if isinstance(each, str)]
    integers = [each for each in argument if type(each) is int and -(2**63) <= each < 2**63]

    def check(array: Any) -> bool:
        import numpy
        import pyarrow

        if kind_of(array) == "string" and texts:
            return _is_in(array, from_texts(texts))
        if kind_of(array) == "integer" and integers:
            return _is_in(array, from_numbers(numpy.array(integers, numpy.int64), pyarrow.int64()))
        return False

    return check


def _is_in(array: Any, listed: Any) -> bool:
    import pyarrow.compute as pc

    return _all(pc.is_in(array.drop_null(), value_set=listed))


def _pattern(argument: str) -> _Check:
    pattern = to_re2(argument)
    if pattern is None:
        raise UnsupportedError
    return lambda array: kind_of(array) != "string" or _matches(array, pattern)


def _format(argument: str) -> _Check:
    shape = sure_shape(argument)
    if shape is None:
        raise UnsupportedError
    if shape.pattern is None:
        return lambda array: True

    def check(array: Any) -> bool:
        import pyarrow
        import pyarrow.compute as pc

        if kind_of(array) != "string":
            return True
        if (
            not _matches(array, f"^(?:{shape.pattern})$")
            or _largest(pc.binary_length(array)) > shape.most_bytes
        ):
            return False
        if not shape.is_dated:
            return True
        try:
            return bool(pc.cast(pc.utf8_slice_codeunits(array, 0, 10), pyarrow.date32()) is not None)
        except pyarrow.ArrowInvalid:  # a day that is in no calendar
            return False

    return check


def _matches(array: Any, pattern: str) -> bool:
    import pyarrow.compute as pc

    return _all(pc.match_substring_regex(array, pattern))


def _all(truths: Any) -> bool:
    import pyarrow.compute as pc

    return pc.all(truths, min_count=0).as_py() is not False


def _largest(numbers: Any) -> Any:
    import pyarrow.compute as pc

    return pc.max(numbers).as_py()


# -- limits -------------------------------------------------------------------------------------------------------


def _limit(name: str, argument: Any, kinds: frozenset[str], measure: str) -> _Check:
    limit, is_least = _exact(argument), name in _LEAST

    def check(array: Any) -> bool:
        import pyarrow.compute as pc

        if kind_of(array) not in kinds:
            return True
        ends = pc.min_max(pc.call_function(measure, [array]) if measure else array)
        end = _exact(ends["min" if is_least else "max"].as_py())
        if name.startswith("exclusive"):
            return end > limit if is_least else end < limit
        return end >= limit if is_least else end <= limit

    return check


def _exact(number: Any) -> Decimal:
    """As it is written, as jsonschema-rs compares: 0.1 is a tenth."""
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise UnsupportedError
    return Decimal(repr(number))


_NUMBERS = frozenset(("integer", "number"))
_LEAST = frozenset(("minimum", "exclusiveMinimum", "minLength", "minItems"))
_KEYWORDS: Mapping[str, Callable[[Any], _Check]] = {
    "type": _type,
    "enum": _enum,
    "const": lambda argument: _enum([argument]),
    "pattern": _pattern,
    "format": _format,
}
_LIMITS: Mapping[str, tuple[frozenset[str], str]] = {
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), (_NUMBERS, "")),
    **dict.fromkeys(("minLength", "maxLength"), (frozenset(("string",)), "utf8_length")),
    **dict.fromkeys(("minItems", "maxItems"), (frozenset(("array",)), "list_value_length")),
}
