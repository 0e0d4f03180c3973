"""The JSON Schema (draft 2020-12) of the manifest, for editors; derived from the reader's own dataclasses.

It says what a schema can say. Names that must exist, files and variables are the reader's business alone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from inspect import getdoc
from typing import Any, get_args

from pipeline_cli.manifest import scalars
from pipeline_cli.manifest.interpolate import NAME, SECRET_PATTERN
from pipeline_cli.manifest.kinds import KINDS, load_kind
from pipeline_cli.manifest.models import Limit, Manifest
from pipeline_cli.manifest.names import PATTERNS
from pipeline_cli.manifest.sections import FILE_SECTIONS
from pipeline_cli.manifest.shapes import (
    Field,
    Kinds,
    alternatives,
    fields_of,
    is_choice,
    is_list,
    is_map,
    is_record,
)

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_VARIABLE: Schema = {"type": "string", "pattern": rf"\$\{{env:{NAME}(:-[^}}]*)?\}}"}
_NULL: Schema = {"type": "null"}


def manifest_schema() -> Schema:
    """The schema of pipelines.yaml. No section that may stand in files of its own is required."""
    definitions = _Definitions()
    top = definitions.record(Manifest)
    top["required"] = [name for name in top["required"] if name not in FILE_SECTIONS]
    return {"$schema": DIALECT, "title": "pipelines.yaml", **top, "$defs": definitions.sorted()}


def entry_schema(section: str) -> Schema:
    """The schema of `<section>/<name>.yaml`, for a section of FILE_SECTIONS."""
    definitions = _Definitions()
    field = fields_of(Manifest)[section]
    entry = definitions.read(get_args(field.hint)[1], field)
    if field.named:
        entry = definitions.typed(field.named, entry)
    title = f"{section}/<name>.yaml"
    return {"$schema": DIALECT, "title": title, **entry, "$defs": definitions.sorted()}


class _Definitions:
    """Schemas of types; those of dataclasses and of kinds are collected under $defs."""

    def __init__(self) -> None:
        self._found: dict[str, Schema] = {}

    def sorted(self) -> Schema:
        return dict(sorted(self._found.items()))

    def read(self, hint: Any, field: Field) -> Schema:
        """The schema of a value of the type `hint` under the key `field`."""
        if isinstance(hint, Kinds):
            schema = self._define(hint.section, lambda: self._kinds(hint.section))
            return schema if field.required or field.names else _any_of([schema, _NULL])
        if hint is Any:
            return {}
        hints, optional = alternatives(hint)
        schemas = [schema for member in hints for schema in self._alternatives(member, field)]
        if optional:
            schemas.append(_NULL)
        return _any_of(schemas)

    def record(self, record: type) -> Schema:
        """The schema of a dataclass: its keys and no others."""
        fields = fields_of(record)
        properties = {
            name: {**self.read(field.hint, field), "description": field.doc}
            for name, field in fields.items()
            if not field.rest and name != "type"
        }
        required = [name for name, field in fields.items() if field.required]
        if "type" in fields:
            properties = {"type": {"const": get_args(fields["type"].hint)[0]}, **properties}
        schema: Schema = {
            "type": "object" if required else ["object", "null"],
            "description": getdoc(record) or "",
            "properties": properties,
            "required": required,
            "additionalProperties": any(field.rest for field in fields.values()),
        }
        return schema

    def _define(self, name: str, make: Callable[[], Schema]) -> Schema:
        if name not in self._found:
            self._found[name] = {}  # holds the place, should the type contain itself
            self._found[name] = make()
        return {"$ref": f"#/$defs/{name}"}

    def _kinds(self, section: str) -> Schema:
        """By the value of `type`, one schema: with if and then an editor tells what is wrong in that one."""
        records = {name: load_kind(section, name) for name in KINDS[section]}
        choices = [
            {
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": self._define(record.__name__, lambda record=record: self.record(record)),  # type: ignore[misc]
            }
            for name, record in records.items()
        ]
        properties = {"type": {"enum": list(records), "description": f"One of the {section}' types."}}
        return {"type": "object", "properties": properties, "required": ["type"], "allOf": choices}

    def _kind(self, section: str, name: str) -> Schema:
        return self.record(load_kind(section, name))

    def typed(self, section: str, other: Schema) -> Schema:
        """By the value of `type`, where it is one of the section's kinds; `other` where it is none."""
        schema = other
        for name in KINDS[section]:
            of_kind = self._define(load_kind(section, name).__name__, partial(self._kind, section, name))
            is_kind = {"type": "object", "properties": {"type": {"const": name}}, "required": ["type"]}
            schema = {"if": is_kind, "then": of_kind, "else": schema}
        return schema

    def _alternatives(self, hint: Any, field: Field) -> list[Schema]:
        if is_record(hint):
            return [self._define(hint.__name__, lambda: self.record(hint))]
        if is_map(hint):
            return [self._map(get_args(hint)[1], field)]
        if is_list(hint):
            item = self.read(get_args(hint)[0], field)
            return [{"type": "array", "items": item, "uniqueItems": True}, item]
        return _scalar(hint, field)

    def _map(self, hint: Any, field: Field) -> Schema:
        item = Field(field.name, hint, True, {})
        schema: Schema = {"type": ["object", "null"], "additionalProperties": self.read(hint, item)}
        if field.named:
            schema["properties"] = {
                name: self._define(
                    load_kind(field.named, name).__name__, partial(self._kind, field.named, name)
                )
                for name in KINDS[field.named]
            }
            schema["additionalProperties"] = self.typed(field.named, schema["additionalProperties"])
        if hint is str:
            schema["additionalProperties"] = {"type": "string"}
        if field.names:
            schema["propertyNames"] = {"pattern": f"^{PATTERNS[field.names]}$"}
        return schema


def _scalar(hint: Any, field: Field) -> list[Schema]:
    if is_choice(hint):
        choices = list(get_args(hint))
        return [{"enum": choices}, *([_VARIABLE] if isinstance(choices[0], str) else [])]
    if hint is str:
        return [_text(field)]
    if hint is timedelta:
        return [{"type": "string", "pattern": f"^{scalars.DURATION}$"}, _VARIABLE]
    if hint is Limit:
        return [
            {"type": "integer", "minimum": 0},
            {"type": "string", "pattern": f"^{scalars.LIMIT}$"},
            _VARIABLE,
        ]
    number: Schema = {"type": {int: "integer", float: "number", bool: "boolean"}[hint]}
    if field.minimum is not None and hint is not bool:
        number["minimum"] = field.minimum
    return [number, _VARIABLE]


def _text(field: Field) -> Schema:
    if field.secret:
        return {"type": "string", "pattern": f"^{SECRET_PATTERN}$"}
    if field.url:
        return {"type": "string", "pattern": r"^[hH][tT][tT][pP][sS]?://|\$\{env:"}
    return {"type": "string", "minLength": 1} if field.required else {"type": "string"}


def _any_of(schemas: list[Schema]) -> Schema:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
