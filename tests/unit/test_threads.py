"""What a thread came to is always told, also where it could not tell itself."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from typing import Any

import pytest

from pipeline_cli import threads
from pipeline_cli.threads import Workers, start_thread, wait_for_one


def test_the_result_and_whatever_is_raised() -> None:
    def leave() -> None:
        raise SystemExit(3)

    assert start_thread(lambda: 5, "five").result() == 5
    with pytest.raises(SystemExit):
        start_thread(leave, "leaves").result()
    with pytest.raises(TimeoutError):
        start_thread(lambda: time.sleep(1), "sleeps").result(timeout=0.01)


def check_is_told(speechless: Future[Any]) -> None:
    for _ in range(100):
        if wait_for_one([speechless], 0.1):
            break
    else:
        pytest.fail("it is waited for")
    assert isinstance(speechless.exception(), MemoryError)


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


def test_one_thread_does_one_call_after_the_other() -> None:
    workers = Workers()
    seen = {workers.start(threading.get_ident, f"call {number}").result(5) for number in range(50)}
    assert len(seen) == 1
    assert workers.start(lambda: threading.current_thread().name, "mine").result(5) == "mine"


def test_calls_that_meet_have_threads_of_their_own() -> None:
    workers, meeting = Workers(), threading.Barrier(3)
    calls = [workers.start(lambda: meeting.wait(5), "meets") for _ in range(3)]
    assert sorted(call.result(5) for call in calls) == [0, 1, 2]


def test_a_call_that_raised_leaves_no_thread_for_the_next() -> None:
    workers = Workers()
    thread = workers.start(threading.current_thread, "first").result(5)

    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        workers.start(leave, "leaves").result(5)
    thread.join(5)
    assert not thread.is_alive()
    assert workers.start(threading.current_thread, "second").result(5) is not thread


def test_idle_threads_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_IDLE_S", 0.05)
    workers = Workers()
    thread = workers.start(threading.current_thread, "short").result(5)
    thread.join(5)
    assert not thread.is_alive()
    assert workers.start(lambda: 7, "another").result(5) == 7


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_nobody_waits_for_a_worker_that_ended_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(future: Future[Any], error: BaseException | None) -> None:
        monkeypatch.undo()
        raise SystemExit

    monkeypatch.setattr(Future, "set_exception", fail)
    speechless = Workers().start(lambda: 1 / 0, "speechless")
    check_is_told(speechless)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ended_without_a_word(speechless: Future[Any]) -> None:
    with pytest.raises(MemoryError):
        speechless.result()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_nobody_waits_for_such_a_thread(speechless: Future[Any]) -> None:
    check_is_told(speechless)
