"""A schema's limits as SQL conditions on integers, doubles and decimals."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

from pipeline_cli.contracts.terms import FALSE, TRUE, Subject, UnsupportedError, any_of

_INT64 = (-(2**63), 2**63 - 1)
_SURE_DIGITS = 15  # every decimal of so many digits is a double, too


def number_condition(keyword: str, argument: Any, subject: Subject) -> str:
    """One of minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf. Raises UnsupportedError."""
    return _BY_KIND[subject.kind](keyword, argument, subject)


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
    exact = number_literal(argument, subject)
    if exact is None:
        raise UnsupportedError
    return f"{subject.value} {_SIGNS[keyword]} {exact}"


def _decimal(keyword: str, argument: int | float, subject: Subject) -> str:
    if keyword == "multipleOf":
        return _multiple(argument, subject)
    limit = _fraction(argument) * 10**subject.scale
    # jsonschema-rs compares decimals of more digits than a double has as doubles: no word on those next to the limit.
    margin = 0 if abs(limit) < 10**_SURE_DIGITS else ceil(abs(limit) / 10**_SURE_DIGITS)
    if keyword in ("minimum", "exclusiveMinimum"):
        steps, sign = ceil(limit) if keyword == "minimum" else floor(limit) + 1, ">="
        steps += margin
    else:
        steps, sign = floor(limit) if keyword == "maximum" else ceil(limit) - 1, "<="
        steps -= margin
    edge = number_literal(argument, subject) if margin and keyword in ("minimum", "maximum") else None
    condition = _within(subject, sign, steps)
    return condition if edge is None else any_of([condition, f"{subject.value} = {edge}"])


def _within(subject: Subject, sign: str, steps: int) -> str:
    """Comparison with a limit of 10^-scale `steps`, which may lie beyond all values of the column."""
    if abs(steps) < 10**subject.precision:
        return f"{subject.value} {sign} {_decimal_literal(steps, subject)}"
    return TRUE if (steps < 0) == (sign == ">=") else FALSE


_SIGNS = {"minimum": ">=", "maximum": "<=", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}


def _multiple(argument: int | float, subject: Subject) -> str:
    """Of decimals as they are written; jsonschema-rs calculates with fractions, so 0.3 is a multiple of 0.1."""
    text = f"CAST({subject.value} AS VARCHAR)"
    unit = _fraction(argument) * 10**9
    if unit.denominator != 1 or unit > 10**17:
        raise UnsupportedError
    # 64 bits: one conversion to 128 costs 3.5 µs.
    number = f"try_cast({text} AS DECIMAL(18, 9))"
    divisor = f"CAST('{_written(unit.numerator, 9)}' AS DECIMAL(18, 9))"
    shape = f"regexp_full_match({text}, '-?[0-9]+(?:[.][0-9]{{1,9}})?') AND strlen(rtrim({text}, '0')) <= 16"
    return f"{shape} AND {number} % {divisor} = 0"


def number_literal(number: int | float, subject: Subject) -> str | None:
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
    is_in &= len(Decimal(repr(number)).normalize().as_tuple().digits) <= _SURE_DIGITS
    return _decimal_literal(steps.numerator, subject) if is_in else None


def _decimal_literal(steps: int, subject: Subject) -> str:
    return f"CAST('{_written(steps, subject.scale)}' AS DECIMAL({subject.precision}, {subject.scale}))"


def _written(steps: int, scale: int) -> str:
    """`steps` of 10^-scale each, as a decimal number; Python's Decimal would round to 28 digits."""
    digits = f"{abs(steps):0{scale + 1}d}"
    sign = "-" if steps < 0 else ""
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}" if scale else f"{sign}{digits}"


_BY_KIND: dict[str, Callable[[str, Any, Subject], str]] = {
    "integer": _integer,
    "double": _double,
    "decimal": _decimal,
}
