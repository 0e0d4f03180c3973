"""The metrics, read by Prometheus' own parser; the file whole or not at all; a push gateway on localhost."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline_cli.errors import StepError, UsageError
from pipeline_cli.monitoring.findings import Finding, Health
from pipeline_cli.monitoring.prometheus import push_metrics, write_metrics, write_text
from tests.unit.monitoring.world import HOUR, NOON, opened

NASTY = 'a "quoted"\\ name\nof two lines\\n é'


def parse(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    families = list(text_string_to_metric_families(text))
    assert all(family.type == "gauge" and family.documentation for family in families)
    return {family.name: [(each.labels, each.value) for each in family.samples] for family in families}


def test_prometheus_reads_what_is_known_of_a_pipeline(tmp_path: Path) -> None:
    with opened(tmp_path) as world:
        world.runs(6)
        world.run(HOUR, rejected=30)
        health = world.look(schedule="0 6 * * *")
    metrics = parse(write_text("acme", "prod", [health], NOON))
    labels = {"project": "acme", "environment": "prod", "pipeline": "shop"}
    assert metrics["pipeline_cli_pipeline_well"] == [(labels, 0.0)]
    assert metrics["pipeline_cli_pipeline_last_run_success"] == [(labels, 1.0)]
    assert metrics["pipeline_cli_pipeline_last_run_duration_seconds"] == [(labels, 600.0)]
    assert metrics["pipeline_cli_pipeline_usual_duration_seconds"] == [(labels, 600.0)]
    began = (NOON - HOUR).timestamp()
    assert metrics["pipeline_cli_pipeline_last_run_timestamp_seconds"] == [(labels, began)]
    assert metrics["pipeline_cli_pipeline_last_success_timestamp_seconds"] == [(labels, began + 600)]
    assert metrics["pipeline_cli_monitor_timestamp_seconds"][0][1] == NOON.timestamp()
    findings = {each["check"]: value for each, value in metrics["pipeline_cli_pipeline_findings"]}
    assert (findings["quarantine"], findings["late"], len(findings)) == (1.0, 0.0, 9)
    rows = {each["outcome"]: value for each, value in metrics["pipeline_cli_table_last_load_rows"]}
    assert rows == {"extracted": 100.0, "loaded": 70.0, "quarantined": 30.0}


def test_a_pipeline_that_never_ran_has_no_times(tmp_path: Path) -> None:
    with opened(tmp_path) as world:
        metrics = parse(write_text("acme", "dev", [world.look()], NOON))
    assert "pipeline_cli_pipeline_last_run_success" not in metrics
    assert metrics["pipeline_cli_pipeline_well"][0][1] == 0.0


def test_any_name_may_be_a_label() -> None:
    health = Health(NASTY, [Finding("late", "", "")])
    metrics = parse(write_text(NASTY, NASTY, [health], NOON))
    labels = {"project": NASTY, "environment": NASTY, "pipeline": NASTY}
    assert metrics["pipeline_cli_pipeline_well"] == [(labels, 0.0)]


def test_the_file_is_put_in_place_whole_and_readable_by_others(tmp_path: Path) -> None:
    path = tmp_path / "pipelines.prom"
    path.write_text("old")
    reader = path.open()  # as the node exporter may have it open meanwhile
    write_metrics(path, "new\n")
    assert (reader.read(), path.read_text()) == ("old", "new\n")
    assert path.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["pipelines.prom"]


def test_a_file_that_cannot_be_written_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"cannot be written: No such file or directory") as caught:
        write_metrics(tmp_path / "missing" / "pipelines.prom", "x")
    assert caught.value.hint
    (tmp_path / "taken.prom").mkdir()
    with pytest.raises(StepError, match="cannot be written"):
        write_metrics(tmp_path / "taken.prom", "x")
    assert [each.name for each in tmp_path.iterdir()] == ["taken.prom"]


@contextmanager
def gateway(status: int = 200) -> Iterator[tuple[str, list[Any]]]:
    seen: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, dict(self.headers), body.decode()))
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(b"text format parsing error" if status == 400 else b"")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


def test_a_push_puts_the_metrics_under_project_and_environment() -> None:
    with gateway() as (host, seen):
        push_metrics(f"http://me:p%40ss@{host}/push/", "a/b", "prod", "x 1\n")
    path, headers, body = seen[0]
    assert path == "/push/metrics/job/pipeline_cli/project@base64/YS9i/environment@base64/cHJvZA=="
    assert headers["Authorization"] == f"Basic {base64.b64encode(b'me:p@ss').decode()}"
    assert (body, headers["Content-Type"]) == ("x 1\n", "text/plain; version=0.0.4; charset=utf-8")


@pytest.mark.parametrize("status", [400, 500, 302])
def test_a_push_that_is_refused_names_the_host_and_no_password(status: int) -> None:
    with gateway(status) as (host, seen), pytest.raises(StepError) as caught:
        push_metrics(f"http://me:hunter2@{host}", "shop", "dev", "x 1\n")
    assert str(status) in caught.value.message
    assert "hunter2" not in str(caught.value) + str(caught.value.hint)
    assert len(seen) == 1  # a redirect is not followed


def test_an_address_that_is_none_and_a_gateway_that_is_away_are_told() -> None:
    with pytest.raises(UsageError, match="push-gateway"):
        push_metrics("localhost:9091", "shop", "dev", "")
    with pytest.raises(UsageError, match="push-gateway"):
        push_metrics("http://[", "shop", "dev", "")
    with gateway() as (host, _):
        pass
    with pytest.raises(StepError, match=r"127\.0\.0\.1 cannot be reached"):
        push_metrics(f"http://{host}", "shop", "dev", "")
