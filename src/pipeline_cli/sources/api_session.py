"""HTTP for Python sources: `pipeline_cli.api_session`, with the checks and recordings of rest_api sources.

    from pipeline_cli import api_session

    @dlt.source
    def tickets(token):
        session = api_session("https://tickets.example.com/api", auth=BearerAuth(token))
        ...

Which environment it is for, and whether that replays, stands in a context variable while the source is open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline_cli.errors import SourceError

if TYPE_CHECKING:
    import requests


@dataclass(slots=True)
class Scope:
    """One Python source while it is open. recording: to answer from, None for the network.

    sleep: waits between two tries. base_urls: of the sessions that it opened.
    """

    source: str
    recording: Path | None
    sleep: Callable[[float], None]
    base_urls: list[str]


_SCOPE: ContextVar[Scope | None] = ContextVar("scope", default=None)
_OPEN: list[Scope] = []


@contextmanager
def opened(scope: Scope) -> Iterator[None]:
    """Sessions that are opened inside belong to this source."""
    token = _SCOPE.set(scope)
    _OPEN.append(scope)
    try:
        yield
    finally:
        _OPEN.remove(scope)
        _SCOPE.reset(token)


def api_session(
    base_url: str,
    *,
    auth: Callable[[requests.PreparedRequest], requests.PreparedRequest] | None = None,
    varying: Iterable[str] = (),
    retry_after: Callable[[requests.Response], float | None] | None = None,
    hint: Callable[[requests.Response], str | None] | None = None,
    **limits: Any,
) -> requests.Session:
    """A requests session for a Python source: every answer is JSON data, or an error in words.

    base_url: the API; requests to other origins are refused. In an environment with `replay: true` the answers
    come from the source's recording, in which this address is left open.
    auth: signs each request; not called when answers are replayed.
    varying: query parameters and body fields that change from run to run (dates); a recording answers all the same.
    retry_after: the seconds after which an API that refused is to be asked again, None where that is of no use.
        429, 5xx and dropped connections are tried again in any case.
    hint: what the user is to do about a refusal, where that is known.
    limits: request_timeout_s, retry_timeout_s, max_retries, max_response_bytes, error_keys as in `client:` of rest_api.
    Open it in the source's function, not while records are read. Raises SourceError, as do its requests.
    """
    from pipeline_cli.sources.http import open_session
    from pipeline_cli.sources.http_limits import HttpLimits, origin_of
    from pipeline_cli.sources.recordings import ReplayAdapter

    scope = _SCOPE.get()
    if scope is None and _OPEN:
        raise SourceError(
            "api_session was called in a thread of its own, where it does not know its source.",
            code="E346",
            hint="Call it in the function decorated with @dlt.source, and use the session in the resources.",
        )
    given = {"retry_after": retry_after, "hint": hint, "sleep": scope.sleep if scope else None}
    options = {**limits, **{name: value for name, value in given.items() if value is not None}}
    bounds = HttpLimits(origins=frozenset((origin_of(base_url),)), **options)
    if scope is not None:
        scope.base_urls.append(base_url.rstrip("/"))
        if scope.recording is not None:
            replay = ReplayAdapter(scope.recording, scope.source, base_url, bounds, frozenset(varying))
            return open_session(bounds, replay)
    session = open_session(bounds)
    if auth is not None:
        session.auth = auth
    return session


def uses_api_session(module: Any) -> bool:
    """Whether a source's file asks for its HTTP here: what else it does is not caught by a recording."""
    return any(value is api_session for value in vars(module).values())
