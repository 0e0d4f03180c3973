"""The contracts of a run's sources, compiled before the run opens: one that is wrong stops it with nothing done."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline_cli.errors import ManifestError, Mistake, UsageError
from pipeline_cli.manifest.contract_schemas import check_contracts
from pipeline_cli.plan import PipelinePlan
from pipeline_cli.project import Project


def require_contracts(project: Project, plans: Sequence[PipelinePlan]) -> None:
    """Read every contract of the sources that the plans ingest. Raises ManifestError with all that is wrong."""
    sources = {step.target for plan in plans for step in plan.steps if step.kind == "ingest"}
    entries = [project.manifest.sources[name] for name in sorted(sources)]
    files = {resource.contract for entry in entries for resource in entry.resources.values()} - {None}
    if not files:
        return
    check_contracts(project.root, files)
    from pipeline_cli.contracts.contract import Contract

    mistakes: list[Mistake] = []
    for file in sorted(files):
        try:
            Contract.read(project.resolve(file), file)
        except UsageError as error:
            mistakes.append(Mistake(error.code, error.message, error.hint))
    if mistakes:
        raise ManifestError(tuple(mistakes))
