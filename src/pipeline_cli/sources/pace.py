"""How fast one API is asked: connections at once, requests in a time, and what its answers ask for.

A request's turn ends with its answer, and only `per` after that another takes its place. However long requests are
on their way, the API then never sees more than the limit in any such span.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

_LOOK_EVERY_S = 0.25  # whether the run is to stop
_LEARNT_FOR = 20  # spans, and at least a minute: then the API may be asked faster again
_EPOCH = 1_000_000_000  # a reset beyond this is a date in seconds, not a number of seconds from now

Sleep = Callable[[float], None]


@dataclass(slots=True)
class _Span:
    """At most `count` requests in any `per_s` seconds. ends: when the answers of the last ones came in."""

    count: int
    per_s: float
    ends: deque[float] = field(default_factory=deque)
    expires_at: float = float("inf")

    def wait_s(self, now: float, under_way: int) -> float | None:
        """Seconds until one more may be sent; 0.0 for at once, None for when one that is under way has ended."""
        while self.ends and self.ends[0] <= now - self.per_s:
            self.ends.popleft()
        if len(self.ends) + under_way < self.count:
            return 0.0
        return self.ends[0] + self.per_s - now if self.ends else None


@dataclass(slots=True)
class Turn:
    """One request; what its answer says is put in here before it ends. asked_s: how long it asks to wait."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    asked_s: float | None = None


class Pace:
    """Turns of one source's requests. Safe to use from several threads; unbounded where nothing is given.

    rate: (count, seconds). patience_s: no longer than this is waited for what an answer asks; 0: never.
    """

    def __init__(
        self,
        connections: int | None = None,
        rate: tuple[int, float] | None = None,
        patience_s: float = 0.0,
    ) -> None:
        self.connections = connections
        self._spans = [_Span(*rate)] if rate else []
        self._learnt: _Span | None = None
        self._patience_s = patience_s
        self._changed = threading.Condition()
        self._under_way = 0
        self._paused_until = 0.0
        self._left: tuple[int, float] | None = None  # requests that the API still takes, and until when
        self._asks_again = False  # that time is over: one request asks what it takes now
        # For what is learnt of a refusal: when the API last began to take requests.
        self._since = time.monotonic()
        self._taken = 0

    @contextmanager
    def turn(self, sleep: Sleep) -> Iterator[Turn]:
        """Wait until a request may be sent; inside, it is under way. sleep: raises where the run is to stop."""
        self._begin(sleep)
        turn = Turn()
        try:
            yield turn
        finally:
            with self._changed:
                self._end(turn, time.monotonic())
                self._changed.notify_all()

    def _end(self, turn: Turn, now: float) -> None:
        self._under_way -= 1
        for span in self._all_spans(now):
            span.ends.append(now)
        if turn.status is not None and turn.status < 400:
            self._taken += 1
        elif turn.asked_s is not None and turn.asked_s <= self._patience_s:
            self._slow_down(now, turn.asked_s)
        self._asks_again = False
        told = remaining_of(turn.headers, time.time())
        if told is not None and told[1] < self._patience_s:
            # Those under way may be counted already or not: as if they were not. Answers may overtake each other.
            left = told[0] - self._under_way
            if self._left is not None and now < self._left[1]:
                left = min(left, self._left[0])
            self._left = (left, now + told[1])

    def _slow_down(self, now: float, asked_s: float) -> None:
        if now >= self._paused_until:  # the first of those that were refused together
            if self._taken:
                per_s = now - self._since + asked_s
                lasts_s = max(_LEARNT_FOR * per_s, 60.0)
                self._learnt = _Span(self._taken, per_s, expires_at=now + lasts_s)
            self._since, self._taken = now + asked_s, 0
        self._paused_until = max(self._paused_until, now + asked_s)

    def _all_spans(self, now: float) -> list[_Span]:
        if self._learnt is not None and now > self._learnt.expires_at:
            self._learnt = None
        return self._spans if self._learnt is None else [*self._spans, self._learnt]

    def _begin(self, sleep: Sleep) -> None:
        while True:
            with self._changed:
                wait_s = self._wait_s(time.monotonic())
                if wait_s == 0.0:
                    self._under_way += 1
                    if self._left is not None:
                        self._left = (self._left[0] - 1, self._left[1])
                    return
                if wait_s is None:
                    self._changed.wait(_LOOK_EVERY_S)
            sleep(min(wait_s or 0.0, _LOOK_EVERY_S))

    def _wait_s(self, now: float) -> float | None:
        if self.connections is not None and self._under_way >= self.connections:
            return None
        waits = [span.wait_s(now, self._under_way) for span in self._all_spans(now)]
        if None in waits:
            return None
        wait_s = max([0.0, self._paused_until - now, *(each for each in waits if each is not None)])
        if self._left is not None and now >= self._left[1]:
            self._left, self._asks_again = None, True
        if self._asks_again and self._under_way:
            return None
        if self._left is not None and self._left[0] <= 0:
            return max(wait_s, self._left[1] - now)
        return wait_s


_IN_ONE = re.compile(r"\b(r|remaining|t|reset)\s*=\s*(\d+)")


def remaining_of(headers: Mapping[str, str], now: float) -> tuple[int, float] | None:
    """(requests, seconds): how many more an API takes in which time, where its headers tell.

    RateLimit-Remaining and -Reset, with X- or without, or RateLimit alone (draft-ietf-httpapi-ratelimit-headers).
    now: seconds since 1970; some APIs tell the reset as a date.
    """
    if "RateLimit" in headers:
        words = dict(_IN_ONE.findall(headers["RateLimit"]))
        remaining, reset = words.get("r", words.get("remaining")), words.get("t", words.get("reset"))
        return (int(remaining), float(reset)) if remaining and reset else None
    for prefix in ("RateLimit-", "X-RateLimit-", "X-Rate-Limit-"):
        remaining, reset = headers.get(f"{prefix}Remaining"), headers.get(f"{prefix}Reset")
        if remaining and reset and remaining.isdigit():
            reset_s = _seconds(reset, now)
            return None if reset_s is None else (int(remaining), max(0.0, reset_s))
    return None


def _seconds(reset: str, now: float) -> float | None:
    try:
        value = float(reset)
    except ValueError:
        try:
            return datetime.fromisoformat(reset).timestamp() - now
        except ValueError:
            return None
    if value > 1000 * _EPOCH:
        return value / 1000 - now
    return value - now if value > _EPOCH else value
