"""What the manifest's dataclasses say about their keys; read by the reader and by the JSON Schema alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pipeline_cli.manifest.models import Limit


class Kinds:
    """The type of a map whose own key `type` says what it is: one of KINDS[section]."""

    __slots__ = ("section",)

    def __init__(self, section: str) -> None:
        self.section = section


class Field:
    """One key of a dataclass: its type, and what `models.key` adds to it."""

    __slots__ = (
        "doc",
        "hint",
        "minimum",
        "name",
        "named",
        "names",
        "path",
        "refers_to",
        "required",
        "rest",
        "secret",
        "url",
    )

    def __init__(self, name: str, hint: Any, required: bool, metadata: Mapping[str, Any]) -> None:
        self.name = name
        self.hint = hint
        self.required = required
        self.doc: str = metadata.get("doc", "")
        self.secret: bool = metadata.get("secret", False)
        self.path: str | None = metadata.get("path")
        self.refers_to: str | None = metadata.get("refers_to")
        self.minimum: float | None = metadata.get("minimum")
        self.url: bool = metadata.get("url", False)
        self.names: str | None = metadata.get("names")
        self.named: str | None = metadata.get("named")
        self.rest: bool = metadata.get("rest", False)


@cache
def fields_of(record: type) -> dict[str, Field]:
    """The keys of a dataclass, by name, in the order of their declaration."""
    missing = dataclasses.MISSING
    return {
        field.name: Field(
            field.name,
            _hint(record, field),
            field.default is missing and field.default_factory is missing,
            field.metadata,
        )
        for field in dataclasses.fields(record)
    }


def _hint(record: type, field: dataclasses.Field[Any]) -> Any:
    kinds = field.metadata.get("kinds")
    if kinds is not None:
        one = Kinds(kinds)
        return Mapping[str, one] if field.metadata.get("names") else one  # type: ignore[valid-type]
    # A module with postponed annotations has text for types; evaluating it is slow, so only where it must be.
    return get_type_hints(record)[field.name] if isinstance(field.type, str) else field.type


@cache
def alternatives(hint: Any) -> tuple[tuple[Any, ...], bool]:
    """The types a value may have, and whether it may be null: `int | str | None` is ((int, str), True)."""
    if get_origin(hint) not in (Union, UnionType):
        return (hint,), False
    members = get_args(hint)
    return tuple(member for member in members if member is not NoneType), NoneType in members


@cache
def is_record(hint: Any) -> bool:
    """Whether a map with fixed keys stands for this type (a Limit is a single value)."""
    return dataclasses.is_dataclass(hint) and hint is not Limit


@cache
def is_map(hint: Any) -> bool:
    return get_origin(hint) is Mapping


@cache
def is_list(hint: Any) -> bool:
    return get_origin(hint) is tuple


@cache
def is_choice(hint: Any) -> bool:
    return get_origin(hint) is Literal


_WORDS: dict[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    timedelta: 'a duration such as "30s", "5m" or "1h30m"',
    Limit: 'a count or a share such as "1%"',
    Any: "a value",
}


def describe(hints: tuple[Any, ...]) -> str:
    """The types in words: "a whole number or text"."""
    words = list(dict.fromkeys(_describe(hint) for hint in hints))
    if "a whole number" in words and "a number" in words:
        words.remove("a whole number")
    return " or ".join(words)


def _describe(hint: Any) -> str:
    if is_choice(hint):
        choices = get_args(hint)
        return f"one of {', '.join(map(str, choices))}" if len(choices) > 1 else str(choices[0])
    if is_list(hint):
        return "a list"
    return _WORDS.get(hint, "a map")
