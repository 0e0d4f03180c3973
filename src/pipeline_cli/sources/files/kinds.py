"""What one text can be, as SQL: a number from the kinds below, of which a column is the union."""

from __future__ import annotations

from pipeline_cli.destinations.base import literal
from pipeline_cli.manifest.files import Csv

# What a value can be; a column is the union of its values.
BOOL, BIGINT, BIG_INTEGER, SHORT_NUMBER, LONG_NUMBER, EXPONENT = 1, 2, 4, 8, 16, 32
DATE, FORMATTED_DATE, TIME, ZONED_TIME, FORMATTED_TIME, TEXT = 64, 128, 256, 512, 1024, 2048

DOUBLE_DIGITS = 15  # any decimal of so many digits comes back from a double as it was
_NUMBER = r"-?(0|[1-9][0-9]*)?(\.[0-9]+)?"
_EXPONENT = r"-?[0-9](\.[0-9]{1,14})?[eE][-+]?[0-9]{1,2}"
_HOUR = r"([01][0-9]|2[0-3])"
_TIME = rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[T ]({_HOUR}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,6}})?)?)"
_OFFSET = r"(Z|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)"
_FIRST, _LAST = "TIMESTAMP '0001-01-01'", "TIMESTAMP '9999-12-31 23:59:59.999999'"


def kind_sql(value: str, said: Csv, *, temporal: bool = False) -> str:
    """The kind of one value, NULL for none; temporal: a date, a time or a text, whatever else it looks like."""
    number = f"regexp_full_match({value}, '{_NUMBER}')"
    digits = f"length(ltrim(translate({value}, '-.', ''), '0'))"
    local = f"try_cast(regexp_extract({value}, '^{_TIME}', 0) AS TIMESTAMP)"
    time = f"{local} BETWEEN {_FIRST} AND {_LAST}"
    in_utc = f"{local} - {_offset(value)} BETWEEN {_FIRST} AND {_LAST}"
    formatted = _formatted(value, said.date_format, FORMATTED_DATE)
    formatted += _formatted(value, said.timestamp_format, FORMATTED_TIME)
    times = f"""
        WHEN length({value}) = 10 AND try_cast({value} AS DATE)::VARCHAR = {value} THEN {DATE}
        WHEN regexp_full_match({value}, '{_TIME}') AND {time} THEN {TIME}
        WHEN regexp_full_match({value}, '{_TIME}{_OFFSET}') AND {time} AND {in_utc} THEN {ZONED_TIME}"""
    if temporal:
        return f"CASE WHEN {value} IS NULL THEN NULL{times} ELSE {TEXT} END"
    return f"""CASE WHEN {value} IS NULL THEN NULL{formatted}
        WHEN try_cast({value} AS BIGINT)::VARCHAR = {value} THEN {BIGINT}
        WHEN {number} AND {value} NOT IN ('', '-', '-0') THEN CASE
            WHEN {value} NOT LIKE '%.%' THEN {BIG_INTEGER}
            WHEN {digits} <= {DOUBLE_DIGITS} OR try_cast({value} AS DOUBLE)::VARCHAR = {value} THEN {SHORT_NUMBER}
            ELSE {LONG_NUMBER} END
        WHEN regexp_full_match({value}, '{_EXPONENT}') THEN {EXPONENT}{times}
        WHEN lower({value}) IN ('true', 'false') THEN {BOOL}
        ELSE {TEXT} END"""


def _formatted(value: str, form: str | None, kind: int) -> str:
    if form is None:
        return ""
    return f"\n        WHEN try_strptime({value}, {literal(form)}) BETWEEN {_FIRST} AND {_LAST} THEN {kind}"


def _offset(value: str) -> str:
    """The interval by which the time of a zoned text is ahead of UTC."""
    sign, hours, minutes = (
        f"regexp_extract({value}, '([+-])([0-9]{{2}}):?([0-9]{{2}})?$', {n})" for n in (1, 2, 3)
    )
    size = f"coalesce(try_cast({hours} AS INTEGER), 0) * 60 + coalesce(try_cast({minutes} AS INTEGER), 0)"
    return f"to_minutes(CASE WHEN {sign} = '-' THEN -1 ELSE 1 END * ({size}))"
