"""Threads that never keep the program from ending."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from importlib import import_module
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_RESERVE_BYTES = 1 << 20
_IDLE_S = 5.0


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


class Workers:
    """Calls in threads like those of `start_thread`, each kept a few seconds for the next call.

    To start a thread takes until it has had its turn of the interpreter, for which the others wait as well: one for
    each page of an API took a tenth of its extraction.
    """

    def __init__(self) -> None:
        self._idle: list[_Worker] = []

    def start(self, function: Callable[[], T], name: str) -> Future[T]:
        """Call `function` in a daemon thread; the future has its result, or whatever it raised."""
        try:
            worker = self._idle.pop()
        except IndexError:
            worker = _Worker(self._idle)
        return worker.take(function, name)


class _Job(_Outcome[T]):
    """A call in a thread that does not end with it."""

    result = Future.result
    exception = Future.exception

    def __init__(self, function: Callable[[], T], name: str) -> None:
        super().__init__()
        self.function = function
        self.name = name


class _Worker:
    """One thread. idle: of whom it is one while it has nothing to do."""

    def __init__(self, idle: list[_Worker]) -> None:
        self._idle = idle
        self._jobs: SimpleQueue[_Job[Any]] = SimpleQueue()
        self._reserve = [bytes(_RESERVE_BYTES)]
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def take(self, function: Callable[[], T], name: str) -> Future[T]:
        job = _Job(function, name)
        job.thread = self._thread
        self._jobs.put(job)
        return job

    def _work(self) -> None:
        while (job := self._next()) is not None:
            self._thread.name = job.name
            try:
                result = job.function()
            except BaseException as error:
                self._reserve.clear()  # as in start_thread; the thread ends with it
                job.set_exception(error)
                return
            self._idle.append(self)  # first: whoever gets the result may have the next call
            job.set_result(result)
            del job, result  # not kept until the next one comes

    def _next(self) -> _Job[Any] | None:
        try:
            return self._jobs.get(timeout=_IDLE_S)
        except Empty:
            pass
        try:
            self._idle.remove(self)
        except ValueError:  # somebody took it just now
            return self._jobs.get()
        return None


def wait_for_one(futures: Collection[Future[T]], timeout_s: float) -> set[Future[T]]:
    """Those of `start_thread` or Workers that are done, as soon as there is one; none after `timeout_s`."""
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
