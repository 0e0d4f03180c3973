"""Keys of which an entry may have one, not both."""

from __future__ import annotations

from pipeline_cli.manifest import codes
from pipeline_cli.manifest.findings import Findings
from pipeline_cli.manifest.nodes import Mapping, Node, child

_PAIRS = (
    ("table", "query", "a resource is a table's rows or a query's"),
    ("included_columns", "excluded_columns", "one says which columns are read, the other which are not"),
)


def check_exclusive(source: Node, findings: Findings) -> None:
    """Record the resources of a sql_database source that have both keys of a pair."""
    resources = child(source, "resources")
    for resource in resources.entries.values() if isinstance(resources, Mapping) else ():
        for first, second, why in _PAIRS:
            node = child(resource.value, second)
            if node is not None and child(resource.value, first) is not None:
                message = f"{first} and {second} exclude each other: {why}."
                findings.add(codes.WRONG_VALUE, node, message, f"Remove {first} or {second}.")
