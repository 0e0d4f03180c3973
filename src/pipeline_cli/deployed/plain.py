"""A manifest entry as plain JSON: what is said in it, without secrets; for comparing and for keeping."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pipeline_cli.manifest.limits import Limit
from pipeline_cli.secrets import MASK

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60))


def to_plain(value: Any) -> Any:
    """Entries become maps of the keys that differ from their defaults, so that a new key changes no old entry."""
    if isinstance(value, Limit):
        return str(value)
    if isinstance(value, timedelta):
        return write_duration(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: MASK if field.metadata.get("secret") else to_plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not _is_default(field, getattr(value, field.name))
        }
    if isinstance(value, Mapping):
        return {str(name): to_plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(each) for each in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def write_duration(length: timedelta) -> str:
    """As the manifest writes it: 1d, 90m, 30s."""
    seconds = length.total_seconds()
    for unit, size in _UNITS:
        if seconds and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def _is_default(field: dataclasses.Field[Any], value: Any) -> bool:
    if field.default is not dataclasses.MISSING:
        return bool(value == field.default)
    if field.default_factory is not dataclasses.MISSING:
        return bool(value == field.default_factory())
    return False
