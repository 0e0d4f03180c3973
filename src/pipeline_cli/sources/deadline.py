"""A deadline over one whole try of a request: connect, head and body together.

Timeouts of sockets hold between two bytes: a server that sends one byte a second keeps them waiting for ever.
When the time is up, the connection's socket is shut down, and whoever reads from it gets an error.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Any, Self

from urllib3 import PoolManager
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_CURRENT = threading.local()


class Deadline:
    """with Deadline(5.0) as deadline: … ; afterwards `deadline.passed` tells why the connection broke."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self.connection: Any = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        _CURRENT.deadline = self
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        _CURRENT.deadline = None

    def _end(self) -> None:
        self.passed = True
        sock = getattr(self.connection, "sock", None)
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


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
