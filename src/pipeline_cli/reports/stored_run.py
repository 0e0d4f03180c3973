"""A run document, as it was stored, back as the RunResult that it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

from pipeline_cli.document import (
    CheckResult,
    ErrorDocument,
    ModelResult,
    PipelineResult,
    ReportResult,
    ResourceResult,
    RunResult,
    StepResult,
    TryResult,
)

Shape = TypeVar("Shape")


def read_result(document: Mapping[str, Any]) -> RunResult:
    """The RunResult of a run document (schema_version 1); keys that a newer version added are left out."""
    pipelines = [
        PipelineResult(entry["name"], entry["status"], [_step(step) for step in entry["steps"]])
        for entry in document["pipelines"]
    ]
    return RunResult(
        run_id=document["run_id"],
        environment=document["environment"],
        status=document["status"],
        started_at=_moment(document["started_at"]),
        duration_s=document["duration_s"],
        pipelines=pipelines,
        errors=[_build(ErrorDocument, error) for error in document["errors"]],
        warnings=list(document.get("warnings", ())),
        slot=document.get("slot"),
    )


def _step(entry: Mapping[str, Any]) -> StepResult:
    step = StepResult(entry["name"], entry["kind"], entry["status"], entry["tries"])
    if entry.get("started_at"):
        step.started_at = _moment(entry["started_at"])
    step.duration_s = entry["duration_s"]
    step.resources = [_build(ResourceResult, one) for one in entry.get("resources", ())]
    step.models = [_build(ModelResult, one) for one in entry.get("models", ())]
    step.checks = [_build(CheckResult, one) for one in entry.get("checks", ())]
    step.reports = [_build(ReportResult, one) for one in entry.get("reports", ())]
    step.notes = list(entry.get("notes", ()))
    step.attempts = [_attempt(one) for one in entry.get("attempts", ())]
    return step


def _attempt(entry: Mapping[str, Any]) -> TryResult:
    error = entry["error"] or {}
    started_at = _moment(entry["started_at"])
    told = error.get("code"), error.get("message")
    return TryResult(entry["number"], entry["status"], started_at, entry["duration_s"], *told)


def _build(shape: type[Shape], values: Mapping[str, Any]) -> Shape:
    known = {field.name for field in fields(shape)}  # type: ignore[arg-type]
    return shape(**{name: value for name, value in values.items() if name in known})


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
