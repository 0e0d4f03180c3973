"""A Google Cloud Storage server on this machine (gcp-storage-emulator), in memory."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen


@dataclass(frozen=True, slots=True)
class GcsServer:
    endpoint_url: str

    def _post(self, path: str, body: bytes, kind: str) -> None:
        request = Request(f"{self.endpoint_url}{path}", body, {"Content-Type": kind})
        with urlopen(request) as answer:
            answer.read()

    def create_bucket(self, name: str) -> str:
        self._post("/storage/v1/b?project=test", f'{{"name": "{name}"}}'.encode(), "application/json")
        return name

    def put(self, bucket: str, key: str, content: bytes) -> None:
        path = f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={quote(key, safe='')}"
        self._post(path, content, "application/octet-stream")


@contextmanager
def run_gcs() -> Iterator[GcsServer]:
    """The emulator in a thread of this process; the variables that gcsfs needs are set meanwhile."""
    from gcp_storage_emulator.server import create_server

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server: Any = create_server("127.0.0.1", port, in_memory=True)
    server.start()
    url = f"http://127.0.0.1:{port}"
    before = {name: os.environ.get(name) for name in _VARIABLES}
    os.environ.update(_VARIABLES)
    try:
        yield GcsServer(url)
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)
        server.stop()


_VARIABLES = {"GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}
