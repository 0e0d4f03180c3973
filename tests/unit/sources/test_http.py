"""HTTP that misbehaves: what comes back is data, or an error that names the request and no secret."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.errors import SourceError, StepError
from pipeline_cli.sources.deadline import Deadline
from pipeline_cli.sources.http import open_session
from pipeline_cli.sources.http_limits import HttpLimits, origin_of, sleep_unless
from tests.servers.json_api import Answer, JsonApi, Request

SECRET = "s3cr3t-canary"


class Clock:
    """Counts the seconds that would have been slept."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
def api() -> Iterator[JsonApi]:
    with JsonApi({"/items": [{"id": 1}]}) as api:
        yield api


def get(api: JsonApi, path: str = "/items", *others: str, **limits: Any) -> Any:
    limits = {"max_retries": 2, "request_timeout_s": 5.0, "sleep": Clock(), **limits}
    session = open_session(HttpLimits(frozenset(origin_of(url) for url in (api.url, *others)), **limits))
    return session.get(api.url + path, params={"key": SECRET}, headers={"Authorization": SECRET}).json()


def failure(api: JsonApi, **limits: Any) -> SourceError:
    with pytest.raises(SourceError) as failed:
        get(api, **limits)
    text = f"{failed.value.message} {failed.value.hint}"
    assert SECRET not in text
    assert f"GET {api.url}/items" in text
    return failed.value


def sequence(*answers: Answer) -> Callable[[Request], Answer]:
    left = list(answers)
    return lambda request: left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that writes bytes as `talk` likes."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

        def answer(connection: socket.socket) -> None:
            with closing(connection):
                connection.recv(65_536)
                try:
                    talk(connection)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_retry_after_is_waited_for(api: JsonApi) -> None:
    clock = Clock()
    api.fault = sequence(Answer(status=429, headers={"Retry-After": "1"}), Answer([1]))
    assert get(api, sleep=clock) == [1]
    assert clock.waits == [1.0]


def test_a_wait_beyond_the_limit_is_given_up_at_once(api: JsonApi) -> None:
    clock = Clock()
    api.fault = sequence(Answer(status=429, headers={"Retry-After": "3600"}))
    error = failure(api, sleep=clock, retry_timeout_s=60.0)
    assert "answered 429 and asks to wait 3,600 s; gave up after 1 try" in error.message
    assert clock.waits == []


@pytest.mark.parametrize("text", ["soon", "", "-5", "nan"])
def test_a_retry_after_that_no_one_can_read_is_tried_again(api: JsonApi, text: str) -> None:
    clock = Clock()
    api.fault = sequence(Answer(status=503, headers={"Retry-After": text}), Answer([1]))
    assert get(api, sleep=clock) == [1]
    assert all(0 <= wait < 31 for wait in clock.waits)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(api: JsonApi, status: int) -> None:
    api.fault = sequence(Answer(status=status), Answer(status=status), Answer([1]))
    assert get(api) == [1]
    assert len(api.requests) == 3


def test_retries_end(api: JsonApi) -> None:
    api.fault = sequence(Answer(status=500))
    assert "answered 500; gave up after 3 tries" in failure(api).message
    assert len(api.requests) == 3


@pytest.mark.parametrize("bad", [Answer(drop=True), Answer([1, 2, 3], content_length=500)])
def test_a_connection_that_breaks_is_tried_again(api: JsonApi, bad: Answer) -> None:
    api.fault = sequence(bad, Answer([1]))
    assert get(api) == [1]
    api.fault = sequence(bad)
    assert "did not answer (connection dropped); gave up after 3 tries" in failure(api).message


def test_a_server_that_is_not_there_is_named() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    session = open_session(HttpLimits(frozenset({origin_of(url)}), max_retries=1, sleep=Clock()))
    with pytest.raises(SourceError, match=rf"GET {url}/x did not answer \(connection refused\)"):
        session.get(f"{url}/x", params={"key": SECRET})


def test_cut_json_is_no_data(api: JsonApi) -> None:
    api.fault = sequence(Answer(b'[{"id": 1}, {"id"'))
    error = failure(api)
    assert (error.code, "JSON that is cut or malformed" in error.message) == ("E315", True)


def test_bytes_that_are_no_utf8_are_no_data(api: JsonApi) -> None:
    api.fault = sequence(Answer(b'[{"name": "caf\xe9"}]'))
    assert failure(api).code == "E315"


