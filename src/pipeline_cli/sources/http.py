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
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError as TransportError
from urllib3.util import Retry

from pipeline_cli.contracts.json_values import parse_json
from pipeline_cli.errors import SourceError, StepError
from pipeline_cli.sources.deadline import Deadline, watch_pools
from pipeline_cli.sources.http_errors import describe, excerpt, gave_up, shorten, status_hint

_RETRIED = frozenset((408, 425, 429, 500, 502, 503, 504))
_TRANSIENT = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
_TOO_SLOW = "the answer took longer than client.request_timeout"
_CHUNK_BYTES = 65_536
_BACKOFF_S = 0.5
_MAX_BACKOFF_S = 30.0


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


def sleep_unless(cancelled: Event) -> Callable[[float], None]:
    """A sleep that ends with StepError when the run is asked to stop: some APIs ask for a quarter of an hour."""

    def sleep(seconds: float) -> None:
        if cancelled.wait(seconds):
            raise StepError(
                "interrupted while it waited for the API; nothing of this source was loaded", code="E130"
            )

    return sleep


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
            if isinstance(outcome, requests.Response) and not _may_pass(outcome, asked_s):
                return check_response(outcome, self._limits)
            wait_s = _backoff(tries) if asked_s is None else asked_s
            if tries > self._limits.max_retries or time.monotonic() + wait_s > give_up_at:
                hint = self._limits.hint(outcome) if isinstance(outcome, requests.Response) else None
                raise gave_up(request, outcome, tries, asked_s, hint)
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
    try:
        document = parse_json(body)
    except ValueError as error:
        raise SourceError(
            f"{what} answered {response.status_code} with JSON that is cut or malformed ({error}).",
            code="E315",
        ) from error
    return [] if document is None else document


def _may_pass(response: requests.Response, asked_s: float | None) -> bool:
    """Whether the same request may be answered the next time."""
    return asked_s is not None or response.status_code in _RETRIED


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
