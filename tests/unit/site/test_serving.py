"""The server of the site, asked over real sockets."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline_cli.errors import UsageError
from pipeline_cli.site.serving import rewrite_on_change, serving


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A site as it is written: `latest` leads to an edition, and beside it is what nobody shall see."""
    edition = tmp_path / "site" / "20261121T090000-abc"
    (edition / "tables").mkdir(parents=True)
    (edition / "index.html").write_text("<h1>ü</h1>", encoding="utf-8")
    (edition / "version.json").write_text("{}", encoding="utf-8")
    (edition / "tables" / "gold.sales.html").write_text("sales", encoding="utf-8")
    (edition / "numbers.csv").write_text("a,b", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (edition / "linked.html").symlink_to(tmp_path / "secret.txt")
    (edition / "outside").symlink_to(tmp_path)
    (tmp_path / "site" / "latest").symlink_to(edition.name)
    return tmp_path / "site" / "latest"


@pytest.fixture
def port(folder: Path) -> Iterator[int]:
    with serving(folder, 0) as address:
        yield int(address.rstrip("/").rpartition(":")[2])


def ask(port: int, path: str, method: str = "GET", host: str | None = None) -> http.client.HTTPResponse:
    """The answer, its body read into `.body`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    if host != "":
        connection.putheader("Host", host or f"127.0.0.1:{port}")
    connection.endheaders()
    answer = connection.getresponse()
    answer.body = answer.read()  # type: ignore[attr-defined]
    connection.close()
    return answer


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/index.html?again=1", "text/html; charset=utf-8"),
        ("/tables/gold.sales.html", "text/html; charset=utf-8"),
        ("/tables/gold%2Esales.html", "text/html; charset=utf-8"),
        ("/numbers.csv", "text/csv; charset=utf-8"),
        ("/version.json", "application/json"),
    ],
)
def test_files_of_the_site_are_served_by_their_names(port: int, path: str, kind: str) -> None:
    answer = ask(port, path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Python" not in answer.headers["Server"]


@pytest.mark.parametrize(
    "path",
    [
        "/tables/",
        "/tables",
        "/none.html",
        "/../../secret.txt",
        "/%2e%2e/%2e%2e/secret.txt",
        "/..%2f..%2fsecret.txt",
        "/tables/../index.html",
        "/./index.html",
        "/%00",
        "/tables\\gold.sales.html",
        "/linked.html",
        "/outside/secret.txt",
        "/" + "a" * 5000,
        "secret.txt",
    ],
)
def test_nothing_else_is_not_even_a_listing(port: int, path: str) -> None:
    answer = ask(port, path)
    assert answer.status == 404
    assert b"secret" not in answer.body.replace(b"There is no such page.\n", b"")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1:1",
        "127.0.0.1.evil.example:{port}",
        "",
        "localhost.evil:{port}",
        "[::1]:{port}",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_foreign_host_is_refused(port: int, host: str, method: str) -> None:
    assert ask(port, "/", method, host.format(port=port)).status == 403


def test_a_host_without_the_port_is_refused_with_the_address_that_is_answered(port: int) -> None:
    answer = ask(port, "/", host="127.0.0.1")
    assert answer.status == 403
    assert f"http://127.0.0.1:{port}/" in answer.body.decode()  # type: ignore[attr-defined]


def test_two_hosts_are_refused(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        raw.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.example\r\n\r\n".encode())
        assert raw.recv(100).split(b" ")[1] == b"403"


def test_this_machine_is_answered_by_its_other_name(port: int) -> None:
    assert ask(port, "/", host=f"LOCALHOST:{port}").status == 200


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW", "_answer"]
)
def test_other_methods_are_not_allowed(port: int, method: str) -> None:
    answer = ask(port, "/", method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_head_is_a_get_without_the_body(port: int) -> None:
    answer = ask(port, "/", "HEAD")
    assert (answer.status, answer.headers["Content-Length"]) == (200, str(len("<h1>ü</h1>".encode())))
    assert answer.body == b""  # type: ignore[attr-defined]


def test_a_site_that_is_exchanged_is_served_at_once(folder: Path, port: int) -> None:
    newer = folder.parent / "20261122T090000-def"
    newer.mkdir()
    (newer / "index.html").write_text("newer", encoding="utf-8")
    folder.unlink()
    folder.symlink_to(newer.name)
    assert ask(port, "/").body == b"newer"  # type: ignore[attr-defined]
    assert ask(port, "/numbers.csv").status == 404


def test_it_listens_on_one_address_only(port: int) -> None:
    """127.0.0.2 is this machine, too: a server on all addresses would answer there."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=5).close()


def test_a_port_that_is_taken_is_told_with_what_to_do(folder: Path, port: int) -> None:
    with pytest.raises(UsageError) as refused, serving(folder, port):
        pass
    assert str(port) in refused.value.message
    assert "--port 0" in str(refused.value.hint)


def test_the_site_is_written_anew_when_something_changes_and_not_else() -> None:
    states, written, pauses = iter("aabbcc"), [], []

    def wait(seconds: float) -> bool:
        pauses.append(seconds)
        return len(pauses) > 5

    def look() -> str:
        seen.append(next(states))
        return seen[-1]

    seen: list[str] = []

    def rewrite() -> bool:
        written.append(seen[-1])
        return True

    rewrite_on_change(look, rewrite, wait)
    assert written == ["b", "c"]


def test_a_site_that_came_out_stale_is_tried_again_later_and_later() -> None:
    pauses: list[float] = []
    answers = iter([False, False, False, True])
    written = []

    def rewrite() -> bool:
        written.append(len(pauses))
        return next(answers)

    def wait(seconds: float) -> bool:
        pauses.append(seconds)
        return len(pauses) > 7

    looks = iter("a" + "b" * 20)
    rewrite_on_change(lambda: next(looks), rewrite, wait)
    assert len(written) == 4
    assert pauses[1:4] == [2.0, 4.0, 8.0]
    assert pauses[4:] == [1.0] * 4
