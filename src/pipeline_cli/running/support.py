"""What a warehouse cannot do yet is refused before the run opens, each step with its place in pipelines.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline_cli.manifest.locate import Refusal, refuse
from pipeline_cli.plan import PipelinePlan, Step
from pipeline_cli.project import MANIFEST_NAME, Project

_PARTLY = ("bigquery",)
_OTHER = "Run it in an environment on DuckDB or Postgres"


def require_support(project: Project, plans: Sequence[PipelinePlan]) -> None:
    """Raise ManifestError for steps that the environment's warehouse cannot do."""
    if project.manifest.destinations[project.environment.destination].type not in _PARTLY:
        return
    refusals = [found for plan in plans for step in plan.steps for found in _check(project, plan, step)]
    if refusals:
        raise refuse(project.root, MANIFEST_NAME, refusals)


def _check(project: Project, plan: PipelinePlan, step: Step) -> Iterator[Refusal]:
    if step.kind == "ingest":
        reason = _why_not_loaded(project, step.target)
        if reason:
            there = f"if its tables are in BigQuery already: pipeline-cli run {plan.name} --from transform"
            message = f"{step.target} {reason}"
            yield Refusal(plan.name, "sources", step.target, message, f"{_OTHER}; {there}")
    elif step.kind == "transform" and project.manifest.transforms[step.target].engine != "dbt":
        message = f"{step.target} is a SQLMesh project; in BigQuery only dbt projects are built yet."
        yield Refusal(plan.name, "transforms", step.target, message, f"{_OTHER}.")
    elif step.kind == "report":
        message = f"the report {step.target} cannot be written from BigQuery yet."
        hint = f"{_OTHER}, or give BigQuery a pipeline of its own without reports."
        yield Refusal(plan.name, "reports", step.target, message, hint)


def _why_not_loaded(project: Project, source: str) -> str | None:
    from pipeline_cli.sources.build import is_column_source

    entry = project.manifest.sources[source]
    if is_column_source(entry):
        return f"is of type {entry.type}; BigQuery is loaded from rest_api and python sources yet."
    if entry.lake is not None:
        return f"keeps its loads in the lake {entry.lake}, which is not done from BigQuery yet."
    return None
