"""A cheap look at the JSON Schemas of the contracts that a manifest names.

The reader has seen that they are there and hold JSON. `validate` answers in a tenth of a second, and to import
a JSON Schema compiler alone takes half of that: so this looks for what people get wrong (a misspelt type, a
`required` that is no list), and a run compiles the schema in full.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from pipeline_cli.errors import ManifestError, Mistake
from pipeline_cli.manifest.models import Manifest

TYPES = {"null", "boolean", "object", "array", "number", "integer", "string"}


def contract_files(manifest: Manifest) -> set[str]:
    """The contracts that the manifest names, as it writes them."""
    return {
        resource.contract
        for source in manifest.sources.values()
        for resource in source.resources.values()
        if resource.contract
    }


def check_contracts(root: Path, files: Collection[str]) -> None:
    """Look at each of the contracts `files` (relative to `root`). Raises ManifestError with every mistake."""
    mistakes = [mistake for path in sorted(files) for mistake in _check_file(root, path)]
    if mistakes:
        raise ManifestError(tuple(mistakes))


def _check_file(root: Path, path: str) -> list[Mistake]:
    schema = json.loads((root / path).read_text(encoding="utf-8"))  # the reader has seen that it is JSON
    return [
        Mistake("E142", f"{place}: {message}", file=path) for place, message in _check_schema(schema, "#")
    ]


def _check_schema(schema: Any, place: str) -> list[tuple[str, str]]:
    """(place, message) of each subschema of an unknown type or shape."""
    if isinstance(schema, bool):
        return []
    if not isinstance(schema, dict):
        return [(place, "a schema is an object, true or false.")]
    found = _check_keywords(schema, place)
    properties = schema.get("properties", {})
    if isinstance(properties, dict):
        for name, subschema in properties.items():
            found += _check_schema(subschema, f"{place}/properties/{name}")
    if "items" in schema:
        found += _check_schema(schema["items"], f"{place}/items")
    return found


def _check_keywords(schema: dict[str, Any], place: str) -> list[tuple[str, str]]:
    found = []
    types = schema.get("type", [])
    for name in types if isinstance(types, list) else [types]:
        if name not in TYPES:
            found.append((place, f"unknown type {name!r}; expected one of {', '.join(sorted(TYPES))}."))
    if not isinstance(schema.get("properties", {}), dict):
        found.append((place, "'properties' is an object of schemas."))
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        found.append((place, "'required' is a list of property names."))
    return found
