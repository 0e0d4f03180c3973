"""The contracts that a source's resources name."""

from __future__ import annotations

from pipeline_cli.contracts.contract import Contract
from pipeline_cli.project import Project


def read_contracts(project: Project, source: str) -> dict[str, Contract]:
    """The contracts of a source's resources, by resource. Raises UsageError for a file that is no JSON Schema."""
    entry = project.manifest.sources[source]
    return {
        name: Contract.read(project.resolve(hints.contract), hints.contract)
        for name, hints in entry.resources.items()
        if hints.contract
    }