@pytest.mark.parametrize(
    "answer",
    [Answer(b"<!doctype html><p>log in"), Answer(b"please log in", headers={"Content-Type": "text/html"})],
)
def test_a_web_page_is_no_data(api: JsonApi, answer: Answer) -> None:
    api.fault = sequence(answer)
    assert failure(api).code == "E314"


@pytest.mark.parametrize("body", [{"error": "no such table"}, {"errors": [{"message": "x"}], "data": []}])
def test_an_error_with_200_is_an_error(api: JsonApi, body: Any) -> None:
    api.fault = sequence(Answer(body))
    assert failure(api).code == "E313"


@pytest.mark.parametrize("body", [{"error": None, "data": 1}, {"errors": [], "data": 1}, {"error": False}])
def test_an_error_key_without_an_error_is_data(api: JsonApi, body: Any) -> None:
    api.fault = sequence(Answer(body))
    assert get(api) == body


def test_error_keys_may_be_data(api: JsonApi) -> None:
    api.fault = sequence(Answer({"error": "rate"}))
    assert get(api, error_keys=()) == {"error": "rate"}


@pytest.mark.parametrize("answer", [Answer(b"", status=204), Answer(b""), Answer(b" \n"), Answer(None)])
def test_an_empty_answer_is_no_records(api: JsonApi, answer: Answer) -> None:
    api.fault = sequence(answer)
    assert get(api) == []


@pytest.mark.parametrize(("status", "hint"), [(401, "credentials"), (403, "credentials"), (404, "base_url")])
def test_a_refusal_is_told_once_with_a_hint(api: JsonApi, status: int, hint: str) -> None:
    api.fault = sequence(Answer({"message": "no"}, status=status))
    error = failure(api)
    assert f"answered {status}" in error.message
    assert '{"message": "no"}' in error.message
    assert hint in str(error.hint)
    assert len(api.requests) == 1


def test_a_gzip_bomb_is_stopped_while_it_unpacks(api: JsonApi) -> None:
    bomb = gzip.compress(b"[" + b" " * 50_000_000 + b"]")
    api.fault = sequence(Answer(bomb, headers={"Content-Encoding": "gzip"}))
    error = failure(api, max_response_bytes=1_000_000)
    assert "more than 1,000,000 bytes" in error.message
    assert len(api.requests) == 1


def test_an_answer_that_says_that_it_is_too_large_is_refused(api: JsonApi) -> None:
    api.data["/items"] = [{"id": 1, "text": "x" * 1_000}]
    assert "more than 1,000 bytes" in failure(api, max_response_bytes=1_000).message


def test_a_page_of_the_largest_size_is_taken(api: JsonApi) -> None:
    api.fault = sequence(Answer(gzip.compress(b"[1]"), headers={"Content-Encoding": "gzip"}))
    assert get(api, max_response_bytes=3) == [1]


def test_broken_compression_is_an_error(api: JsonApi) -> None:
    api.fault = sequence(Answer(b"not gzip", headers={"Content-Encoding": "gzip"}))
    failure(api)


def test_a_redirect_to_another_host_is_not_followed(api: JsonApi) -> None:
    with JsonApi({"/items": []}) as other:
        api.fault = sequence(Answer(location=f"{other.url}/items?key={SECRET}"))
        with pytest.raises(SourceError, match="not its own origin; nothing was sent there") as failed:
            get(api)
        assert other.requests == []
        assert (failed.value.code, SECRET in failed.value.message) == ("E311", False)
        assert get(api, "/items", other.url) == []
        assert len(other.requests) == 1


def test_a_redirect_on_the_same_host_is_followed(api: JsonApi) -> None:
    api.fault = lambda request: Answer(location="/items") if request.path == "/old" else None
    assert get(api, "/old") == [{"id": 1}]


def test_a_circle_of_redirects_ends(api: JsonApi) -> None:
    api.fault = sequence(Answer(location="/items"))
    with pytest.raises(SourceError, match="redirect") as failed:
        get(api)
    assert SECRET not in failed.value.message


@pytest.mark.parametrize("place", ["headers", "status", "body"])
def test_a_drip_ends_at_the_deadline(place: str) -> None:
    def drip(connection: socket.socket) -> None:
        if place == "body":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        elif place == "headers":
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for number in range(200):
            connection.sendall(b" " if place == "body" else b"X: 1\r\n" if place == "headers" else b"H")
            time.sleep(0.05)
            del number

    with raw_server(drip) as url:
        limits = HttpLimits(frozenset({origin_of(url)}), max_retries=0, request_timeout_s=0.5)
        begun = time.monotonic()
        with pytest.raises(
            SourceError, match=r"did not answer \((slower than client.request_timeout|timed out)\)"
        ):
            open_session(limits).get(f"{url}/items")
        assert time.monotonic() - begun < 2.0


