"""Retries of whole runs: a real HTTP server that fails, and real limits on what is read side by side."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipeline_cli.testing import make_project, run_cli
from tests.servers.json_api import Answer, JsonApi, Request

ROWS = [{"id": number} for number in range(4)]


def manifest(url: str, retries: str, source: str = "", resources: tuple[str, ...] = ("things",)) -> str:
    listed = "\n".join(f"      {name}: {{primary_key: id, write_disposition: merge}}" for name in resources)
    return f"""
version: 1
name: shop
default_environment: dev
environments: {{dev: {{destination: duckdb}}}}
destinations: {{duckdb: {{type: duckdb, path: warehouse.duckdb}}}}
sources:
  api:
    type: rest_api
    client: {{base_url: "{url}", max_retries: 0}}
    {source}
    resources:
{listed}
pipelines:
  shop: {{sources: [api], retries: {retries}}}
"""


def break_first(count: int, answer: Answer) -> tuple[JsonApi, list[int]]:
    left = [count]
    api = JsonApi({"/things": ROWS})

    def fault(_request: Request) -> Answer | None:
        left[0] -= 1
        return answer if left[0] >= 0 else None

    api.fault = fault
    return api, left


@pytest.mark.parametrize("answer", [Answer(status=503), Answer(status=429), Answer(drop=True)])
def test_a_source_that_recovers_is_loaded_once_and_every_try_is_told(tmp_path: Path, answer: Answer) -> None:
    api, _ = break_first(2, answer)
    with api:
        project = make_project(tmp_path, manifest(api.url, "{max: 3, delay: 100ms, jitter: false}"))
        result = run_cli(["run", "--json"], cwd=project)
    assert result.exit_code == 0, result.stderr
    assert result.document is not None
    (step,) = result.document["pipelines"][0]["steps"]
    assert (step["tries"], step["resources"][0]["loaded"]) == (3, 4)
    assert [each["status"] for each in step["attempts"]] == ["failed", "failed", "succeeded"]
    assert result.stderr.count("ingest:api: try ") == 2
    shown = run_cli(["runs", "show"], cwd=project).stdout
    assert "Try 1 failed after" in shown and "Try 2 failed after" in shown
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("status", [400, 401, 404, 501])
def test_a_refusal_is_not_asked_again(tmp_path: Path, status: int) -> None:
    api, _ = break_first(9, Answer(status=status))
    with api:
        project = make_project(tmp_path, manifest(api.url, "{max: 3, delay: 100ms}"))
        assert run_cli(["run"], cwd=project).exit_code == 1
        assert api.count("/things") == 1


def test_a_signal_ends_the_wait_for_the_next_try(tmp_path: Path) -> None:
    api, _ = break_first(9, Answer(status=503))
    with api:
        project = make_project(tmp_path, manifest(api.url, "{delay: 5m, max_delay: 5m}"))
        code = "from pipeline_cli.cli import main; main()"
        child = subprocess.Popen(
            [sys.executable, "-c", code, "run"],
            cwd=project,
            env={**os.environ},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stderr is not None
        for line in child.stderr:
            if "try 1 failed, again in" in line:
                break
        begun = time.monotonic()
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=30)
    assert (child.returncode, time.monotonic() - begun < 10) == (143, True)
    shown = run_cli(["runs", "list"], cwd=project).stdout
    assert "interrupted" in shown


@pytest.mark.parametrize(("limit", "peaks"), [("max_parallel: 2", {2}), ("", {3, 4, 5})])
def test_a_source_limits_how_many_of_its_resources_are_read_at_once(
    tmp_path: Path, limit: str, peaks: set[int]
) -> None:
    names = tuple(f"r{number}" for number in range(6))
    lock, working, most = threading.Lock(), [0], [0]

    def answer(_request: Request) -> Answer:
        with lock:
            working[0] += 1
            most[0] = max(most[0], working[0])
        time.sleep(0.5)
        with lock:
            working[0] -= 1
        return Answer(ROWS)

    with JsonApi({f"/{name}": answer for name in names}) as api:
        text = manifest(api.url, "{}", f"parallel: true\n    {limit}", names)
        result = run_cli(["run"], cwd=make_project(tmp_path, text))
    assert result.exit_code == 0, result.stderr
    assert most[0] in peaks


# -- the warehouse -------------------------------------------------------------------------------------------


def forward(listener: socket.socket, target: tuple[str, int]) -> None:
    """Hand every connection on to `target`."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(target)
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    listener.listen()
    threading.Thread(target=serve, daemon=True).start()


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_postgres_that_is_down_at_the_start_is_waited_for(
    tmp_path: Path, postgres_url: str, comes_back: bool
) -> None:
    address = urlsplit(postgres_url)
    with JsonApi({"/things": ROWS}) as api, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        moved = postgres_url.replace(f"{address.hostname}:{address.port}", f"127.0.0.1:{port}")
        text = manifest(api.url, "{max: 4, delay: 1s, backoff: fixed}").replace(
            "{type: duckdb, path: warehouse.duckdb}", '{type: postgres, credentials: "${env:POSTGRES_URL}"}'
        )
        project = make_project(tmp_path, text)
        child = subprocess.Popen(
            [sys.executable, "-c", "from pipeline_cli.cli import main; main()", "run", "--json"],
            cwd=project,
            env={**os.environ, "POSTGRES_URL": moved},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stderr is not None
        for line in child.stderr:
            if "again in" in line:
                break
        if comes_back:
            forward(listener, (str(address.hostname), int(address.port or 5432)))
        out, _ = child.communicate(timeout=120)
    document = json.loads(out)
    assert (child.returncode, document["status"]) == ((0, "succeeded") if comes_back else (1, "failed"))
    waits = [warning for warning in document["warnings"] if "again in 1 s" in warning]
    assert len(waits) == 4 if not comes_back else waits
