"""What is done with each answer of a resource, as it comes in, before dlt takes the records out of it.

These are hooks of requests and not dlt's `response_actions`, which decode each answer to text first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pipeline_cli.errors import SourceError
from pipeline_cli.sources.landing.adapter import is_landed

if TYPE_CHECKING:
    import requests

    from pipeline_cli.sources.landing.landing import Landing

AnswerHook = Callable[..., None]


def answer_hooks(name: str, selector: str | None, landing: Landing | None) -> Sequence[AnswerHook]:
    """For a resource: what its answers must hold, and where they land. selector: the place of the records."""
    hooks: list[AnswerHook] = []
    if selector:
        hooks.append(_require_selected(name, selector))
    if landing is not None:
        hooks.append(_keep(name, landing))
    return hooks


def _keep(name: str, landing: Landing) -> AnswerHook:
    def keep(response: requests.Response, **_: Any) -> None:
        if not response.is_redirect and not is_landed(response):
            landing.keep(name, response)

    return keep


def _require_selected(name: str, selector: str) -> AnswerHook:
    """An answer in which the records' place is missing is an error, not an empty page."""

    def check(response: requests.Response, **_: Any) -> None:
        from dlt.common import jsonpath

        body = response.json()
        plain = selector.removeprefix("$.")
        if not re.fullmatch(r"[\w.]+", plain) or not body:
            return  # wildcards and filters may rightly select nothing; an empty body is an empty page
        if not jsonpath.find_values(selector, body) and not _is_empty_at(body, plain.split(".")):
            raise SourceError(
                f"Resource {name}: the answer has nothing at {selector!r}; its keys are "
                f"{', '.join(sorted(body)[:8]) if isinstance(body, dict) else 'those of a list'}.",
                code="E318",
                hint="Check endpoint.data_selector against what the API sends.",
            )

    return check


def _is_empty_at(body: Any, steps: list[str]) -> bool:
    for step in steps:
        if not isinstance(body, dict) or step not in body:
            return False
        body = body[step]
    return True
