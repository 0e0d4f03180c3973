"""One column's schema as an SQL condition on its typed value.

What is returned holds only for values that are exact already (texts.exact_sql). It may be false where the schema
holds, never true where it does not; UnsupportedError is raised where there is no such condition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any, Literal

from pipeline_cli.contracts.formats import format_condition
from pipeline_cli.contracts.patterns import to_re2
from pipeline_cli.contracts.text_values import literal

Kind = Literal["string", "date", "timestamp", "integer", "double", "decimal"]
TRUE, FALSE = "true", "false"
_INT64 = (-(2**63), 2**63 - 1)
_DEEPEST = 20
_FEW = 20  # constants
# Any other keyword is a remark, or speaks of objects and lists, or of what "if" says.
_UNSUPPORTED = frozenset(
    ("not", "if", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "dependencies")
)
_OF_TEXTS = frozenset(("minLength", "maxLength", "pattern", "format"))
_OF_NUMBERS = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"))


class UnsupportedError(Exception):
    """A schema that SQL does not say."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a condition is about. kind: how the contract sees the value; value, text: SQL references.

    text: the string as the contract sees it, None where SQL does not have it. precision, scale: of decimals.
    Kinds date and timestamp are those that the contract sees in ISO form, however they were written.
    """

    kind: Kind
    value: str
    text: str | None = None
    precision: int = 38
    scale: int = 0


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
            if subject.kind in ("string", "date", "timestamp"):
                conditions.append(_text_keyword(keyword, argument, subject))
        elif keyword in _OF_NUMBERS and subject.kind in _NUMERIC:
            conditions.append(_NUMERIC[subject.kind](keyword, argument, subject))
    return all_of(conditions)


def all_of(conditions: Sequence[str]) -> str:
    """The conditions joined by AND, constants taken out."""
    if FALSE in conditions:
        return FALSE
    kept = [each for each in conditions if each != TRUE]
    return " AND ".join(f"({each})" for each in kept) if kept else TRUE


def any_of(conditions: Sequence[str]) -> str:
    """The conditions joined by OR, constants taken out."""
    if TRUE in conditions:
        return TRUE
    kept = [each for each in conditions if each != FALSE]
    return " OR ".join(f"({each})" for each in kept) if kept else FALSE


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
    if subject.kind in ("string", "date", "timestamp"):
        return TRUE if "string" in types else FALSE
    if "number" in types or (subject.kind == "integer" and "integer" in types):
        return TRUE
    return f"floor({subject.value}) = {subject.value}" if "integer" in types else FALSE


def _enum(argument: Any, subject: Subject) -> str:
    if subject.kind in ("string", "date", "timestamp"):
        texts = [each for each in argument if isinstance(each, str) and _is_storable(each)]
        if not texts:
            return FALSE
        return _is_one_of(_text_of(subject), list(map(literal, texts)))
    numbers = [each for each in argument if isinstance(each, (int, float)) and not isinstance(each, bool)]
    literals = [found for each in numbers if (found := _number_literal(each, subject)) is not None]
    return _is_one_of(subject.value, literals) if literals else FALSE


def _is_one_of(value: str, literals: Sequence[str]) -> str:
    """Few constants one by one: DuckDB makes IN a join, during which it tells no progress."""
    if len(literals) > _FEW:
        return f"{value} IN ({', '.join(literals)})"
    return "(" + " OR ".join(f"{value} = {each}" for each in literals) + ")"


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


# -- numbers ------------------------------------------------------------------------------------------------------


def _fraction(number: int | float) -> Fraction:
    """The number as it is written, as jsonschema-rs compares: 0.1 is a tenth."""
    return Fraction(Decimal(repr(number)))


def _integer(keyword: str, argument: int | float, subject: Subject) -> str:
    limit = _fraction(argument)
    if keyword == "multipleOf":
        if limit.denominator != 1 or limit > _INT64[1]:
            raise UnsupportedError
        return f"{subject.value} % {limit.numerator} = 0"
    low = {"minimum": ceil(limit), "exclusiveMinimum": floor(limit) + 1}.get(keyword)
    if low is not None:
        return FALSE if low > _INT64[1] else f"{subject.value} >= {low}" if low > _INT64[0] else TRUE
    high = floor(limit) if keyword == "maximum" else ceil(limit) - 1
    return FALSE if high < _INT64[0] else f"{subject.value} <= {high}" if high < _INT64[1] else TRUE


def _double(keyword: str, argument: int | float, subject: Subject) -> str:
    if keyword == "multipleOf":
        return _multiple(argument, subject)
    exact = _number_literal(argument, subject)
    if exact is None:
        raise UnsupportedError
    return f"{subject.value} {_SIGNS[keyword]} {exact}"


def _decimal(keyword: str, argument: int | float, subject: Subject) -> str:
    if keyword == "multipleOf":
        return _multiple(argument, subject)
    places = _fraction(argument) * 10**subject.scale
    beyond = 10**subject.precision
    if keyword in ("minimum", "exclusiveMinimum"):
        steps = ceil(places) if keyword == "minimum" else floor(places) + 1
        if steps >= beyond:
            return FALSE
        return TRUE if steps <= -beyond else f"{subject.value} >= {_decimal_literal(steps, subject)}"
    steps = floor(places) if keyword == "maximum" else ceil(places) - 1
    if steps <= -beyond:
        return FALSE
    return TRUE if steps >= beyond else f"{subject.value} <= {_decimal_literal(steps, subject)}"


_SIGNS = {"minimum": ">=", "maximum": "<=", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}
_NUMERIC: dict[str, Callable[[str, Any, Subject], str]] = {
    "integer": _integer,
    "double": _double,
    "decimal": _decimal,
}


def _multiple(argument: int | float, subject: Subject) -> str:
    """Of decimals as they are written; jsonschema-rs calculates with fractions, so 0.3 is a multiple of 0.1."""
    text = f"CAST({subject.value} AS VARCHAR)"
    unit = _fraction(argument) * 10**9
    if unit.denominator != 1 or unit > 10**17:
        raise UnsupportedError
    # 64 bits: one conversion to 128 costs 3.5 µs.
    number = f"try_cast({text} AS DECIMAL(18, 9))"
    divisor = f"CAST('{_written(unit.numerator, 9)}' AS DECIMAL(18, 9))"
    return f"regexp_full_match({text}, '-?[0-9]+(?:[.][0-9]{{1,9}})?') AND {number} % {divisor} = 0"


def _number_literal(number: int | float, subject: Subject) -> str | None:
    """The number in the column's own type; None where it does not fit there."""
    exact = _fraction(number)
    if subject.kind == "integer":
        is_in = exact.denominator == 1 and _INT64[0] < exact.numerator <= _INT64[1]
        return str(exact.numerator) if is_in else None
    if subject.kind == "double":
        is_exact = isinstance(number, float) or abs(number) <= 2**53
        return f"CAST('{float(number)!r}' AS DOUBLE)" if is_exact else None
    steps = exact * 10**subject.scale
    is_in = steps.denominator == 1 and abs(steps.numerator) < 10**subject.precision
    return _decimal_literal(steps.numerator, subject) if is_in else None


def _decimal_literal(steps: int, subject: Subject) -> str:
    return f"CAST('{_written(steps, subject.scale)}' AS DECIMAL({subject.precision}, {subject.scale}))"


def _written(steps: int, scale: int) -> str:
    """`steps` of 10^-scale each, as a decimal number; Python's Decimal would round to 28 digits."""
    digits = f"{abs(steps):0{scale + 1}d}"
    sign = "-" if steps < 0 else ""
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}" if scale else f"{sign}{digits}"
