"""dbt's own macros as the linter needs them: functions of SQL."""

from __future__ import annotations


def type_string() -> str:
    return "text"


def hash(value: str) -> str:
    return f"md5({value})"


def date_trunc(period: str, moment: str) -> str:
    return f"date_trunc('{period}', {moment})"


def datediff(first: str, second: str, period: str) -> str:
    return f"date_diff('{period}', {first}, {second})"
