"""The commands on the reference project after a real run, each as a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.scaffold import copy_scaffold
from pipeline_cli.testing import CliResult, run_cli
from tests.servers.json_api import JsonApi, sample_rows


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CliResult]:
    """The fakestore pipeline, run once in `live` with one product that breaks its contract."""
    project = tmp_path_factory.mktemp("ran") / "shop"
    copy_scaffold(project)
    data = sample_rows("fakestore")
    data["/products"].append({**data["/products"][0], "id": 999, "price": "free"})
    with JsonApi(data) as api:
        result = run_cli(
            ["run", "fakestore", "--env", "live", "--json"], cwd=project, env={"FAKESTORE_URL": api.url}
        )
    return project, result


def ask(project: Path, *arguments: str) -> CliResult:
    """A command on the environment `live`, which must succeed."""
    result = run_cli(["--env", "live", *arguments], cwd=project)
    assert result.exit_code == 0, result.stdout + result.stderr
    return result


def document_of(result: CliResult) -> dict[str, Any]:
    assert result.document is not None, result.stdout
    return result.document


def test_run_prints_one_document_and_its_progress_in_lines(ran: tuple[Path, CliResult]) -> None:
    result = ran[1]
    assert result.exit_code == 0, result.stderr
    document = document_of(result)
    assert (document["schema_version"], document["command"], document["environment"]) == (1, "run", "live")
    lines = result.stderr.splitlines()
    assert lines[0].startswith(f"Run {document['run_id']} in 'live': fakestore")
    assert "ingest:fakestore: started" in lines
    assert any(line.startswith("test:fakestore: succeeded") for line in lines)
    assert "\x1b" not in result.stderr


def test_runs_show_prints_the_stored_document_again(ran: tuple[Path, CliResult]) -> None:
    project, result = ran
    assert document_of(ask(project, "runs", "show", "--json")) == document_of(result)


def test_runs_and_logs_name_the_run(ran: tuple[Path, CliResult]) -> None:
    project, result = ran
    run_id = document_of(result)["run_id"]
    assert run_id in ask(project, "runs").stdout
    assert run_id in ask(project, "runs", "show").stdout
    log = ask(project, "logs", "--step", "ingest:fakestore").stdout
    assert log and all("ingest:fakestore" in line for line in log.splitlines() if line[:2] == "20")


def test_quarantine_lists_the_bad_record_and_shows_its_reasons(ran: tuple[Path, CliResult]) -> None:
    project, result = ran
    run_id = document_of(result)["run_id"]
    (rejected,) = document_of(ask(project, "quarantine", "list", "--run", run_id, "--json"))["rejected"]
    assert (rejected["source"], rejected["resource"]) == ("fakestore", "products")
    assert json.loads(rejected["record"])["id"] == 999
    shown = ask(project, "quarantine", "show", rejected["id"]).stdout
    assert "price" in shown and '"free"' in shown
    nothing = "No such record is in quarantine in 'live'.\n"
    assert ask(project, "quarantine", "list", "--source", "crm").stdout == nothing


@pytest.mark.parametrize("what", ["info", "trace", "schema", "load-package"])
def test_dlt_sees_the_pipeline_with_the_manifests_settings(ran: tuple[Path, CliResult], what: str) -> None:
    shown = ask(ran[0], "dlt", "pipeline", "fakestore", what).stdout
    assert "Found pipeline fakestore" in shown
    assert not list(ran[0].glob("*.duckdb"))


def test_everything_after_dlt_and_sqlmesh_is_theirs(ran: tuple[Path, CliResult]) -> None:
    assert "Usage: dlt" in ask(ran[0], "dlt", "--help").stdout
    assert "Usage: sqlmesh" in ask(ran[0], "sqlmesh", "--help").stdout


def test_sqlmesh_sees_the_state_of_the_run(ran: tuple[Path, CliResult]) -> None:
    shown = ask(ran[0], "sqlmesh", "fakestore", "plan", "--no-prompts", "--skip-tests").stdout
    assert "No changes to plan" in shown
    assert not (ran[0] / "transforms" / "fakestore" / "logs").exists()


def test_a_second_run_says_that_nothing_is_new_and_quiet_says_the_result_only(project_copy: Path) -> None:
    (line,) = run_cli(["run", "fakestore", "--quiet"], cwd=project_copy).stdout.splitlines()
    assert line.startswith("Run ") and "in 'dev': succeeded in " in line
    again = run_cli(["run", "fakestore"], cwd=project_copy)
    assert again.exit_code == 0
    assert "Nothing new: every source and every model is as the last run left it." in again.stdout
    assert max(map(len, again.stdout.splitlines())) <= 80


def test_a_source_that_is_down_is_named_and_retry_mends_it(project_copy: Path) -> None:
    with JsonApi(sample_rows("crm"), token="right-token") as api:
        good = {"CRM_URL": api.url, "CRM_TOKEN": "right-token"}
        command = ["run", "crm", "--env", "live"]
        failed = run_cli(command, cwd=project_copy, env={**good, "CRM_TOKEN": "wrong-token"})
        assert failed.exit_code == 1
        assert "ingest:crm failed" in failed.stdout
        assert "wrong-token" not in failed.stdout + failed.stderr
        assert "Next:  pipeline-cli retry" in failed.stdout
        retried = run_cli(["retry", "--env", "live"], cwd=project_copy, env=good)
        assert retried.exit_code == 0, retried.stdout
        assert "(try 2)" in retried.stdout


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def dashboard(project: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    code = "from pipeline_cli.cli import main; main()"
    command = [sys.executable, "-c", code, "show", "fakestore", "--env", "live", "--port", str(port)]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)


def test_show_serves_the_dashboard_on_this_machine_only(ran: tuple[Path, CliResult]) -> None:
    port = free_port()
    with dashboard(ran[0], port) as process:
        page = b""
        deadline = time.monotonic() + 60
        while not page and time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
                page = answer.read()
            time.sleep(0.2)
    assert b"dlt workspace dashboard" in page


@pytest.mark.thorough
def test_retry_demands_no_variable_of_another_pipeline(project_copy: Path) -> None:
    """CRM_TOKEN is not set here, and fakestore needs none."""
    down = run_cli(
        ["run", "fakestore", "--env", "live"], cwd=project_copy, env={"FAKESTORE_URL": "http://127.0.0.1:1"}
    )
    assert down.exit_code == 1
    with JsonApi(sample_rows("fakestore")) as api:
        retried = run_cli(["retry", "--env", "live"], cwd=project_copy, env={"FAKESTORE_URL": api.url})
    assert retried.exit_code == 0, retried.stdout + retried.stderr