def test_deadlines_end_in_their_order_by_one_thread() -> None:
    with Deadline(30) as last:
        time.sleep(0.1)  # it is waited for
        begun = time.monotonic()
        with Deadline(0.2) as first, Deadline(0.1) as over:
            over.__exit__()
            while not first.passed and time.monotonic() < begun + 10:
                time.sleep(0.01)
        assert 0.2 <= time.monotonic() - begun < 5
        assert [thread.name for thread in threading.enumerate()].count("deadlines") == 1
    assert not last.passed
    assert not over.passed


def test_a_server_that_never_answers_ends_at_the_deadline(api: JsonApi) -> None:
    api.fault = sequence(Answer([], delay_s=3.0))
    begun = time.monotonic()
    # On a busy machine the socket's own timeout may come first.
    told = failure(api, request_timeout_s=0.3, max_retries=0).message
    assert "slower than client.request_timeout" in told or "did not answer (timed out)" in told
    assert time.monotonic() - begun < 1.5


def test_netrc_gives_no_credentials(
    api: JsonApi, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login someone password {SECRET}\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    session = open_session(HttpLimits(frozenset({origin_of(api.url)})))
    session.get(f"{api.url}/items")
    assert "authorization" not in api.requests[-1].headers


def test_numbers_keep_their_digits(api: JsonApi) -> None:
    from decimal import Decimal

    api.fault = sequence(Answer(b"[0.1, 0.12345678901234567890, 18446744073709551616, 1e2, 1E400]"))
    found = get(api)
    assert found == [0.1, Decimal("0.12345678901234567890"), 2**64, 100.0, Decimal("1E400")]
    assert [type(each).__name__ for each in found] == ["float", "Decimal", "int", "float", "Decimal"]


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://API.example.com/x", "https://api.example.com:443"),
        ("http://h:8080", "http://h:8080"),
        ("http://u:p@h/", "http://h:80"),
        ("https://h\\@evil.example/", None),
    ],
)
def test_origins_are_scheme_host_and_port(url: str, origin: str | None) -> None:
    if origin is not None:
        assert origin_of(url) == origin
    else:
        assert origin_of(url) != "https://h:443" or json.dumps(url)


def asked_by_name(response: Any) -> float | None:
    return response.json()["wait_s"] if b"wait_s" in response.content else None


def test_an_api_may_ask_to_wait_in_its_own_way(api: JsonApi) -> None:
    clock = Clock()
    api.fault = sequence(Answer({"wait_s": 7}, status=400), Answer({"wait_s": 0}, status=503), Answer([1]))
    assert get(api, sleep=clock, retry_after=asked_by_name) == [1]
    assert clock.waits == [7, 0]


def test_what_is_data_is_not_asked_for_a_wait(api: JsonApi) -> None:
    api.fault = sequence(Answer({"wait_s": 7}))
    assert get(api, retry_after=asked_by_name) == {"wait_s": 7}


def test_a_refusal_that_asks_for_no_wait_is_told_at_once_with_the_apis_own_hint(api: JsonApi) -> None:
    api.fault = sequence(Answer({"error": {"message": "Token expired.", "code": 190}}, status=400))
    error = failure(api, retry_after=asked_by_name, hint=lambda response: "Make a new one.")
    assert (error.code, error.hint, len(api.requests)) == ("E312", "Make a new one.", 1)
    assert error.message.endswith("It said: Token expired.")


def test_a_limit_that_stays_is_told_with_what_the_api_said(api: JsonApi) -> None:
    api.fault = sequence(Answer({"error": {"message": "Quota is used up."}}, status=429))
    error = failure(api, max_retries=1)
    assert error.message.endswith("answered 429; gave up after 2 tries. It said: Quota is used up.")


def test_a_wait_ends_when_the_run_is_asked_to_stop(api: JsonApi) -> None:
    cancelled = threading.Event()
    api.fault = sequence(Answer(status=429, headers={"Retry-After": "60"}))
    threading.Timer(0.2, cancelled.set).start()
    begun = time.monotonic()
    with pytest.raises(StepError, match="interrupted") as stopped:
        get(api, sleep=sleep_unless(cancelled))
    assert (stopped.value.code, time.monotonic() - begun < 10) == ("E130", True)
