"""SIGINT and SIGTERM during a run: the first asks it to stop, the second stops it at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether the run was asked to stop. `cancelled` is for the threads; `signal` is the first that came."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.signal: int | None = None
        self._abortable = False
        self._closing = False

    @property
    def requested(self) -> bool:
        return self.signal is not None

    @contextmanager
    def abortable(self) -> Iterator[None]:
        """Work in the main thread that even the first signal cuts off, with KeyboardInterrupt."""
        self._abortable = True
        try:
            if self.requested:
                raise KeyboardInterrupt
            yield
        finally:
            self._abortable = False

    def close(self) -> None:
        """From here on the run is being closed: one more signal ends the process."""
        self._abortable = False
        self._closing = True

    def handle(self, number: int, _frame: FrameType | None) -> None:
        first = self.signal is None
        if first:
            self.signal = number
            self.cancelled.set()
        if self._closing and not first:
            os._exit(128 + number)
        if self._abortable or not first:
            raise KeyboardInterrupt


@contextmanager
def listen_for_signals() -> Iterator[Interruption]:
    """Handle SIGINT and SIGTERM while the block runs; outside the main thread, which alone may, nothing."""
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.signal(number, interruption.handle) for number in SIGNALS}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
