"""The answers of one extraction, by request: those that landed before, and those that land now."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline_cli.errors import StepError
from pipeline_cli.manifest.paginators import HeaderCursor
from pipeline_cli.manifest.sources import Endpoint, RestApiSource
from pipeline_cli.sources.landing.answers import Answer, AnswerWriter, LandedAnswer, read_index
from pipeline_cli.sources.landing.scrubbing import Scrubber

if TYPE_CHECKING:
    import requests

# These may change from one process to the next though the request asks for the same.
_UNSAID = frozenset(
    ("authorization", "cookie", "content-length", "user-agent", "accept-encoding", "connection")
)


class Landing:
    """Safe to use from several threads. salt: of its marks and keys, so that they tell nothing by themselves."""

    def __init__(self, folder: Path, salt: str, entry: RestApiSource, secrets: frozenset[str]) -> None:
        self._folder = folder
        self._salt = salt.encode()
        self._scrubber = Scrubber(secrets, salt)
        self._headers = frozenset(("link", "content-type", *_cursor_headers(entry)))
        self._lock = threading.Lock()
        self._writers: dict[str, AnswerWriter] = {}
        self._landed: defaultdict[bytes, deque[LandedAnswer]] = defaultdict(deque)
        for resource in entry.resources:
            for landed in read_index(folder / resource):
                self._landed[bytes.fromhex(landed.line["key"])].append(landed)
        self.given = 0  # answers that were given again

    def find(self, request: requests.PreparedRequest) -> Answer | None:
        """The answer that landed for this request before this process; each is given once."""
        if not self._landed:
            return None
        with self._lock:
            waiting = self._landed.get(self._key(request))
            landed = waiting.popleft() if waiting else None
        found = landed.read() if landed else None
        if found is None:
            return None
        self.given += 1
        headers = {name: self._restored(value) for name, value in found.headers.items()}
        return Answer(found.key, headers, self._scrubber.restore(found.body))

    def keep(self, resource: str, response: requests.Response) -> None:
        """Land an answer of a resource. Raises StepError where it cannot be written."""
        body, whole = self._scrubber.scrub(response.content)
        headers = {}
        for name in self._headers & {each.lower() for each in response.headers}:
            value, is_whole = self._scrubber.scrub(response.headers[name].encode("utf-8", "surrogateescape"))
            headers[name], whole = value.decode("utf-8", "replace"), whole and is_whole
        try:
            answer = Answer(self._key(response.request).hex(), headers, body)
            self._writer(resource).write(answer, whole=whole)
        except OSError as error:
            raise StepError(
                f"What the API sent cannot be kept in {self._folder.parent}: {error.strerror or error}.",
                hint="Make room or mend the folder's rights, then run again: it goes on from here.",
            ) from error

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()

    def _writer(self, resource: str) -> AnswerWriter:
        with self._lock:
            if resource not in self._writers:
                self._writers[resource] = AnswerWriter(self._folder / resource)
            return self._writers[resource]

    def _key(self, request: requests.PreparedRequest) -> bytes:
        """What makes two requests the same: all that is sent, but for who sends it and with which secrets."""
        said = sorted((name.lower(), str(value)) for name, value in request.headers.items())
        headers = [(name, value) for name, value in said if name not in _UNSAID]
        sent = request.body or b""
        body = sent if isinstance(sent, bytes) else str(sent).encode()
        text, _ = self._scrubber.scrub(json.dumps([request.method, request.url, headers]).encode() + body)
        return hashlib.blake2b(text, digest_size=16, key=self._salt).digest()

    def _restored(self, value: str) -> str:
        return self._scrubber.restore(value.encode()).decode("utf-8", "replace")


def _cursor_headers(entry: RestApiSource) -> Iterator[str]:
    endpoints = (each.endpoint for each in entry.resources.values())
    paginators = [each.paginator for each in endpoints if isinstance(each, Endpoint)]
    for paginator in (entry.client.paginator, *paginators):
        if isinstance(paginator, HeaderCursor):
            yield paginator.cursor_key.lower()
