"""A small JSON API on 127.0.0.1 for tests and for writing the shipped recordings.

with JsonApi(sample_rows("fakestore")) as api:     # api.url, e.g. http://127.0.0.1:40123
    api.data["/products"][0]["price"] = 1.0        # rows may change between requests
    api.fault = lambda request: Answer(status=503) if request.path == "/carts" else None
    assert api.count("/products") == 1

python -m tests.servers.json_api fakestore 8765    # serve one sample on its own
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

DATA_DIR = Path(__file__).parent / "data"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived; `query` has the last value of a parameter, header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer. `body` as bytes goes out as it is, anything else as JSON.

    content_length: the header's value where it is to lie; None tells the truth.
    delay_s: seconds to wait before the first byte.
    location: answer with a redirect to this address.
    drop: close the connection without an answer.
    """

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    location: str | None = None
    content_length: int | None = None
    drop: bool = False


Hook = Callable[[Request], Answer | None]


def sample_rows(name: str) -> dict[str, list[Row]]:
    """The sample data of one API ("fakestore" or "crm"): path to rows, a fresh copy each time."""
    files = sorted((DATA_DIR / name).glob("*.json"))
    return {f"/{file.stem}": json.loads(file.read_text(encoding="utf-8")) for file in files}


class JsonApi:
    """Serves `data`, a dict of path to rows; a value may also be a function from Request to Answer.

    Lists answer to the query parameters of the Fakestore API (`limit`, `sort`, `startdate`, `enddate`), to
    `PATH/count` and to `PATH/KEY` (null where there is no such row). With a `token`, requests must bear it.
    """

    def __init__(self, data: Mapping[str, Any], *, token: str | None = None, port: int = 0) -> None:
        self.data: dict[str, Any] = dict(data)
        self.token = token
        self.fault: Hook | None = None
        self.requests: list[Request] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler_of(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def count(self, path: str | None = None) -> int:
        """How many requests came in, for one path or for all."""
        return sum(path in (None, request.path) for request in self.requests)

    def serve_forever(self) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            self._server.serve_forever()

    def answer(self, request: Request) -> Answer:
        """What this request gets, faults and authentication considered."""
        self.requests.append(request)
        found = self.fault(request) if self.fault else None
        if found is not None:
            return found
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return Answer({"message": "unauthorized"}, status=401)
        return self._answer_data(request)

    def _answer_data(self, request: Request) -> Answer:
        found = self.data.get(request.path)
        if callable(found):
            return found(request)
        if isinstance(found, list):
            return Answer(select_rows(found, request.query))
        if found is not None:
            return Answer(found)
        parent, _, last = request.path.rpartition("/")
        rows = self.data.get(parent)
        if not isinstance(rows, list):
            return Answer({"message": "not found"}, status=404)
        if last == "count":
            return Answer({"count": len(rows)})
        return Answer(next((row for row in rows if str(_key(row)) == last), None))


def select_rows(rows: list[Row], query: Mapping[str, str]) -> list[Row]:
    """The rows a list request asks for: startdate <= date < enddate, sorted by key, at most `limit`."""
    start = _instant(query.get("startdate", "0001-01-01"))
    end = _instant(query.get("enddate", "9999-12-31"))
    found = [row for row in rows if "date" not in row or start <= _instant(row["date"]) < end]
    if "sort" in query:
        found = sorted(found, key=_key, reverse=query["sort"] == "desc")
    return found[: int(query.get("limit", 0)) or None]


def _key(row: Row) -> Any:
    """A row's own key: `id`, or its first field (customer_id, purchase_id, …)."""
    return row["id"] if "id" in row else next(iter(row.values()), None)


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _handler_of(api: JsonApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            self._send(api.answer(Request(self.command, url.path, query, headers, body)))

        do_POST = do_GET  # noqa: N815 - the base class calls it by this name

        def _send(self, answer: Answer) -> None:
            time.sleep(answer.delay_s)
            if answer.drop:
                self.close_connection = True
                return
            raw = isinstance(answer.body, bytes)
            body = answer.body if raw else json.dumps(answer.body, ensure_ascii=False).encode()
            with contextlib.suppress(ConnectionError):  # the client may have given up
                self._send_head(answer, len(body))
                self.wfile.write(body)

        def _send_head(self, answer: Answer, length: int) -> None:
            headers = {"Content-Type": "application/json", **answer.headers}
            if answer.location is not None:
                headers["Location"] = answer.location
            self.send_response(302 if answer.location and answer.status == 200 else answer.status)
            for name, value in headers.items():
                self.send_header(name, value)
            told = length if answer.content_length is None else answer.content_length
            self.send_header("Content-Length", str(told))
            self.close_connection = told != length
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet: tests read `api.requests` instead."""

    return Handler


def main(arguments: list[str]) -> None:
    name, port = arguments[0], int(arguments[1]) if len(arguments) > 1 else 0
    api = JsonApi(sample_rows(name), port=port)
    print(api.url, flush=True)
    api.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
