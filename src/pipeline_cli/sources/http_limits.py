"""The bounds of one source's requests."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from urllib.parse import urlsplit

import requests

from pipeline_cli.errors import StepError
from pipeline_cli.sources.pace import Pace

_LOOK_EVERY_S = 0.5


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
    pace: Pace = field(default_factory=Pace)
    # What an API says in its own way: after how many seconds a refused request may be sent again (None: never), and
    # what to do about a refusal.
    retry_after: Callable[[requests.Response], float | None] = field(default=lambda response: None)
    hint: Callable[[requests.Response], str | None] = field(default=lambda response: None)


def sleep_unless(cancelled: Event, closed: Event | None = None) -> Callable[[float], None]:
    """A sleep that ends with StepError when the run is asked to stop: some APIs ask for a quarter of an hour.

    closed: the source is not read any more, whatever became of it.
    """

    def sleep(seconds: float) -> None:
        left_s = seconds
        while True:
            if closed is not None and closed.is_set():
                raise StepError("the source is closed", code="E130")
            slice_s = left_s if closed is None else min(left_s, _LOOK_EVERY_S)
            if cancelled.wait(slice_s):
                raise StepError(
                    "interrupted while it waited for the API; nothing of this source was loaded", code="E130"
                )
            left_s -= slice_s
            if left_s <= 0:
                return

    return sleep


def origin_of(url: str) -> str:
    """scheme://host:port with the default port written out: "https://api.example.com:443"."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"
