"""A record's schema sorted by column: what it says of each, where that is all it says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from pipeline_cli.contracts.conditions import resolve
from pipeline_cli.contracts.contract import Contract
from pipeline_cli.contracts.terms import UnsupportedError

# Keywords of the root that speak of several columns at once, or that nobody should read but the validator.
_OF_ROWS = frozenset(
    ("not", "if", "anyOf", "oneOf", "enum", "const", "minProperties", "maxProperties", "propertyNames")
)
_OF_ROWS |= {"dependentRequired", "dependentSchemas", "dependencies", "unevaluatedProperties", "$anchor"}
_OF_ROWS |= {"$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor"}
_DEEPEST = 20


@dataclass(slots=True)
class ColumnRules:
    """What the contract says of one column. schemas: with their places in it, as JSON pointers."""

    schemas: list[tuple[Any, str]] = field(default_factory=list)
    is_required: bool = False


@dataclass(slots=True)
class RecordRules:
    """columns: by source name; is_impossible: no record with these columns meets the contract."""

    columns: dict[str, ColumnRules]
    is_impossible: bool = False


def read_rules(contract: Contract | None, names: Iterable[str]) -> RecordRules | None:
    """The rules of the columns `names`; None where the contract speaks of several columns together."""
    rules = RecordRules({name: ColumnRules() for name in names})
    if contract is None:
        return rules
    if _has_names(list(contract.schema.values())):
        return None
    try:
        _read(rules, contract.schema, contract.schema, "", 0)
    except UnsupportedError:
        return None
    return rules


def _read(rules: RecordRules, schema: Any, root: Mapping[str, Any], pointer: str, depth: int) -> None:
    if schema is True:
        return
    if not isinstance(schema, Mapping) or depth > _DEEPEST or _OF_ROWS & schema.keys():
        raise UnsupportedError
    for index, each in enumerate(schema.get("allOf", ())):
        _read(rules, each, root, f"{pointer}/allOf/{index}", depth + 1)
    if "$ref" in schema:
        reference = schema["$ref"]
        _read(rules, resolve(reference, root), root, reference.removeprefix("#"), depth + 1)
    types = schema.get("type", "object")
    rules.is_impossible |= "object" not in ([types] if isinstance(types, str) else types)
    for name in schema.get("required", ()):
        if name in rules.columns:
            rules.columns[name].is_required = True
        else:
            rules.is_impossible = True
    _read_properties(rules, schema, pointer)


def _read_properties(rules: RecordRules, schema: Mapping[str, Any], pointer: str) -> None:
    properties, by_pattern = schema.get("properties", {}), schema.get("patternProperties", {})
    matches = {pattern: _name_check(pattern) for pattern in by_pattern}
    for name, column in rules.columns.items():
        matched = [pattern for pattern, check in matches.items() if check.is_valid(name)]
        if name in properties:
            column.schemas.append((properties[name], f"{pointer}/properties/{_escape(name)}"))
        for pattern in matched:
            column.schemas.append((by_pattern[pattern], f"{pointer}/patternProperties/{_escape(pattern)}"))
        if name not in properties and not matched and "additionalProperties" in schema:
            column.schemas.append((schema["additionalProperties"], f"{pointer}/additionalProperties"))


def _name_check(pattern: str) -> Any:
    """A pattern of property names, matched by the validator itself."""
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator({"pattern": pattern})


def _has_names(schemas: Any) -> bool:
    """Whether a schema inside has an `$id`: references there mean something else."""
    stack = [schemas]
    while stack:
        current = stack.pop()
        if isinstance(current, Mapping):
            if isinstance(current.get("$id"), str):
                return True
            stack.extend(current.values())
        elif isinstance(current, list):
            stack.extend(current)
    return False


def _escape(name: str) -> str:
    """A name as a step of a JSON pointer in a reference."""
    return quote(name.replace("~", "~0").replace("/", "~1"), safe="~")
