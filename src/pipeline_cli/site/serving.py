"""The site on 127.0.0.1, written anew when a run has changed what it shows."""

from __future__ import annotations

import mimetypes
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pipeline_cli.errors import UsageError
from pipeline_cli.site import places

HOST = "127.0.0.1"
NAMES = ("127.0.0.1", "localhost")
LOOK_EVERY_S = 1.0
MOST_PATIENCE_S = 60.0
REST = 2.0  # times as long as the last writing took
_TYPES = {".html": "text/html; charset=utf-8", ".json": "application/json", ".csv": "text/csv; charset=utf-8"}
# A page's own policy stands in it (dbt's documentation has none and needs its scripts).
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@contextmanager
def serving(folder: Path, port: int) -> Iterator[str]:
    """Serve the folder's files from a thread while the block runs; yields the address.

    folder: a link that is exchanged is followed anew for each request. port: 0 is any free one.
    Raises UsageError where the port is taken.
    """
    try:
        server = _Server((HOST, port), partial(_Handler, folder))
    except OSError as error:
        raise UsageError(
            f"port {port} of {HOST} cannot be served on: {error.strerror or error}",
            code="E014",
            hint="Say another: --port 0 takes any free one.",
        ) from error
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="site", daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def rewrite_on_change(
    look: Callable[[], object], rewrite: Callable[[], bool], wait: Callable[[float], bool]
) -> None:
    """Call `rewrite` whenever `look` gives something else, until `wait` says that it is over.

    look: what the site hangs on, cheap to ask. rewrite: False where it is to be tried again, later and later.
    wait: sleeps so many seconds; True ends the loop.
    """
    seen, patience = look(), LOOK_EVERY_S
    pause = LOOK_EVERY_S
    while not wait(pause):
        pause = LOOK_EVERY_S
        now = look()
        if now == seen and patience == LOOK_EVERY_S:
            continue
        begun = time.monotonic()
        patience = LOOK_EVERY_S if rewrite() else min(2 * patience, MOST_PATIENCE_S)
        seen = now
        # A run has better things to do with the processors than our looking at each of its steps.
        pause = max(patience, REST * (time.monotonic() - begun))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a reader who goes away in the middle is no error."""


class _Handler(BaseHTTPRequestHandler):
    server_version = "pipeline-cli"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 30

    def __init__(self, folder: Path, request: Any, client: Any, server: ThreadingHTTPServer) -> None:
        self._folder, self._port = folder, server.server_port
        super().__init__(request, client, server)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def __getattr__(self, name: str) -> Any:
        """Every method that is not GET or HEAD, by whatever name."""
        if name.startswith("do_"):
            return self._refuse_method
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a page asks every two seconds."""

    def _refuse_method(self) -> None:
        self.close_connection = True  # whatever body comes with it is not read
        if self._is_for_us():
            self._send(HTTPStatus.METHOD_NOT_ALLOWED, b"", {"Allow": "GET, HEAD"})

    def _answer(self, *, with_body: bool) -> None:
        if not self._is_for_us(with_body=with_body):
            return
        path = self._find()
        if path is None:
            self._send(HTTPStatus.NOT_FOUND, b"There is no such page.\n", with_body=with_body)
            return
        kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        try:
            content = path.read_bytes()
        except OSError:  # exchanged just now
            self._send(HTTPStatus.NOT_FOUND, b"There is no such page.\n", with_body=with_body)
            return
        self._send(HTTPStatus.OK, content, {"Content-Type": kind}, with_body=with_body)

    def _is_for_us(self, *, with_body: bool = True) -> bool:
        """Whether the request names this machine; others are refused.

        Else a page of another site whose name leads to 127.0.0.1 could read ours (DNS rebinding).
        """
        hosts = self.headers.get_all("Host") or []
        port = self._port
        allowed = {f"{name}:{port}" for name in NAMES} | (set(NAMES) if port == 80 else set())
        if len(hosts) == 1 and hosts[0].lower() in allowed:
            return True
        words = (
            f"This site is http://{HOST}:{port}/ and http://localhost:{port}/, by no other name or port.\n"
        )
        self._send(HTTPStatus.FORBIDDEN, words.encode(), with_body=with_body)
        return False

    def _find(self) -> Path | None:
        """The file that the address names: one that is there, by its own name, in the folder. Never a listing."""
        asked = unquote(urlsplit(self.path).path)
        parts = asked.split("/")[1:]
        if asked.endswith("/"):
            parts[-1] = places.INDEX
        if not asked.startswith("/") or any(
            part in ("", ".", "..") or "\0" in part or "\\" in part for part in parts
        ):
            return None
        folder = self._folder.resolve()
        path = folder.joinpath(*parts)
        try:
            return path if path.resolve() == path and path.is_file() else None
        except OSError:
            return None

    def _send(
        self,
        status: HTTPStatus,
        content: bytes,
        headers: dict[str, str] | None = None,
        *,
        with_body: bool = True,
    ) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": "text/plain; charset=utf-8",
            **_HEADERS,
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_body:
            self.wfile.write(content)
