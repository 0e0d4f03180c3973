"""One column's schema as an SQL condition on its typed value.

What is returned holds only for values that are exact already (texts.exact_sql). It may be false where the schema
holds, never true where it does not; UnsupportedError is raised where there is no such condition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline_cli.contracts.formats import format_condition
from pipeline_cli.contracts.number_conditions import number_condition, number_literal
from pipeline_cli.contracts.patterns import to_re2
from pipeline_cli.contracts.terms import FALSE, TRUE, Kind, Subject, UnsupportedError, all_of, any_of
from pipeline_cli.destinations.base import literal

_DEEPEST = 20
_FEW = 20  # constants
# Any other keyword is a remark, or speaks of objects and lists, or of what "if" says.
_UNSUPPORTED = frozenset(
    ("not", "if", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "dependencies")
)
_TEXTS: tuple[Kind, ...] = ("string", "date", "timestamp")
_NUMBERS: tuple[Kind, ...] = ("integer", "double", "decimal")
_OF_TEXTS = frozenset(("minLength", "maxLength", "pattern", "format"))
_OF_NUMBERS = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"))


def compile_condition(schema: Any, subject: Subject, root: Mapping[str, Any], depth: int = 0) -> str:
    """The condition for one subschema. root: the whole contract, for $ref. Raises UnsupportedError."""
    if isinstance(schema, bool):
        return TRUE if schema else FALSE
    if depth > _DEEPEST or not isinstance(schema, Mapping):
        raise UnsupportedError
    conditions = []
    for keyword, argument in schema.items():
        if keyword in _UNSUPPORTED:
            raise UnsupportedError
        if keyword in _APPLICATORS:
            conditions.append(_APPLICATORS[keyword](argument, subject, root, depth + 1))
        elif keyword in _KEYWORDS:
            conditions.append(_KEYWORDS[keyword](argument, subject))
        elif keyword in _OF_TEXTS:
            if subject.kind in _TEXTS:
                conditions.append(_text_keyword(keyword, argument, subject))
        elif keyword in _OF_NUMBERS and subject.kind in _NUMBERS:
            conditions.append(number_condition(keyword, argument, subject))
    return all_of(conditions)


def resolve(pointer: Any, root: Mapping[str, Any]) -> Any:
    """What a local reference ("#/$defs/price") names. Raises UnsupportedError for any other."""
    if not isinstance(pointer, str) or not (pointer == "#" or pointer.startswith("#/")) or "%" in pointer:
        raise UnsupportedError
    found: Any = root
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        elif isinstance(found, Mapping) and part in found:
            found = found[part]
        else:
            raise UnsupportedError
    return found


# -- schemas of schemas -------------------------------------------------------------------------------------------


def _reference(pointer: Any, subject: Subject, root: Mapping[str, Any], depth: int) -> str:
    return compile_condition(resolve(pointer, root), subject, root, depth)


def _all_of(schemas: Any, subject: Subject, root: Mapping[str, Any], depth: int) -> str:
    return all_of([compile_condition(each, subject, root, depth) for each in schemas])


def _any_of(schemas: Any, subject: Subject, root: Mapping[str, Any], depth: int) -> str:
    return any_of([compile_condition(each, subject, root, depth) for each in schemas])


def _one_of(schemas: Any, subject: Subject, root: Mapping[str, Any], depth: int) -> str:
    """Only where all but one are of other types: a condition that may be too careful does not count as broken."""
    possible = [each for each in schemas if not _is_of_another_type(each, subject)]
    if len(possible) > 1:
        raise UnsupportedError
    return compile_condition(possible[0], subject, root, depth) if possible else FALSE


def _is_of_another_type(schema: Any, subject: Subject) -> bool:
    if isinstance(schema, bool):
        return not schema
    return isinstance(schema, Mapping) and "type" in schema and _type(schema["type"], subject) == FALSE


_APPLICATORS: dict[str, Callable[[Any, Subject, Mapping[str, Any], int], str]] = {
    "$ref": _reference,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
}


# -- any value ----------------------------------------------------------------------------------------------------


def _type(argument: Any, subject: Subject) -> str:
    types = {argument} if isinstance(argument, str) else set(argument)
    if subject.kind in _TEXTS:
        return TRUE if "string" in types else FALSE
    if "number" in types or (subject.kind == "integer" and "integer" in types):
        return TRUE
    return f"floor({subject.value}) = {subject.value}" if "integer" in types else FALSE


def _enum(argument: Any, subject: Subject) -> str:
    if subject.kind in _TEXTS:
        texts = [each for each in argument if isinstance(each, str) and _is_storable(each)]
        if not texts:
            return FALSE
        return _is_one_of(_text_of(subject), list(map(literal, texts)))
    numbers = [each for each in argument if isinstance(each, (int, float)) and not isinstance(each, bool)]
    literals = [found for each in numbers if (found := number_literal(each, subject)) is not None]
    return _is_one_of(subject.value, literals) if literals else FALSE


def _is_one_of(value: str, literals: Sequence[str]) -> str:
    """Few constants one by one: DuckDB makes IN a join, during which it tells no progress; OR takes twice as long."""
    if len(literals) > _FEW:
        return f"{value} IN ({', '.join(literals)})"
    return f"CASE {value} {' '.join(f'WHEN {each} THEN true' for each in literals)} ELSE false END"


def _is_storable(text: str) -> bool:
    return "\x00" not in text and not any(0xD800 <= ord(char) <= 0xDFFF for char in text)


_KEYWORDS: dict[str, Callable[[Any, Subject], str]] = {
    "type": _type,
    "enum": _enum,
    "const": lambda argument, subject: _enum([argument], subject),
}


# -- texts --------------------------------------------------------------------------------------------------------


def _text_of(subject: Subject) -> str:
    if subject.text is None:
        raise UnsupportedError
    return subject.text


def _text_keyword(keyword: str, argument: Any, subject: Subject) -> str:
    if keyword == "format":
        return _format(argument, subject)
    text = _text_of(subject)
    if keyword == "minLength":
        least = int(argument)
        return TRUE if least == 0 else f"{text} <> ''" if least == 1 else f"length({text}) >= {least}"
    if keyword == "maxLength":
        return f"length({text}) <= {int(argument)}"
    pattern = to_re2(argument)
    if pattern is None:
        raise UnsupportedError
    return f"regexp_matches({text}, {literal(pattern)})"


def _format(name: str, subject: Subject) -> str:
    if (subject.kind, name) in (("date", "date"), ("timestamp", "date-time")):
        return TRUE
    condition = format_condition(name, _text_of(subject) if subject.text else "''")
    if condition is None or (subject.text is None and condition != TRUE):
        raise UnsupportedError
    return condition
