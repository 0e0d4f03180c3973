"""JSON Schema's formats as conditions on texts, in SQL or by RE2. Each is narrower than the format: what fails goes
to Python.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline_cli.destinations.base import literal

_HEX = "[0-9a-fA-F]"
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_LABEL = "[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"  # no '--': xn-- begins a name that is decoded and judged
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]{1,9})?"
_OFFSET = "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_SHAPES = {
    "date-time": f"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_CLOCK}{_OFFSET}",
    "time": f"{_CLOCK}{_OFFSET}",
    "email": f"[A-Za-z0-9_]+(?:[.+-][A-Za-z0-9_]+)*@(?:{_LABEL}[.])+[A-Za-z]+",
    "uuid": f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}",
    "ipv4": f"{_BYTE}(?:[.]{_BYTE}){{3}}",
    "hostname": f"{_LABEL}(?:[.]{_LABEL})*",
    "uri": f"https?://{_LABEL}(?:[.]{_LABEL})*(?:/[A-Za-z0-9._~/-]*)?(?:[?][A-Za-z0-9._~/=&-]*)?",
}
# A label of a host has at most 63 bytes, and so has what stands before an @.
_LENGTHS = {"email": 63, "hostname": 63, "uri": 63 + len("http://")}
# Those that jsonschema-rs checks; any other name is a remark.
_CHECKED = frozenset(_SHAPES) | {
    *(
        "date",
        "duration",
        "idn-email",
        "idn-hostname",
        "ipv6",
        "iri",
        "iri-reference",
        "json-pointer",
        "regex",
    ),
    *("relative-json-pointer", "uri-reference", "uri-template", "uuid"),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """A format's texts match `pattern` as a whole, in RE2 (None: all do), and begin with a day where `is_dated`."""

    pattern: str | None
    most_bytes: int = 2**31
    is_dated: bool = False


def sure_shape(name: str) -> Shape | None:
    """None where the format is not one for a pattern. Unknown formats allow all."""
    if name not in _CHECKED:
        return Shape(None)
    if name == "date":
        return Shape("[0-9]{4}-[0-9]{2}-[0-9]{2}", is_dated=True)
    if name not in _SHAPES:
        return None
    return Shape(_SHAPES[name], _LENGTHS.get(name, 2**31), name == "date-time")


def format_condition(name: str, text: str) -> str | None:
    """A condition on the SQL text `text`; None where the format is not one for SQL. Unknown formats allow all."""
    if name not in _CHECKED:
        return "true"
    if name == "date":
        return f"strlen({text}) = 10 AND CAST(try_cast({text} AS DATE) AS VARCHAR) = {text}"
    if name not in _SHAPES:
        return None
    conditions = [f"regexp_full_match({text}, {literal(_SHAPES[name])})"]
    if name in _LENGTHS:
        conditions.insert(0, f"strlen({text}) <= {_LENGTHS[name]}")
    if name == "date-time":
        conditions.append(f"try_cast(substr({text}, 1, 10) AS DATE) IS NOT NULL")
    return " AND ".join(conditions)
