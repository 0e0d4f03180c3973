"""Threads that never keep the program from ending."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from importlib import import_module
from typing import TypeVar

T = TypeVar("T")


def start_thread(function: Callable[[], T], name: str) -> Future[T]:
    """Call `function` in a daemon thread; the future has its result, or whatever it raised.

    Not a ThreadPoolExecutor: the interpreter waits at its exit for the threads of one, and a plugin or a
    source that hangs would keep it waiting for ever.
    """
    future: Future[T] = Future()

    def work() -> None:
        try:
            result = function()
        except BaseException as error:  # SystemExit too: it belongs to who waits for the result
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=work, name=name, daemon=True).start()
    return future


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
