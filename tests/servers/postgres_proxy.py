"""A way to Postgres that breaks at the worst moment: at a COMMIT, before the server has it or before we hear of it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Literal, Self
from urllib.parse import urlsplit, urlunsplit

Moment = Literal["before", "after"]


class CommitCutter:
    """with CommitCutter(url) as proxy: proxy.url leads to the same database.

    cut(moment, number, having): the number-th COMMIT, of connections that have sent the bytes `having`, ends its
    connection: "before", the server never gets it; "after", it has done it, and its answer does not come back.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname and parts.port
        self._target = (parts.hostname, parts.port)
        self._server = socket.create_server(("127.0.0.1", 0))
        place = f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{self._server.getsockname()[1]}"
        self.url = urlunsplit((parts.scheme, place, parts.path, "sslmode=disable&gssencmode=disable", ""))
        self._lock = threading.Lock()
        self._moment: Moment | None = None
        self._left = 0
        self._having = b""
        self.cuts = 0

    def cut(self, moment: Moment, number: int, having: bytes = b"") -> None:
        self._moment, self._left, self._having = moment, number, having

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                server = socket.create_connection(self._target)
                link = _Link(client, server, self._is_due)
                threading.Thread(target=link.send, daemon=True).start()
                threading.Thread(target=link.receive, daemon=True).start()

    def _is_due(self, sent: bytes) -> Moment | None:
        """Called at each COMMIT; sent: what its connection has sent so far, cut short."""
        with self._lock:
            if self._moment is None or self._having not in sent:
                return None
            self._left -= 1
            if self._left:
                return None
            moment, self._moment = self._moment, None
            self.cuts += 1
            return moment


class _Link:
    """One connection, both ways."""

    def __init__(
        self, client: socket.socket, server: socket.socket, is_due: Callable[[bytes], Moment | None]
    ) -> None:
        self._client, self._server, self._is_due = client, server, is_due
        self._sent = b""
        self._deaf = threading.Event()

    def send(self) -> None:
        with suppress(OSError):
            while data := self._client.recv(65_536):
                self._sent += data[:4_096]
                moment = self._is_due(self._sent) if _is_commit(data) else None
                if moment == "before":
                    break
                if moment == "after":
                    self._deaf.set()
                self._server.sendall(data)
                if moment == "after":
                    return  # `receive` ends both
        self._end()

    def receive(self) -> None:
        with suppress(OSError):
            while data := self._server.recv(65_536):
                if self._deaf.is_set() and b"COMMIT\x00" in data:
                    break
                self._client.sendall(data)
        self._end()

    def _end(self) -> None:
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def _is_commit(data: bytes) -> bool:
    """Whether these bytes end with a query message that is COMMIT; not `ON COMMIT DROP` of a temporary table."""
    return data[:1] in (b"Q", b"P") and data.rstrip(b"\x00; \n").upper().endswith(b"COMMIT")
