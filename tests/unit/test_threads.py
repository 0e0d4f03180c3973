"""What a thread came to is always told, also where it could not tell itself."""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import Any

import pytest

from pipeline_cli.threads import start_thread, wait_for_one


def test_the_result_and_whatever_is_raised() -> None:
    def leave() -> None:
        raise SystemExit(3)

    assert start_thread(lambda: 5, "five").result() == 5
    with pytest.raises(SystemExit):
        start_thread(leave, "leaves").result()
    with pytest.raises(TimeoutError):
        start_thread(lambda: time.sleep(1), "sleeps").result(timeout=0.01)


@pytest.fixture
def speechless(monkeypatch: pytest.MonkeyPatch) -> Future[Any]:
    """Of a thread that ended, out of memory, before it could say so."""
    told = Future.set_exception

    def fail(future: Future[Any], error: BaseException | None) -> None:
        monkeypatch.setattr(Future, "set_exception", told)
        raise SystemExit

    def divide() -> float:
        return 1 / 0

    monkeypatch.setattr(Future, "set_exception", fail)
    return start_thread(divide, "speechless")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ended_without_a_word(speechless: Future[Any]) -> None:
    with pytest.raises(MemoryError):
        speechless.result()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_nobody_waits_for_such_a_thread(speechless: Future[Any]) -> None:
    for _ in range(100):
        if wait_for_one([speechless], 0.1):
            break
    else:
        pytest.fail("it is waited for")
    assert isinstance(speechless.exception(), MemoryError)
