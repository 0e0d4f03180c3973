"""HTTP for API sources: what comes back is data, or an error that names the request.

A requests Session whose adapter does the checks, so that they hold for first requests, next-links and redirects
alike: every request stays on an allowed origin (before credentials are sent), every try has a total deadline and
a bound on its size, and a 200 that holds an error or a web page is a failure.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError as TransportError
from urllib3.util import Retry

from pipeline_cli.errors import SourceError
from pipeline_cli.sources.answers import check_origin, check_response, read_body
from pipeline_cli.sources.deadline import Deadline, watch_pools
from pipeline_cli.sources.http_errors import describe, gave_up
from pipeline_cli.sources.http_limits import HttpLimits, origin_of

if TYPE_CHECKING:
    from pipeline_cli.sources.read_ahead import ReadAhead

_RETRIED = frozenset((408, 425, 429, 500, 502, 503, 504))
_TRANSIENT = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
_TOO_SLOW = "the answer took longer than client.request_timeout"
_BACKOFF_S = 0.5
_MAX_BACKOFF_S = 30.0


def open_session(limits: HttpLimits, adapter: HTTPAdapter | None = None) -> CheckedSession:
    """A session that checks every answer. adapter: instead of the network, for recordings."""
    session = CheckedSession()
    # A callable that changes nothing: otherwise requests takes credentials from ~/.netrc, which no manifest names.
    session.auth = lambda request: request
    checked = adapter or CheckedAdapter(limits)
    session.mount("http://", checked)
    session.mount("https://", checked)
    return session


class CheckedSession(requests.Session):
    ahead: ReadAhead | None = None  # gives answers to what was expected

    def __init__(self) -> None:
        super().__init__()
        self._settings: dict[tuple[Any, ...], Any] = {}

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """As it was prepared when it was sent ahead: that takes longer than all else that is done for a page."""
        expected = self.ahead.prepared(request) if self.ahead is not None else None
        return expected or super().prepare_request(request)

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Once for an origin: requests goes through the whole environment for every request."""
        if proxies:
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        key = (origin_of(str(url)), stream, verify, cert)
        if key not in self._settings:
            self._settings[key] = super().merge_environment_settings(url, proxies, stream, verify, cert)
        return dict(self._settings[key])

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        if self.ahead is not None and not options.pop("is_expected", False):
            expected = self.ahead.take(request)
            if expected is not None:
                return expected
        try:
            return super().send(request, **options)
        except requests.TooManyRedirects as error:
            raise SourceError(
                f"{describe(request)} leads from redirect to redirect; gave up after {self.max_redirects}."
            ) from error


class CheckedAdapter(HTTPAdapter):
    """Sends over the network, with retries for what may pass the second time."""

    def __init__(self, limits: HttpLimits) -> None:
        super().__init__(pool_maxsize=limits.pace.connections or 10, max_retries=Retry(0, read=False))
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
        pace, begun_at = self._limits.pace, None
        for tries in range(1, self._limits.max_retries + 2):
            with pace.turn(self._limits.sleep) as turn:
                begun_at = begun_at or time.monotonic()
                outcome = self._try_once(request, verify, cert, proxies)
                turn.asked_s = asked_s = _asked_wait(outcome, self._limits)
                if isinstance(outcome, requests.Response):
                    turn.status, turn.headers = outcome.status_code, outcome.headers
            if isinstance(outcome, requests.Response) and not _may_pass(outcome, asked_s):
                return check_response(outcome, self._limits)
            wait_s = _backoff(tries) if asked_s is None else asked_s
            if (
                tries > self._limits.max_retries
                or time.monotonic() + wait_s > begun_at + self._limits.retry_timeout_s
            ):
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
