"""Answers of an API: JSON data, or an error that names the request."""

from __future__ import annotations

from typing import Any

import requests

from pipeline_cli.contracts.json_values import parse_json
from pipeline_cli.errors import SourceError
from pipeline_cli.sources.decoding import decode_whole
from pipeline_cli.sources.http_errors import describe, excerpt, shorten, status_hint
from pipeline_cli.sources.http_limits import HttpLimits, origin_of

_CHUNK_BYTES = 65_536


def read_body(response: requests.Response, max_bytes: int) -> None:
    """Read the whole answer, decompressed, within `max_bytes`. Raises SourceError."""
    response._content = _read_plain(response, max_bytes)
    if response._content is None:
        response._content = _read_in_chunks(response, max_bytes)
    response._content_consumed = True  # type: ignore[attr-defined]


def _read_plain(response: requests.Response, max_bytes: int) -> bytes | None:
    """At once, in half of the time, where it is known how much comes; None where that is not known, or too much."""
    length = response.headers.get("Content-Length", "")
    is_plain = "Content-Encoding" not in response.headers and "Transfer-Encoding" not in response.headers
    if not is_plain or not length.isdecimal() or int(length) > max_bytes:
        return None
    body: bytes = response.raw.read()
    return body


def _read_in_chunks(response: requests.Response, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_content(_CHUNK_BYTES):
        size += len(chunk)
        if size > max_bytes:
            response.close()
            raise SourceError(
                f"{describe(response.request)} answered with more than {max_bytes:,} bytes.",
                hint="Ask for smaller pages, or raise client.max_response_bytes.",
            )
        chunks.append(chunk)
    return b"".join(chunks)


def check_origin(request: requests.PreparedRequest, limits: HttpLimits) -> None:
    """Refuse a redirect or next-link to another host before anything, credentials least of all, is sent there."""
    origin = origin_of(request.url or "")
    if origin not in limits.origins:
        raise SourceError(
            f"The source leads to {origin}, which is not its own origin; nothing was sent there.",
            code="E311",
            hint=f'If that is right, add it: client: {{allowed_origins: ["{origin}"]}}.',
        )


def check_response(response: requests.Response, limits: HttpLimits) -> requests.Response:
    """Refuse what is not data; give the response a `json()` that loses no digit."""
    if response.is_redirect:
        return response
    what = describe(response.request)
    if response.status_code >= 400:
        raise SourceError(
            f"{what} answered {response.status_code} {response.reason or ''}".rstrip()
            + f".{excerpt(response)}",
            code="E312",
            hint=limits.hint(response) or status_hint(response.status_code),
        )
    body = response.content.strip()
    document = _parse_body(response, body, what)
    for key in limits.error_keys:
        if isinstance(document, dict) and document.get(key):
            raise SourceError(
                f"{what} answered {response.status_code} with {key!r} in its body: {shorten(str(document[key]))}",
                code="E313",
                hint="Where that key is data, take it out of client.error_keys.",
            )
    response.json = lambda **_: document  # type: ignore[method-assign]
    return response


def _parse_body(response: requests.Response, body: bytes, what: str) -> Any:
    if not body:
        return []
    if body[:1] == b"<" or "html" in response.headers.get("Content-Type", "").lower():
        raise SourceError(
            f"{what} answered {response.status_code} with a web page, not with JSON.{excerpt(response)}",
            code="E314",
            hint="A login page or a proxy often answers like that: check base_url and the credentials.",
        )
    if (whole := decode_whole(response.request, body)) is not None:
        return whole
    try:
        document = parse_json(body)
    except ValueError as error:
        raise SourceError(
            f"{what} answered {response.status_code} with JSON that is cut or malformed ({error}).",
            code="E315",
        ) from error
    return [] if document is None else document
