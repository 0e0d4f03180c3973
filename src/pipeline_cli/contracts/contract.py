"""A resource's contract: a JSON Schema, compiled once, checked record by record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline_cli.contracts.fitting import SURROGATE, has_surrogate
from pipeline_cli.contracts.json_values import plain_floats
from pipeline_cli.contracts.reasons import Reason, Record, json_path
from pipeline_cli.errors import UsageError

# dlt's data types for JSON Schema's; a text with one of these formats is a time to the warehouse too.
_TYPES = {"integer": "bigint", "number": "double", "boolean": "bool", "string": "text"}
_FORMATS = {"date-time": "timestamp", "date": "date"}
_MESSAGE_LENGTH = 200


class Contract:
    """A compiled JSON Schema (draft 2020-12, formats asserted)."""

    def __init__(self, schema: dict[str, Any], file: str) -> None:
        """file: for messages. Raises UsageError when `schema` is not a valid JSON Schema."""
        import jsonschema_rs

        self.schema = schema
        self.file = file
        try:
            jsonschema_rs.meta.validate(schema)
            self._validator = jsonschema_rs.Draft202012Validator(
                schema, validate_formats=True, retriever=_refuse_retrieval
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            raise UsageError(
                f"{file} is not a valid JSON Schema (draft 2020-12): {_first_line(str(error))}",
                code="E200",
                hint="See https://json-schema.org/draft/2020-12 for the keywords.",
            ) from error

    @classmethod
    def read(cls, path: Path, name: str) -> Contract:
        """Read a contract file; `name` is its path in the manifest. Raises UsageError."""
        try:
            schema = json.loads(path.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            message = f"{name}:{error.lineno}:{error.colno} is not JSON: {error.msg}"
            raise UsageError(message, code="E201", hint="A contract is a JSON Schema file.") from error
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{name} cannot be read: {error}", code="E202") from error
        if not isinstance(schema, dict):
            raise UsageError(f"{name} must hold a JSON object, the schema of one record.", code="E203")
        return cls(schema, name)

    def holds(self, record: Record) -> bool:
        """Whether a record of JSON's own types meets the contract; False where `reasons` has to look."""
        try:
            return bool(self._validator.is_valid(record))
        except (UnicodeEncodeError, ValueError):  # half a surrogate pair, or no type of JSON
            return False

    def reasons(self, record: Record) -> tuple[Reason, ...]:
        """Everything about `record` that breaks the contract; empty when it holds."""
        try:
            try:
                return self._find(record)
            except UnicodeEncodeError:
                raise
            except ValueError:  # NaN and infinities of JSON: to the validator they are null
                return self._find(plain_floats(record))
        except UnicodeEncodeError:  # the validator writes texts as UTF-8, to look at them or to show them
            return tuple(Reason(json_path(path), *SURROGATE) for path in _surrogates(record))

    def _find(self, record: Record) -> tuple[Reason, ...]:
        # is_valid first: it builds no error objects, and nearly every record is valid.
        if self._validator.is_valid(record):
            return ()
        return tuple(
            Reason(json_path(list(error.instance_path)), _rule(error), _shorten(error.message))
            for error in self._validator.iter_errors(record)
        )

    def column_types(self) -> dict[tuple[str, ...], str]:
        """dlt data types that the contract fixes, by the field's path; lists and untyped fields are left out.

        A string without a format is text, so that a text that looks like a time stays a text.
        """
        return dict(_typed_fields(self.schema, ()))


def _typed_fields(schema: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, field in (schema.get("properties") or {}).items():
        if not isinstance(field, dict):
            continue
        declared = field.get("type")
        types = [declared] if isinstance(declared, str) else list(declared or [])
        types = [each for each in types if each != "null"]
        if types == ["object"]:
            yield from _typed_fields(field, (*path, name))
        elif sorted(types) == ["integer", "number"]:
            yield (*path, name), "double"
        elif len(types) == 1 and types[0] in _TYPES:
            fixed = _FORMATS.get(field.get("format", "")) if types[0] == "string" else None
            yield (*path, name), fixed or _TYPES[types[0]]


def _surrogates(record: Record) -> Iterator[tuple[str | int, ...]]:
    """The places of texts that hold half of a surrogate pair; of a key that does, the object it is in."""
    stack: list[tuple[Any, tuple[str | int, ...]]] = [(record, ())]
    while stack:
        value, path = stack.pop()
        if isinstance(value, str) and has_surrogate(value):
            yield path
        elif isinstance(value, dict):
            if any(map(has_surrogate, value)):
                yield path
            stack += [(each, (*path, key)) for key, each in value.items() if not has_surrogate(key)]
        elif isinstance(value, list):
            stack += [(each, (*path, index)) for index, each in enumerate(value)]


def _refuse_retrieval(address: str) -> Any:
    """A contract is one file: a reference to another would be read from anywhere, the network included."""
    raise ValueError(f"it refers to {address}; a contract holds all of its schema itself, under $defs")


def _rule(error: Any) -> str:
    """The keyword that was broken: the last name of the schema path ("type", "required", "format")."""
    names = [part for part in error.schema_path if isinstance(part, str)]
    return names[-1] if names else "schema"


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "unreadable"


def _shorten(message: str) -> str:
    return message if len(message) <= _MESSAGE_LENGTH else message[: _MESSAGE_LENGTH - 1] + "…"
