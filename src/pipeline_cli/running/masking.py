"""Secrets taken out of results before anyone sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_cli.document import StepResult
from pipeline_cli.secrets import mask


def mask_tree(value: Any, secrets: frozenset[str]) -> Any:
    """A copy of plain JSON (strings, lists, mappings) with every string masked; other values as they are."""
    if isinstance(value, str):
        return mask(value, secrets)
    if isinstance(value, Mapping):
        return {name: mask_tree(entry, secrets) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [mask_tree(entry, secrets) for entry in value]
    return value


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
