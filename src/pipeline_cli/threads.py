"""Threads that never keep the program from ending."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from importlib import import_module
from typing import TypeVar

T = TypeVar("T")

_RESERVE_BYTES = 1 << 20


class _Outcome(Future[T]):
    """What a thread came to. One that ended before it could tell, for want of memory, has a MemoryError."""

    thread: threading.Thread

    def result(self, timeout: float | None = None) -> T:
        self.thread.join(timeout)
        self.settle()
        return super().result(0)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self.thread.join(timeout)
        self.settle()
        return super().exception(0)

    def settle(self) -> None:
        if not self.done() and not self.thread.is_alive() and not self.done():
            self.set_exception(MemoryError())


def start_thread(function: Callable[[], T], name: str) -> Future[T]:
    """Call `function` in a daemon thread; the future has its result, or whatever it raised.

    Not a ThreadPoolExecutor: the interpreter waits at its exit for the threads of one, and a plugin or a
    source that hangs would keep it waiting for ever.
    """
    future: _Outcome[T] = _Outcome()

    reserve = [bytes(_RESERVE_BYTES)]

    def work() -> None:
        try:
            result = function()
        except BaseException as error:  # SystemExit too: it belongs to who waits for the result
            reserve.clear()  # to tell of a MemoryError takes memory
            future.set_exception(error)
        else:
            future.set_result(result)

    future.thread = threading.Thread(target=work, name=name, daemon=True)
    future.thread.start()
    return future


def wait_for_one(futures: Collection[Future[T]], timeout_s: float) -> set[Future[T]]:
    """Those of `start_thread` that are done, as soon as there is one; none after `timeout_s`."""
    for future in futures:
        if isinstance(future, _Outcome):
            future.settle()
    return wait(futures, timeout_s, FIRST_COMPLETED).done


def import_whole(name: str) -> None:
    """Import a package whole, before this thread imports a part of it.

    Two threads that import different parts of a package at once may get modules that are half initialized:
    Python breaks the circle of their locks. Here the second waits until the first has all of it.
    """
    import_module(name)


@contextmanager
def work_as(name: str) -> Iterator[None]:
    """Give this thread a name while the block runs: it stands on every line that is logged meanwhile."""
    thread = threading.current_thread()
    before, thread.name = thread.name, name
    try:
        yield
    finally:
        thread.name = before
