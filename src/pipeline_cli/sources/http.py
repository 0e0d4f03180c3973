"""HTTP for API sources: what comes back is data, or an error that names the request.

A requests Session whose adapter does the checks, so that they hold for first requests, next-links and redirects
alike: every request stays on an allowed origin (before credentials are sent), every try has a total deadline and
a bound on its size, and a 200 that holds an error or a web page is a failure.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError as TransportError
from urllib3.util import Retry

from pipeline_cli.contracts.json_values import parse_json
from pipeline_cli.errors import SourceError
from pipeline_cli.sources.deadline import Deadline, watch_pools

_RETRIED = frozenset((408, 425, 429, 500, 502, 503, 504))
_TRANSIENT = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
_TOO_SLOW = "the answer took longer than client.request_timeout"
_CHUNK_BYTES = 65_536
_BACKOFF_S = 0.5
_MAX_BACKOFF_S = 30.0
_EXCERPT = 160


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Bounds of one source's requests; times in seconds."""

    origins: frozenset[str]
    request_timeout_s: float = 60.0
    retry_timeout_s: float = 300.0
    max_retries: int = 5
    max_response_bytes: int = 268_435_456
    error_keys: tuple[str, ...] = ("error", "errors")
    sleep: Callable[[float], None] = field(default=time.sleep)
    # What an API says in its own way: after how many seconds a refused request may be sent again (None: never), and
    # what to do about a refusal.
    retry_after: Callable[[requests.Response], float | None] = field(default=lambda response: None)
    hint: Callable[[requests.Response], str | None] = field(default=lambda response: None)


def origin_of(url: str) -> str:
    """scheme://host:port with the default port written out: "https://api.example.com:443"."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


def open_session(limits: HttpLimits, adapter: HTTPAdapter | None = None) -> requests.Session:
    """A session that checks every answer. adapter: instead of the network, for recordings."""
    session = _Session()
    # A callable that changes nothing: otherwise requests takes credentials from ~/.netrc, which no manifest names.
    session.auth = lambda request: request
    checked = adapter or CheckedAdapter(limits)
    session.mount("http://", checked)
    session.mount("https://", checked)
    return session


class _Session(requests.Session):
    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        try:
            return super().send(request, **options)
        except requests.TooManyRedirects as error:
            raise SourceError(
                f"{describe(request)} leads from redirect to redirect; gave up after {self.max_redirects}."
            ) from error


class CheckedAdapter(HTTPAdapter):
    """Sends over the network, with retries for what may pass the second time."""

    def __init__(self, limits: HttpLimits) -> None:
        super().__init__(max_retries=Retry(0, read=False))
        self._limits = limits

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        watch_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        watch_pools(manager)
        return manager

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Raises SourceError when the answer is not data, or no answer came within the limits."""
        check_origin(request, self._limits)
        give_up_at = time.monotonic() + self._limits.retry_timeout_s
        for tries in range(1, self._limits.max_retries + 2):
            outcome = self._try_once(request, verify, cert, proxies)
            asked_s = _asked_wait(outcome, self._limits)
            is_response = isinstance(outcome, requests.Response)
            if is_response and outcome.status_code not in _RETRIED and asked_s is None:
                return check_response(outcome, self._limits)
            wait_s = _backoff(tries) if asked_s is None else asked_s
            if tries > self._limits.max_retries or time.monotonic() + wait_s > give_up_at:
                raise _gave_up(request, outcome, tries, asked_s, self._limits)
            self._limits.sleep(wait_s)
        raise AssertionError("the loop ends by return or raise")

    def _try_once(
        self,
        request: requests.PreparedRequest,
        verify: bool | str,
        cert: Any,
        proxies: Mapping[str, str] | None,
    ) -> requests.Response | Exception:
        limit_s = self._limits.request_timeout_s
        timeout = (min(30.0, limit_s), limit_s)
        with Deadline(limit_s) as deadline:
            try:
                response = super().send(request, True, timeout, verify, cert, proxies)
                read_body(response, self._limits.max_response_bytes)
            except (*_TRANSIENT, TransportError) as error:
                return requests.Timeout(_TOO_SLOW) if deadline.passed else error
            except requests.RequestException as error:
                raise SourceError(
                    f"{describe(request)} cannot be sent or read: {type(error).__name__}"
                ) from error
        # A body without a length ends where the connection does, also when it is we who ended it.
        return requests.Timeout(_TOO_SLOW) if deadline.passed else response


