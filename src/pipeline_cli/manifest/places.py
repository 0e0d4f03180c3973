"""Which destinations are warehouses, to load into, and which are places for files."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.findings import Findings, quoted
from pipeline_cli.manifest.nodes import Entry, Node, Scalar, child

Sections = Mapping[str, Mapping[str, Entry]]
Text = Callable[[Node | None], str | None]

FILES = "filesystem"


def check_places(sections: Sections, text: Text, findings: Findings) -> None:
    """Record environments that load into a place for files, and lakes that are none.

    text: gives a scalar's text with its variables filled in.
    """
    types = {name: text(child(each.value, "type")) for name, each in sections["destinations"].items()}
    for each in sections["environments"].values():
        node = child(each.value, "destination")
        name = text(node)
        if isinstance(node, Scalar) and types.get(name or "") == FILES:
            message = f"{quoted(name or '')} is a place for files, not a database to load into."
            hint = "Name a duckdb or postgres destination here, and this one as lake: of a source."
            findings.add(codes.WRONG_KIND, node, message, hint)
    for each in sections["sources"].values():
        node = child(each.value, "lake")
        name = text(node)
        if isinstance(node, Scalar) and types.get(name or "") not in (None, FILES):
            message = f"{quoted(name or '')} is a database; a lake is a place for files."
            found = ", ".join(other for other, kind in types.items() if kind == FILES) or "none"
            hint = f"Name a destination of type filesystem: {found}."
            findings.add(codes.WRONG_KIND, node, message, hint)


def lakes_of(sections: Mapping[str, Mapping[str, Entry] | None], sources: frozenset[str] | None) -> set[str]:
    """The destinations that these sources (None: all) name as their lake."""
    found = set()
    for name, each in (sections["sources"] or {}).items():
        node = child(each.value, "lake")
        if isinstance(node, Scalar) and (sources is None or name in sources):
            found.add(node.text)
    return found
