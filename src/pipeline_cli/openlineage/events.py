"""The events of a run, its pipelines and their steps. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pipeline_cli.document import ErrorDocument, PipelineResult, RunResult, Status, StepResult, format_time
from pipeline_cli.openlineage import facets
from pipeline_cli.openlineage.datasets import Datasets
from pipeline_cli.openlineage.naming import run_uuid, step_job

Json = dict[str, Any]
EventType = Literal["START", "COMPLETE", "FAIL", "ABORT"]

_ENDS: Mapping[Status, EventType] = {
    "succeeded": "COMPLETE",
    "unchanged": "COMPLETE",
    "failed": "FAIL",
    "skipped": "FAIL",
    "interrupted": "ABORT",
}


class EventMaker:
    """The events of one run: a job and a run for each pipeline, and below it for each step.

    namespace: the jobs'. project: makes the ids of runs its own. slot: the schedule's moment that the run is for.
    descriptions: of the pipelines that have one.
    """

    def __init__(
        self,
        namespace: str,
        project: str,
        run: RunResult,
        descriptions: Mapping[str, str],
    ) -> None:
        self._namespace = namespace
        self._project = project
        self._run = run
        self._descriptions = descriptions

    def pipeline_started(self, pipeline: str) -> Json:
        return self._of_pipeline("START", pipeline, self._run.started_at, {})

    def pipeline_ended(self, result: PipelineResult, at: datetime) -> Json:
        """Failed where a step of it did, or one was skipped, or the run failed as a whole."""
        event = _ENDS[result.status]
        names = {step.name for step in result.steps}
        errors = [error for error in self._run.errors if error.step is None or error.step in names]
        if event == "COMPLETE" and any(error.step is None for error in errors):
            event = "FAIL"
        return self._of_pipeline(event, result.name, at, {} if event == "COMPLETE" else _told(errors))

    def step_started(self, pipeline: str, step: StepResult) -> Json:
        return self._of_step("START", pipeline, step, step.started_at, Datasets())

    def step_ended(self, pipeline: str, step: StepResult, at: datetime, datasets: Datasets) -> Json:
        return self._of_step(_ENDS[step.status], pipeline, step, at, datasets)

    def _of_pipeline(self, event: EventType, pipeline: str, at: datetime, run_facets: Json) -> Json:
        job_facets = {"jobType": facets.job_type("PIPELINE")}
        if description := self._descriptions.get(pipeline):
            job_facets["documentation"] = facets.job_documentation(description)
        if self._run.slot:
            run_facets = {"nominalTime": facets.nominal_time(self._run.slot), **run_facets}
        return self._event(event, at, pipeline, run_facets, job_facets)

    def _of_step(
        self, event: EventType, pipeline: str, step: StepResult, at: datetime, datasets: Datasets
    ) -> Json:
        run_facets = {
            "parent": facets.parent(self._namespace, pipeline, self._run_uuid(pipeline)),
            **_told(step.errors),
        }
        job_facets = {"jobType": facets.job_type(step.kind.upper())}
        if datasets.sql:
            job_facets["sql"] = facets.sql(datasets.sql, datasets.dialect)
        found = self._event(event, at, step_job(pipeline, step.name), run_facets, job_facets)
        return {**found, "inputs": datasets.inputs, "outputs": datasets.outputs}

    def _event(self, event: EventType, at: datetime, job: str, run_facets: Json, job_facets: Json) -> Json:
        tags = {"run_id": self._run.run_id, "environment": self._run.environment}
        known = {"processing_engine": facets.processing_engine(), "tags": facets.run_tags(tags)}
        return {
            "eventType": event,
            "eventTime": format_time(at),
            "producer": facets.PRODUCER,
            "schemaURL": facets.EVENT_SCHEMA,
            "run": {"runId": self._run_uuid(job), "facets": {**known, **run_facets}},
            "job": {"namespace": self._namespace, "name": job, "facets": job_facets},
            "inputs": [],
            "outputs": [],
        }

    def _run_uuid(self, job: str) -> str:
        return run_uuid(self._project, self._run.run_id, job)


def _told(errors: list[ErrorDocument]) -> Json:
    """The first error in words."""
    first = next(iter(errors), None)
    return {} if first is None else {"errorMessage": facets.error_message(f"{first.code} {first.message}")}
