"""A deadline over one whole try of a request: connect, head and body together.

Timeouts of sockets hold between two bytes: a server that sends one byte a second keeps them waiting for ever.
When the time is up, the connection's socket is shut down, and whoever reads from it gets an error.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count
from typing import Any, Self

from urllib3 import PoolManager
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_CURRENT = threading.local()


class Deadline:
    """with Deadline(5.0) as deadline: … ; afterwards `deadline.passed` tells why the connection broke."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self.connection: Any = None
        self._seconds = seconds
        self._is_over = False

    def __enter__(self) -> Self:
        _CURRENT.deadline = self
        _WATCH.add(time.monotonic() + self._seconds, self)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        _CURRENT.deadline = self.connection = None

    def end(self) -> None:
        """What it is there for is not over in time, or this does nothing."""
        if self._is_over:
            return
        self.passed = True
        sock = getattr(self.connection, "sock", None)
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class _Watch:
    """Ends all deadlines, in one thread: a timer for each was a thread for each page. It ends when there is none."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, int, Deadline]] = []  # a heap
        self._numbers = count()
        self._is_at_work = False

    def add(self, at: float, deadline: Deadline) -> None:
        with self._changed:
            heappush(self._waiting, (at, next(self._numbers), deadline))
            if not self._is_at_work:
                threading.Thread(target=self._work, name="deadlines", daemon=True).start()
                self._is_at_work = True
            elif self._waiting[0][2] is deadline:
                self._changed.notify()

    def _work(self) -> None:
        with self._changed:
            while self._waiting:
                left_s = self._waiting[0][0] - time.monotonic()
                if left_s > 0:
                    self._changed.wait(left_s)
                else:
                    heappop(self._waiting)[2].end()
            self._is_at_work = False


_WATCH = _Watch()


class _Watched:
    """A pool that shows the thread's deadline the connection it uses. Not a connection class: vcrpy brings its own."""

    def _make_request(self, conn: Any, *arguments: Any, **options: Any) -> Any:
        deadline = getattr(_CURRENT, "deadline", None)
        if deadline is not None:
            deadline.connection = conn
        return super()._make_request(conn, *arguments, **options)  # type: ignore[misc]


class _HTTPPool(_Watched, HTTPConnectionPool):
    pass


class _HTTPSPool(_Watched, HTTPSConnectionPool):
    pass


def watch_pools(manager: PoolManager) -> None:
    """Make the connections of this manager end at their thread's deadline."""
    manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
