"""Requests that are sure to be asked for, sent before they are: while a page is worked on, the next are on their way.

dlt asks page by page, and gets each answer in its turn, so records keep the order of their pages however many are
fetched side by side. What is expected and never asked for is dropped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING

from pipeline_cli.threads import Workers, wait_for_one

if TYPE_CHECKING:
    import requests

_LOOK_EVERY_S = 0.25  # whether the run is to stop


@dataclass(slots=True)
class _Series:
    """Requests of which so many are under way or wait to be asked for. left: the others, made when they are sent."""

    left: Iterator[requests.Request]
    open: int = 0


@dataclass(frozen=True, slots=True)
class _Expected:
    """A request that is sure to be asked for. series: the pages that it is one of, None for one alone."""

    request: requests.Request
    prepared: requests.PreparedRequest
    answer: Future[requests.Response]
    series: _Series | None


class ReadAhead:
    """The expected requests of one session. Memory: `width` answers for each resource and each list of parents.

    width: how many may be under way, or wait, at once. sleep: raises where the run is to stop, or the source is closed.
    """

    def __init__(self, session: requests.Session, width: int, sleep: Callable[[float], None]) -> None:
        self.width = width
        self.session = session
        self._sleep = sleep
        self._lock = threading.RLock()
        self._workers = Workers()
        self._expected: dict[bytes, _Expected] = {}

    def expect(self, request: requests.Request) -> bytes:
        """Send a request now; the key to forget it by."""
        return self._expect(request, None)

    def expect_all(self, series: Iterator[requests.Request]) -> None:
        """Send these requests, a few ahead of the one that is asked for. An iterator that raises has ended."""
        self._send_more(_Series(series))

    def prepared(self, request: requests.Request) -> requests.PreparedRequest | None:
        """As what was sent, where the very same is expected; None where nothing is."""
        with self._lock:
            same = (each for each in self._expected.values() if vars(each.request) == vars(request))
            return next((each.prepared for each in same), None)

    def take(self, request: requests.PreparedRequest) -> requests.Response | None:
        """The answer to a request that was expected; None to one that was not. Raises what its sending raised."""
        with self._lock:
            expected = self._expected.pop(_key(request), None)
            if expected is None:
                return None
            if expected.series is not None:
                expected.series.open -= 1
                self._send_more(expected.series)
        while not wait_for_one([expected.answer], _LOOK_EVERY_S):
            self._sleep(0.0)
        return expected.answer.result()

    def forget(self, keys: set[bytes]) -> None:
        """These will not be asked for after all."""
        with self._lock:
            for key in keys & self._expected.keys():
                del self._expected[key]

    def _expect(self, request: requests.Request, series: _Series | None) -> bytes:
        prepared = self.session.prepare_request(request)  # here: tokens are fetched by one thread at a time
        key = _key(prepared)
        with self._lock:
            if key not in self._expected:
                send, name = partial(self._send, prepared), f"{threading.current_thread().name}+"
                self._expected[key] = _Expected(request, prepared, self._workers.start(send, name), series)
                if series is not None:
                    series.open += 1
        return key

    def _send_more(self, series: _Series) -> None:
        while series.open < self.width:
            try:
                request = next(series.left)
            except Exception:  # whoever asks for it gets the error where it belongs
                return
            self._expect(request, series)

    def _send(self, request: requests.PreparedRequest) -> requests.Response:
        self._sleep(0.0)
        settings = self.session.merge_environment_settings(request.url, {}, None, None, None)
        return self.session.send(request, **settings, is_expected=True)


def _key(request: requests.PreparedRequest) -> bytes:
    body = request.body or b""
    text = f"{request.method} {request.url}\n".encode() + (
        body if isinstance(body, bytes) else str(body).encode()
    )
    return blake2b(text, digest_size=16).digest()
