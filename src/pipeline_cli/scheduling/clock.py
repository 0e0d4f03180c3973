"""The time, and waiting for it: one thing, so that a test can have its own."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import Protocol

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Clock(Protocol):
    def now(self) -> datetime:
        """The time in UTC; it may jump, as clocks do."""
        ...

    def wait(self, seconds: float) -> None:
        """Wait that long, or until the scheduler is asked to stop."""
        ...

    @property
    def signals(self) -> list[int]:
        """The signals that have come, oldest first: the first asks to stop, the second to hurry."""
        ...


class SystemClock:
    """The machine's clock; SIGINT and SIGTERM end its waits."""

    def __init__(self) -> None:
        self.signals: list[int] = []
        self._woken = threading.Event()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait(self, seconds: float) -> None:
        self._woken.wait(seconds)
        self._woken.clear()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals while the block runs."""
        before = {number: signal.signal(number, self._take) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        self.signals.append(number)
        self._woken.set()
