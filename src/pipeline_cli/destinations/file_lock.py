"""One lock on a file for a whole process, against other processes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pipeline_cli.destinations.base import deadlines
from pipeline_cli.errors import Busy


class ProcessLock:
    """The lock file `<path>.lock`. It nests within a process, whatever the thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._depth = 0
        self._held = ExitStack()

    @contextmanager
    def hold(self, holder: str, wait_s: float) -> Iterator[bool]:
        """Hold the lock; yields whether this is the outermost hold. Raises Busy, naming the holder."""
        with self._guard:
            outermost = self._depth == 0
            if outermost:
                self._acquire(holder, wait_s)
            self._depth += 1
        try:
            yield outermost
        finally:
            with self._guard:
                self._depth -= 1
                if self._depth == 0:
                    self._held.close()

    def _acquire(self, holder: str, wait_s: float) -> None:
        from pipeline_cli.locks import hold_lock, program_name

        # The program and its verb only: an argument may hold a secret.
        command = " ".join([program_name(), *sys.argv[1:2], *([holder] if holder else [])])
        busy: Busy | None = None
        for _ in deadlines(wait_s):
            try:
                lock_path = self._path.with_name(self._path.name + ".lock")
                self._held.enter_context(hold_lock(lock_path, f"the DuckDB file {self._path}", command))
                return
            except Busy as error:
                busy = error
        assert busy is not None
        raise busy
