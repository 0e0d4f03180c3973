"""What a plain scalar means: YAML 1.2's core schema, and our durations and limits.

Only true and false are booleans; `NO`, `on`, `22:22` and `2024-01-01` are text. Where YAML 1.1 tools, or a
reader, would take a number for something else (`010`, `1.10` as a version), `surprise` says so.
"""

from __future__ import annotations

import re
from datetime import timedelta

from pipeline_cli.manifest.models import Limit

_INFINITE = (float("inf"), float("-inf"))

Value = str | int | float | bool | None

_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
YAML_11_BOOLS = frozenset(("yes", "no", "on", "off", "y", "n"))
_NUMBER_STARTS = frozenset("+-.0123456789")
# Patterns are text, compiled by `re` on first use: most runs need few of them.
_INT = r"[-+]?[0-9]{1,4000}|0o[0-7]{1,4000}|0x[0-9a-fA-F]{1,4000}"
_FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
_LEADING_ZERO = r"[-+]?0[0-9]+(\.[0-9]*)?"
_TRAILING_ZERO = r"[-+]?[0-9]+\.[0-9]+0"
_NOT_FINITE = r"(?i:[-+]?\.(inf|nan))"

DURATION = r"([0-9]{1,9}(\.[0-9]{1,6})?(ms|s|m|h|d|w))+"
LIMIT = r"([0-9]{1,18}|(100(\.0{1,9})?|[0-9]{1,2}(\.[0-9]{1,9})?) ?%)"
_DURATION_PART = r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|w)"
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def is_null(text: str) -> bool:
    return text in _NULLS


def resolve(text: str) -> Value:
    """The value of a plain scalar: None, a bool, an int, a float, or the text itself."""
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if re.fullmatch(_INT, text):
        return int(text, 10 if text[:2] not in ("0o", "0x") else 0)
    if re.fullmatch(_FLOAT, text):
        # float() knows "inf" and "nan" without YAML's dot.
        return float(text.replace(".", "") if text[-1] in "fFnN" else text)
    return text


def surprise(text: str, *, textual: bool = True) -> str | None:
    """Why a plain number may not be read as it is written; None for an ordinary one.

    textual: text would be allowed there too, so that 1.10 may have been meant as a version.
    """
    if not text or text[0] not in _NUMBER_STARTS:
        return None
    if re.fullmatch(_LEADING_ZERO, text):
        return "its leading zero would be lost, and older YAML reads it as octal"
    if textual and re.fullmatch(_TRAILING_ZERO, text):
        return "its last zero would be lost"
    if re.fullmatch(_NOT_FINITE, text) or resolve(text) in _INFINITE:
        return "it is not a finite number"
    return None


def parse_duration(text: str) -> timedelta | None:
    """The duration of "45s", "30m", "1h30m", "1d", "2w" or "500ms"; None when it is none."""
    if not re.fullmatch(DURATION, text):
        return None
    try:
        return sum(
            (timedelta(seconds=float(n) * _UNIT_S[unit]) for n, unit in re.findall(_DURATION_PART, text)),
            timedelta(),
        )
    except OverflowError:
        return None


def parse_limit(text: str) -> Limit | None:
    """The limit of "1%" (0 to 100) or of a count such as 25; None when it is neither."""
    if not re.fullmatch(LIMIT, text):
        return None
    if text.endswith("%"):
        return Limit(share=float(text[:-1]) / 100)
    return Limit(count=int(text))
