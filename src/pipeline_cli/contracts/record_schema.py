"""A record's schema sorted by column: what it says of each, where that is all it says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
# Keywords whose schemas are of the same value as the schema that they stand in.
_OF_THE_SAME = ("not", "if", "then", "else")
_LISTS_OF_THE_SAME = ("allOf", "anyOf", "oneOf")
_DEEPEST = 20
_DEEPEST_CIRCLE = 200


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
    if _has_names(list(contract.schema.values())) or _refers_to_itself(contract.schema):
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


def _refers_to_itself(root: Mapping[str, Any]) -> bool:
    """Whether a schema leads back to itself for one and the same value, or that cannot be told.

    What such a schema means hangs on where the validator enters it: only the whole contract gives its own answer.
    """
    left: list[Any] = [root]
    done: set[int] = set()
    while left:
        current = left.pop()
        if isinstance(current, Mapping):
            if _leads_to_a_circle(current, root, set(), done):
                return True
            left.extend(current.values())
        elif isinstance(current, list):
            left.extend(current)
    return False


def _leads_to_a_circle(schema: Any, root: Mapping[str, Any], above: set[int], done: set[int]) -> bool:
    """above: the schemas on the way here; done: those known to lead to none."""
    if not isinstance(schema, Mapping) or id(schema) in done:
        return False
    if id(schema) in above or len(above) > _DEEPEST_CIRCLE:
        return True
    above.add(id(schema))
    try:
        found = any(_leads_to_a_circle(each, root, above, done) for each in _of_the_same(schema, root))
    except UnsupportedError:
        found = True
    above.discard(id(schema))
    if not found:
        done.add(id(schema))
    return found


def _of_the_same(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Any]:
    """The schemas that `schema` holds its own value against. Raises UnsupportedError where one is not found."""
    if isinstance(schema.get("$ref"), str):
        yield resolve(schema["$ref"], root)
    for keyword in _OF_THE_SAME:
        yield schema.get(keyword)
    for keyword in _LISTS_OF_THE_SAME:
        if isinstance(schema.get(keyword), list):
            yield from schema[keyword]
    if isinstance(schema.get("dependentSchemas"), Mapping):
        yield from schema["dependentSchemas"].values()


def _escape(name: str) -> str:
    """A name as a step of a JSON pointer in a reference."""
    return quote(name.replace("~", "~0").replace("/", "~1"), safe="~")
