"""What a change of a contract asks of records that it did not ask before. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Fields = Mapping[str, Any]


def compare_contracts(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(summary, effect) of each difference. was, now: a resource as `deployed.parts` describes it."""
    old, new = was.get("contract_schema"), now.get("contract_schema")
    if old == new:
        return
    violation = now.get("on_violation", "quarantine")
    if new is None:
        yield "contract: none any more", "records are taken as they come; what is in quarantine stays there"
        return
    if old is None or not isinstance(old, dict) or not isinstance(new, dict):
        yield f"contract: {now.get('contract')} is new", _rejects(violation)
        return
    yield from _compare_fields(old, new, violation)


def _compare_fields(old: Fields, new: Fields, violation: str) -> Iterator[tuple[str, str]]:
    before, after = dict(_fields(old, "")), dict(_fields(new, ""))
    required = _required(new, "") - _required(old, "")
    optional = (_required(old, "") - _required(new, "")) & after.keys()
    for path in after.keys() - before.keys():
        must = ", required" if path in required else ""
        yield (
            f"contract: {path} is new ({_type(after[path])}{must})",
            _rejects(violation) if must else "allowed from now on",
        )
    for path in before.keys() - after.keys():
        yield f"contract: {path} is gone", _unknown_fields(new, violation)
    for path in sorted(before.keys() & after.keys()):
        if _type(before[path]) != _type(after[path]):
            yield f"contract: {path}: {_type(before[path])} -> {_type(after[path])}", _rejects(violation)
        elif _own(before[path]) != _own(after[path]):
            yield f"contract: {path}: {_differences(before[path], after[path])}", _rejects(violation)
    yield from (
        (f"contract: {path} is required now", _rejects(violation))
        for path in sorted(required & before.keys())
    )
    yield from (
        (f"contract: {path} is not required any more", "records without it are taken")
        for path in sorted(optional)
    )
    if old.get("additionalProperties") != new.get("additionalProperties"):
        closed = new.get("additionalProperties") is False
        yield (
            f"contract: other fields are {'refused' if closed else 'allowed'} now",
            _rejects(violation) if closed else "they become columns",
        )
    if before == after and not required and not optional and _words(old) != _words(new):
        yield "contract: its words", "none"


def _fields(schema: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Each field's path (`products[].price`) and what the contract says of it."""
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties")
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        path = f"{prefix}{name}"
        yield path, inner
        yield from _fields(inner, f"{path}.")
        if isinstance(inner, dict):
            yield from _fields(inner.get("items"), f"{path}[].")


def _required(schema: Any, prefix: str) -> set[str]:
    if not isinstance(schema, dict):
        return set()
    found = {f"{prefix}{name}" for name in schema.get("required", [])}
    properties = schema.get("properties")
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        found |= _required(inner, f"{prefix}{name}.")
        if isinstance(inner, dict):
            found |= _required(inner.get("items"), f"{prefix}{name}[].")
    return found


def _type(field: Any) -> str:
    kinds = field.get("type", "any") if isinstance(field, dict) else "any"
    shown = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    return f"{shown} ({field['format']})" if isinstance(field, dict) and field.get("format") else shown


def _own(field: Any) -> dict[str, Any]:
    """What the contract asks of the field itself: without those below it, and without words."""
    if not isinstance(field, dict):
        return {"": field}
    below = (
        "properties",
        "items",
        "required",
        "title",
        "description",
        "type",
        "format",
        "$comment",
        "examples",
    )
    return {key: value for key, value in field.items() if key not in below}


def _words(schema: Any) -> str:
    return json.dumps(schema, sort_keys=True)


def _differences(before: Any, after: Any) -> str:
    old, new = _own(before), _own(after)
    keys = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
    return ", ".join(f"{key} {_short(old.get(key))} -> {_short(new.get(key))}" for key in keys)


def _short(value: Any) -> str:
    text = "none" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 30 else f"{text[:29]}…"


def _rejects(violation: str) -> str:
    if violation == "fail":
        return "a record that breaks it stops the load; rows that are there stay"
    if violation == "warn":
        return "a record that breaks it is loaded, with a warning; rows that are there stay"
    return "a record that breaks it goes to quarantine; rows that are there stay"


def _unknown_fields(schema: Fields, violation: str) -> str:
    if schema.get("additionalProperties") is False:
        return _rejects(violation)
    return "not checked any more; the column and its rows stay"
