"""The landed answers of one resource: an index with a line each, and a file for each larger body.

Written so that a killed process leaves whole answers or none: a body is a file of its own, renamed into its place
before its line is written, and a line counts when its end is there. Nothing is changed once it is written.
"""

from __future__ import annotations

import gzip
import json
import sys
import threading
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INDEX = "answers.jsonl"
_SMALL_BYTES = 16_384  # below this a file costs more than it saves
_GZIP = ".gz"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an API answered. key: of the request; headers: those that paging needs."""

    key: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class LandedAnswer:
    """Where an answer is; `read` gives its body."""

    folder: Path
    line: Mapping[str, Any]

    def read(self) -> Answer | None:
        """The answer, or None where its file is not what was written: a disk that lost power, a hand that helped."""
        headers = self.line["headers"]
        if "text" in self.line:
            return Answer(self.line["key"], headers, self.line["text"].encode())
        body = _read_body(self.folder / self.line["file"], self.line)
        return Answer(self.line["key"], headers, body) if body is not None else None


def read_index(folder: Path) -> Iterator[LandedAnswer]:
    """The answers of a resource that can be given again, in the order in which they came in."""
    file = folder / INDEX
    for raw in file.read_bytes().split(b"\n")[:-1] if file.is_file() else ():
        try:
            line = json.loads(raw)
        except ValueError:
            return
        if line["whole"]:
            yield LandedAnswer(folder, line)


class AnswerWriter:
    """Lands the answers of one resource, from whichever threads fetch them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._number = max((int(file.name[:8]) for file in folder.glob("*.json.*")), default=0)
        _drop_torn_line(folder / INDEX)
        self._index = (folder / INDEX).open("ab", buffering=0)

    def write(self, answer: Answer, *, whole: bool) -> None:
        """Land an answer. whole: whether it is what the API sent once its secrets are back. Raises OSError."""
        line: dict[str, Any] = {"key": answer.key, "whole": whole, "headers": dict(answer.headers)}
        text = _text(answer.body) if len(answer.body) < _SMALL_BYTES else None
        if text is not None:
            line["text"] = text
        else:
            line |= {**self._write_body(answer.body), "bytes": len(answer.body)}
        written = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            self._index.write(written)

    def close(self) -> None:
        self._index.close()

    def _write_body(self, body: bytes) -> dict[str, Any]:
        compressed, ending = _compress(body)
        with self._lock:
            self._number += 1
            name = f"{self._number:08d}.json{ending}"
        unfinished = self._folder / f"{name}.new"
        unfinished.write_bytes(compressed)
        unfinished.rename(self._folder / name)
        return {"file": name, "file_crc": zlib.crc32(compressed)}


def _text(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _drop_torn_line(index: Path) -> None:
    """The line that a kill cut: what is appended begins a line of its own."""
    if index.is_file():
        whole = index.read_bytes()
        end = whole.rfind(b"\n") + 1
        if end < len(whole):
            with index.open("r+b") as file:
                file.truncate(end)


def _compress(body: bytes) -> tuple[Any, str]:
    """The body compressed, and how its file's name ends.

    By zstd, in half of gzip's time, where pyarrow is there already: its import takes as long as 20 MB do with gzip.
    """
    if "pyarrow" not in sys.modules:
        return gzip.compress(body, 1, mtime=0), _GZIP
    import pyarrow as pa

    return pa.Codec("zstd", 1).compress(body, asbytes=True), ".zst"


def _read_body(file: Path, line: Mapping[str, Any]) -> bytes | None:
    """None where the file is not what was written. line: "file_crc" is of its bytes, as of what earlier versions
    landed "crc" is of the body, which is ten times as much.
    """
    try:
        compressed = file.read_bytes()
        if "file_crc" in line and zlib.crc32(compressed) != line["file_crc"]:
            return None
        body = _decompress(compressed, file.suffix, line["bytes"])
    except (OSError, ValueError, EOFError, zlib.error):
        return None
    return body if "file_crc" in line or zlib.crc32(body) == line["crc"] else None


def _decompress(compressed: bytes, suffix: str, size: int) -> bytes:
    if suffix == _GZIP:
        return gzip.decompress(compressed)
    import pyarrow as pa

    body: bytes = pa.decompress(compressed, size, codec="zstd", asbytes=True)
    return body