def read_body(response: requests.Response, max_bytes: int) -> None:
    """Read the whole answer, decompressed, within `max_bytes`. Raises SourceError."""
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
    response._content = b"".join(chunks)
    response._content_consumed = True  # type: ignore[attr-defined]


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
            + f".{_excerpt(response)}",
            code="E312",
            hint=limits.hint(response) or _status_hint(response.status_code),
        )
    body = response.content.strip()
    document = _parse_body(response, body, what)
    for key in limits.error_keys:
        if isinstance(document, dict) and document.get(key):
            raise SourceError(
                f"{what} answered {response.status_code} with {key!r} in its body: {_shorten(str(document[key]))}",
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
            f"{what} answered {response.status_code} with a web page, not with JSON.{_excerpt(response)}",
            code="E314",
            hint="A login page or a proxy often answers like that: check base_url and the credentials.",
        )
    try:
        document = parse_json(body)
    except ValueError as error:
        raise SourceError(
            f"{what} answered {response.status_code} with JSON that is cut or malformed ({error}).",
            code="E315",
        ) from error
    return [] if document is None else document


def describe(request: Any) -> str:
    """The request for messages: method and address without the query, which may hold a key."""
    parts = urlsplit(getattr(request, "url", "") or "")
    return (
        f"{getattr(request, 'method', 'GET')} {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    )


def _asked_wait(outcome: requests.Response | Exception, limits: HttpLimits) -> float | None:
    """The seconds that an answer asks to wait; None where it asks for nothing, or is no refusal."""
    if not isinstance(outcome, requests.Response) or outcome.status_code < 400:
        return None
    if (asked_s := limits.retry_after(outcome)) is not None:
        return asked_s
    if outcome.status_code not in _RETRIED or "Retry-After" not in outcome.headers:
        return None
    try:
        return float(Retry().parse_retry_after(outcome.headers["Retry-After"]))
    except Exception:  # a Retry-After that no one can read is no reason not to try again
        return None


def _backoff(tries: int) -> float:
    jitter = random.uniform(0.75, 1.25)  # noqa: S311 - no secret hangs on it
    return float(min(_MAX_BACKOFF_S, _BACKOFF_S * 2.0 ** (tries - 1)) * jitter)


def _gave_up(
    request: requests.PreparedRequest,
    outcome: requests.Response | Exception,
    tries: int,
    asked_s: float | None,
    limits: HttpLimits,
) -> SourceError:
    hint, excerpt = None, ""
    if isinstance(outcome, requests.Response):
        said = f"answered {outcome.status_code}"
        said += "" if asked_s is None else f" and asks to wait {asked_s:,.0f} s"
        hint, excerpt = limits.hint(outcome), _excerpt(outcome)
    else:
        said = f"did not answer ({_transport_reason(outcome)})"
    return SourceError(
        f"{describe(request)} {said}; gave up after {tries} {'try' if tries == 1 else 'tries'}.{excerpt}",
        code="E310",
        hint=hint or "Nothing is lost: the next run goes on from where the last good one ended.",
    )


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


def _status_hint(status: int) -> str | None:
    if status in (401, 403):
        return "Check the credentials: client.auth and the environment variables it names."
    if status == 404:
        return "Check base_url and the endpoint's path."
    return None


def _excerpt(response: requests.Response) -> str:
    text = " ".join(_said(response).split())
    return f" It said: {_shorten(text)}" if text else ""


def _said(response: requests.Response) -> str:
    """The sentence in an answer of the usual shape, {"error": {"message": …}}; else the answer."""
    try:
        document = parse_json(response.content.strip())
    except ValueError:
        return response.text
    error = document.get("error") if isinstance(document, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return message if isinstance(message, str) else response.text


def _shorten(text: str) -> str:
    return text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…"
