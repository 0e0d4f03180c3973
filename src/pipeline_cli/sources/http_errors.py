"""What went wrong with a request, in words: no query, no header, and no more of an answer than a line."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests

from pipeline_cli.contracts.json_values import parse_json
from pipeline_cli.errors import SourceError

_EXCERPT = 160


def describe(request: Any) -> str:
    """The request for messages: method and address without the query, which may hold a key."""
    parts = urlsplit(getattr(request, "url", "") or "")
    return (
        f"{getattr(request, 'method', 'GET')} {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    )


def gave_up(
    request: requests.PreparedRequest,
    outcome: requests.Response | Exception,
    tries: int,
    asked_s: float | None,
    hint: str | None,
) -> SourceError:
    """The error of a request that was tried for as long as the limits allow. asked_s: what the API asked to wait."""
    answer = ""
    if isinstance(outcome, requests.Response):
        said = f"answered {outcome.status_code}"
        said += "" if asked_s is None else f" and asks to wait {asked_s:,.0f} s"
        answer = excerpt(outcome)
    else:
        said = f"did not answer ({_transport_reason(outcome)})"
    error = SourceError(
        f"{describe(request)} {said}; gave up after {tries} {'try' if tries == 1 else 'tries'}.{answer}",
        code="E310",
        hint=hint or "Nothing is lost: the next run goes on from where the last good one ended.",
    )
    error.transient = "certificate" not in said
    return error


def _transport_reason(error: Exception) -> str:
    text = str(error).lower()
    known = {
        "connection refused": "connection refused",
        "name or service not known": "unknown host",
        "name resolution": "unknown host",
        "nodename nor servname": "unknown host",
        "certificate": "its certificate is not trusted",
        "timed out": "timed out",
        "client.request_timeout": "slower than client.request_timeout",
        "incompleteread": "connection dropped",
        "incomplete": "connection dropped",
        "reset": "connection dropped",
        "aborted": "connection dropped",
    }
    return next((reason for sign, reason in known.items() if sign in text), type(error).__name__)


def status_hint(status: int) -> str | None:
    """What to do about a refusal, where the status tells."""
    if status in (401, 403):
        return "Check the credentials: client.auth and the environment variables it names."
    if status == 404:
        return "Check base_url and the endpoint's path."
    return None


def excerpt(response: requests.Response) -> str:
    """A sentence that begins with " It said:", cut short; empty where the answer is."""
    text = " ".join(_said(response).split())
    return f" It said: {shorten(text)}" if text else ""


def _said(response: requests.Response) -> str:
    """The sentence in an answer of the usual shape, {"error": {"message": …}}; else the answer."""
    try:
        document = parse_json(response.content.strip())
    except ValueError:
        return response.text
    error = document.get("error") if isinstance(document, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return message if isinstance(message, str) else response.text


def shorten(text: str) -> str:
    """At most 160 characters."""
    return text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…"
