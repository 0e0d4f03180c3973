"""Secrets taken out of results before anyone sees them."""

from __future__ import annotations

from pipeline_cli.document import StepResult
from pipeline_cli.secrets import mask


def mask_step(step: StepResult, secrets: frozenset[str]) -> None:
    """Mask every text of a step's result in place."""
    if not secrets:
        return
    step.notes = [mask(note, secrets) for note in step.notes]
    for check in step.checks:
        check.message = _mask(check.message, secrets)
    for model in step.models:
        model.message = _mask(model.message, secrets)
    for attempt in step.attempts:
        attempt.message = _mask(attempt.message, secrets)
    for error in step.errors:
        error.message, error.hint = mask(error.message, secrets), _mask(error.hint, secrets)
    for resource in step.resources:
        resource.endpoint = _mask(resource.endpoint, secrets)


def _mask(text: str | None, secrets: frozenset[str]) -> str | None:
    return text if text is None else mask(text, secrets)
