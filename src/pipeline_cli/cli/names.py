"""Names on the command line: found in the manifest, or refused with the nearest that is there."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from pipeline_cli.errors import UsageError
from pipeline_cli.manifest.models import Manifest

MOST_SHOWN = 20


def require_name(name: str, known: Collection[str], what: str) -> str:
    """`name`, when it is one of `known`. Raises UsageError with the nearest name, or with all there are."""
    if name in known:
        return name
    near = get_close_matches(name, known, n=1)
    shown = ", ".join(list(known)[:MOST_SHOWN]) + (", …" if len(known) > MOST_SHOWN else "")
    there_is = f"There is: {shown}." if known else f"There is no {what.partition(' ')[0]} at all."
    raise UsageError(f"There is no {what} '{name}'.", hint=f"Did you mean '{near[0]}'?" if near else there_is)


def split_resource(manifest: Manifest, name: str) -> tuple[str, str]:
    """'crm.customers' as (source, resource). Raises UsageError where either is not in the manifest.

    A Python source may have resources that the manifest does not name: those are let through.
    """
    source, dot, resource = name.partition(".")
    require_name(source, manifest.sources, "source")
    entry = manifest.sources[source]
    if not dot or not resource:
        example = next(iter(entry.resources), "RESOURCE")
        raise UsageError(
            f"'{name}' names no resource.", hint=f"Write SOURCE.RESOURCE, for instance {source}.{example}"
        )
    if entry.type != "python":
        require_name(resource, entry.resources, f"resource in '{source}' called")
    return source, resource
