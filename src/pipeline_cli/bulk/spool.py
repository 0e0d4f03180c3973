"""Rows on their way to the end of a load, in a temporary file: memory does not grow with how many there are."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

_AT_ONCE = 1_000  # rows


class Spool:
    """Appended to while a statement runs, read once afterwards. The folder is removed by whoever made it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._last: list[Any] = []  # not written yet
        self.count = 0

    def add(self, rows: Sequence[Any]) -> None:
        """Keep these rows. One thread at a time."""
        self._last += rows
        self.count += len(rows)
        if len(self._last) >= _AT_ONCE:
            self._write()

    def _write(self) -> None:
        if self._file is None:
            self._file = self._path.open("ab")
        pickle.dump(self._last, self._file, protocol=pickle.HIGHEST_PROTOCOL)
        self._last = []

    def batches(self) -> Iterator[list[Any]]:
        """The rows in the order of `add`, about a thousand at once."""
        if self._last:
            self._write()
        if self._file is None:
            return
        self._file.close()
        with self._path.open("rb") as file:
            while True:
                try:
                    yield pickle.load(file)  # noqa: S301 - our own file, made a moment ago in our own folder
                except EOFError:
                    return
