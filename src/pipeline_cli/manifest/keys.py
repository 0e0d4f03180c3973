"""What the manifest's dataclasses are made with: `entry` makes a class, `key` one of its keys.

No `from __future__ import annotations` here and in the modules that use it: the reader needs the types
themselves, and evaluating them from text costs more than all of the reading.
"""

import dataclasses
from typing import Any, Literal, TypeVar, dataclass_transform

from pipeline_cli.manifest.frozen import freeze

T = TypeVar("T")
PathScope = Literal["project", "file", "folder", "data"]


def key(
    doc: str,
    *,
    default: Any = dataclasses.MISSING,
    secret: bool = False,
    path: PathScope | None = None,
    refers_to: str | None = None,
    minimum: float | None = None,
    url: bool = False,
    names: Literal["entries", "resources"] | None = None,
    rest: bool = False,
    kinds: str | None = None,
    named: str | None = None,
) -> Any:
    """A manifest key.

    doc: one sentence for editors (the JSON Schema's description).
    secret: plain text is a mistake; the whole value must be `${env:NAME}`.
    path: "file", "folder" and "project" (either) paths must exist and stay inside the project; "data" paths
        may be absolute or URLs.
    refers_to: the section whose entries' names are the allowed values.
    minimum: the smallest number, or the fewest seconds.
    url: the value is an http:// or https:// address.
    names: what the keys of this map are names of.
    rest: this map takes every key that the dataclass does not know.
    kinds: the value is a map (or, with `names`, a map of maps) whose `type` is one of KINDS[kinds].
    named: an entry whose name or `type` is one of KINDS[named] is of that kind, without needing a `type`.
    """
    metadata = {
        "doc": doc,
        "secret": secret,
        "path": path,
        "refers_to": refers_to,
        "minimum": minimum,
        "url": url,
        "names": names,
        "rest": rest,
        "kinds": kinds,
        "named": named,
    }
    if isinstance(default, (dict, list)):
        return dataclasses.field(default_factory=type(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(key,))
def entry(cls: type[T]) -> type[T]:
    """A frozen dataclass for a map of the manifest; its fields are made by `key`."""
    return freeze(cls)
