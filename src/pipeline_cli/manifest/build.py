"""Nodes to the manifest's frozen dataclasses, by their type hints. Every mistake is recorded, none raised."""

from __future__ import annotations

from typing import Any, get_args

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.findings import did_you_mean, nearest, quoted
from pipeline_cli.manifest.kinds import KINDS, load_kind
from pipeline_cli.manifest.names import check_name
from pipeline_cli.manifest.nodes import Broken, Mapping, Node, Place, Scalar, Sequence
from pipeline_cli.manifest.scalars import is_null
from pipeline_cli.manifest.shapes import (
    Field,
    Kinds,
    alternatives,
    describe,
    fields_of,
    is_list,
    is_map,
    is_record,
)
from pipeline_cli.manifest.values import INVALID, Values
from pipeline_cli.secrets import looks_secret


class Builder:
    """Reads nodes as types. INVALID stands for what had a mistake, so that nothing is said twice."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self.findings = values.findings

    def read(self, hint: Any, node: Node, field: Field) -> Any:
        """The node as the type `hint`, or INVALID. `field` is the key it belongs to."""
        if isinstance(node, Broken):
            return INVALID
        if hint is Any:
            return self.read_free(node)
        empty = isinstance(node, Scalar) and node.plain and is_null(node.text)
        if isinstance(hint, Kinds):
            return None if empty and not field.required else self._read_kind(hint.section, node, field.name)
        hints, optional = alternatives(hint)
        if empty and optional:
            return None
        records = tuple(member for member in hints if is_record(member))
        if records and (isinstance(node, Mapping) or (empty and len(hints) == len(records))):
            return self.read_record(records[0], node, field.name)
        if is_map(hints[0]) and (isinstance(node, Mapping) or empty):
            return self.read_map(get_args(hints[0])[1], node, field)
        if is_list(hints[0]) and not isinstance(node, Mapping):
            return self._read_list(get_args(hints[0])[0], node, field)
        scalars = tuple(member for member in hints if not is_record(member) and not is_map(member))
        if isinstance(node, Scalar) and scalars:
            return self.values.read(scalars, optional, node, field)
        return self._unlike(hints, node, field.name)

    def read_record(self, record: type, node: Node, name: str) -> Any:
        """A dataclass from a map; `name` is what messages call it. An empty value is a map without keys."""
        fields = fields_of(record)
        entries = node.entries if isinstance(node, Mapping) else {}
        rest = next((field for field in fields.values() if field.rest), None)
        # In the order of declaration: the environments are read before what depends on them.
        given = {key: entries[key] for key, field in fields.items() if key in entries and not field.rest}
        values = {key: self.read(fields[key].hint, entry.value, fields[key]) for key, entry in given.items()}
        others = {key: entry for key, entry in entries.items() if key not in given}
        excused: set[str] = set()
        if rest is not None:
            values[rest.name] = {
                key: self._free_entry(entry.key, entry.value) for key, entry in others.items()
            }
            others = {}
        for key, entry in others.items():
            excused |= self._unknown_key(key, entry.key, tuple(fields), name)
        absent = [f for f in fields.values() if f.required and f.name not in values and f.name not in excused]
        for field in absent:
            message = f"{name} needs the key {field.name}."
            self.findings.add(
                codes.MISSING_KEY, node.owner or node, message, f"{field.name}: {field.doc}".rstrip(": ")
            )
        if absent or others or _has_invalid(values):
            return INVALID
        return record(**values)

    def _read_kind(self, section: str, node: Node, name: str) -> Any:
        type_name = self._read_type(section, node, name)
        return (
            INVALID if type_name is INVALID else self.read_record(load_kind(section, type_name), node, name)
        )

    def _read_type(self, section: str, node: Node, name: str) -> Any:
        """The value of the map's key `type`, one of the section's, or INVALID."""
        known = tuple(KINDS[section])
        if not isinstance(node, Mapping):
            if isinstance(node, Broken):
                return INVALID
            return self._unlike_map(node, name)
        entry = node.entries.get("type")
        if entry is None:
            close = nearest("type", list(node.entries))
            hint = (
                f"Did you mean type instead of {close}?"
                if close
                else f"Write type: and one of {', '.join(known)}."
            )
            self.findings.add(codes.MISSING_KEY, node.owner or node, f"{name} needs the key type.", hint)
            return INVALID
        if not isinstance(entry.value, Scalar):
            return INVALID if isinstance(entry.value, Broken) else self._unlike((str,), entry.value, "type")
        filled = self.values.fill(entry.value, secret=False)
        if filled is None or filled.unset or filled.text in known:
            return INVALID if filled is None or filled.unset else filled.text
        hint = did_you_mean(entry.value.text, known, what="Known types")
        message = f"{self.findings.show(entry.value)} is not a type of {section.removesuffix('s')}."
        return self.values.wrong(entry.value, message, hint, codes.NOT_A_CHOICE)

    def read_map(self, hint: Any, node: Node, field: Field) -> Any:
        """A map of names to values of one type."""
        values = {}
        for key, entry in (node.entries if isinstance(node, Mapping) else {}).items():
            if field.names and not self.check_name(key, entry.key, field.names):
                values[key] = INVALID
            elif hint is Any or "${" in key:
                values[key] = self._free_entry(entry.key, entry.value)
            elif hint is str and looks_secret(key) and isinstance(entry.value, Scalar):
                values[key] = self.values.read_free(entry.value, secret=True)
            else:
                values[key] = self.read(hint, entry.value, _item(key, hint))
        return INVALID if _has_invalid(values) else values

    def check_name(self, name: str, place: Place, kind: str) -> bool:
        """Whether a name has only what names of this kind ("entries" or "resources") may have."""
        refusal = check_name(name, kind)
        if refusal is not None:
            self.findings.add(codes.BAD_NAME, place, f"{quoted(name)} {refusal[0]}", refusal[1])
        return refusal is None

    def read_free(self, node: Node, secret: bool = False) -> Any:
        """Any value: dicts, lists, text, numbers, bools, None. Secrets are told by their keys' names."""
        if isinstance(node, Scalar):
            return self.values.read_free(node, secret)
        if isinstance(node, Sequence):
            items = [self.read_free(item, secret) for item in node.items]
            return INVALID if any(item is INVALID for item in items) else items
        if isinstance(node, Mapping):
            values = {key: self._free_entry(entry.key, entry.value) for key, entry in node.entries.items()}
            return INVALID if _has_invalid(values) else values
        return INVALID

    def _free_entry(self, key: Scalar, value: Node) -> Any:
        if "${" in key.text:
            message = "${...} is only filled in in values, not in keys."
            self.findings.add(codes.BAD_PLACEHOLDER, key, message)
            return INVALID
        return self.read_free(value, looks_secret(key.text))

    def _read_list(self, hint: Any, node: Node, field: Field) -> Any:
        nodes = node.items if isinstance(node, Sequence) else [node]
        values = [self.read(hint, item, field) for item in nodes]
        for index, item in enumerate(nodes):
            if values[index] is not INVALID and values[index] in values[:index]:
                shown = self.findings.show(item) if isinstance(item, Scalar) else "an item"
                self.findings.add(
                    codes.WRONG_VALUE, item, f"{shown} stands twice in {field.name}.", "Keep one."
                )
                values[index] = INVALID
        return INVALID if any(value is INVALID for value in values) else tuple(values)

    def _unknown_key(self, key: str, place: Scalar, known: tuple[str, ...], name: str) -> set[str]:
        """Records it; the key that was probably meant, which is then not missing as well."""
        hint = did_you_mean(key, known, what=f"{name} knows")
        self.findings.add(codes.UNKNOWN_KEY, place, f"{name} does not know the key {quoted(key)}.", hint)
        close = nearest(key, known)
        return {close} if close else set()

    def _unlike(self, hints: tuple[Any, ...], node: Node, name: str) -> Any:
        found = (
            "a list"
            if isinstance(node, Sequence)
            else "a map"
            if isinstance(node, Mapping)
            else "a single value"
        )
        message = f"{name} must be {describe(hints)}, and this is {found}."
        self.findings.add(codes.WRONG_SHAPE, node, message)
        return INVALID

    def _unlike_map(self, node: Node, name: str) -> Any:
        return self._unlike((dict,), node, name)


def _has_invalid(values: dict[str, Any]) -> bool:
    if any(value is INVALID for value in values.values()):
        return True
    return any(
        isinstance(value, dict) and any(item is INVALID for item in value.values())
        for value in values.values()
    )


def _item(name: str, hint: Any) -> Field:
    return Field(name, hint, False, {})
