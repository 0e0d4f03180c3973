"""The fields of sources: what a bronze column is called where it comes from, and what the contract says of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline_cli.manifest.names import table_name

# What the loader adds to rows; no source has these fields.
RAW = "_raw"
TECHNICAL: Mapping[str, str] = {
    "_run_id": "The run that loaded the row.",
    "_extracted_at": "When the record was received (UTC).",
    "_source": "The source that the record came from.",
    RAW: "The record as received, as JSON.",
    "_endpoint": "The address that the record was asked from.",
    "_size_bytes": "The size of the record as received, in bytes.",
    "_record_hash": "A hash of the record as received, to know whether it has changed.",
    "_dlt_load_id": "The load package that the row came in.",
    "_dlt_id": "The row's own id.",
    "_dlt_root_id": "The id of the record's row in the table above all.",
    "_dlt_parent_id": "The id of the row that the list's element belongs to.",
    "_dlt_list_idx": "The element's place in its list, from 0.",
    "_dlt_valid_from": "Since when this version of the record holds (UTC).",
    "_dlt_valid_to": "Until when this version held (UTC); NULL for the current one.",
    "_file": "The file that the row stands in.",
    "_line": "The row's line in its file, from 1.",
}
_DEEPEST = 12  # a schema may lead back to itself


@dataclass(frozen=True, slots=True)
class SourceField:
    """A field of a source's records. path: as its delivery names it, `products[].productId`."""

    path: str
    type: str | None = None
    description: str = ""


def read_fields(path: Path, resource: str) -> dict[tuple[str, str], SourceField]:
    """The contract's fields by the bronze table and column that the loader makes of them.

    Nothing for a contract that cannot be read: what is wrong with it is for `validate` to say.
    """
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    found: dict[tuple[str, str], SourceField] = {}
    for table, column, one in _walk(schema, schema, table_name(resource), "", "", 0):
        found.setdefault((table, column), one)
    return found


def title_of(path: Path) -> str:
    """What the contract says of its records in a sentence; nothing where it says nothing."""
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    if not isinstance(schema, dict):
        return ""
    return " ".join(
        f"{part.strip().rstrip('.')}." for part in (schema.get("title"), schema.get("description")) if part
    )


def guess_field(column: str, table: str, resource: str) -> SourceField:
    """The field of a column that no contract names: its own name, with dots and brackets for the loader's `__`."""
    root = table_name(resource)
    lists = [part for part in table.removeprefix(root).split("__") if part]
    path = "".join(f"{part}[]." for part in lists)
    return SourceField(
        path.removesuffix(".") if column == "value" and lists else path + column.replace("__", ".")
    )


def column_of(name: str) -> str:
    """The column that the loader makes of a field's name."""
    return table_name(re.sub(r"[^A-Za-z0-9_]", "_", name))


def _walk(
    schema: Any, root: Any, table: str, prefix: str, path: str, depth: int
) -> Iterator[tuple[str, str, SourceField]]:
    """(table, column, field) of each property: of objects with `__` between the names, of lists in a child table."""
    schema = _follow(schema, root)
    if depth > _DEEPEST or not isinstance(schema, dict):
        return
    properties = schema.get("properties")
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        inner = _follow(inner, root)
        if not isinstance(inner, dict):
            continue
        column, place = f"{prefix}{column_of(name)}", f"{path}{name}"
        yield table, column, _field(place, inner)
        yield from _walk(inner, root, table, f"{column}__", f"{place}.", depth + 1)
        items = _follow(inner.get("items"), root)
        if isinstance(items, dict):
            child = f"{table}__{column}"
            yield child, "value", _field(f"{place}[]", items)
            yield from _walk(items, root, child, "", f"{place}[].", depth + 1)


def _field(path: str, schema: Mapping[str, Any]) -> SourceField:
    kinds = schema.get("type")
    names = [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind and kind != "null"]
    words = schema.get("description") or schema.get("title") or ""
    described = str(schema.get("format") or " or ".join(map(str, names))) or None
    return SourceField(path, described, str(words).strip())


def _follow(schema: Any, root: Any) -> Any:
    """The schema, or what its local $ref leads to."""
    for _ in range(_DEEPEST):
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(reference, str) or not re.match(r"#(/|$)", reference):
            break
        found = root
        for part in reference.split("/")[1:]:
            found = found.get(part) if isinstance(found, dict) else None
        schema = found
    return schema
