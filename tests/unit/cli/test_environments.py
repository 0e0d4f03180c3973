"""A run belongs to its environment, and so does every command that is printed after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_cli.testing import CliResult, make_project, run_cli

MANIFEST = """
version: 1
name: shop
default_environment: dev
environments: {dev: {destination: duckdb}, live: {destination: duckdb}}
destinations: {duckdb: {type: duckdb}}
sources:
  things: {type: python, path: sources/things.py}
  others:
    type: rest_api
    client: {base_url: "http://127.0.0.1:1", auth: {type: bearer, token: "${env:NOT_SET}"}}
    resources: {a: {}}
pipelines: {things: {sources: [things]}, others: {sources: [others]}}
"""
BROKEN = "import dlt\n\n@dlt.resource\ndef things():\n    raise ValueError('no')\n    yield\n"


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CliResult, str]:
    """A project, its run that failed in `live`, and the run's id."""
    project = make_project(tmp_path_factory.mktemp("shop"), MANIFEST, {"sources/things.py": BROKEN})
    result = run_cli(["run", "things", "--env", "live"], cwd=project)
    assert result.exit_code == 1, result.stderr
    return project, result, result.stderr.split()[1]


def test_a_retry_uses_the_environment_of_its_run_and_demands_only_its_variables(
    failed: tuple[Path, CliResult, str],
) -> None:
    project, _, run_id = failed
    again = run_cli(["retry", run_id], cwd=project)
    assert again.exit_code == 1, again.stderr
    assert " in 'live': things" in again.stderr
    assert not (project / ".pipeline" / "dev").exists()


def test_a_retry_in_another_environment_is_refused(failed: tuple[Path, CliResult, str]) -> None:
    project, _, run_id = failed
    refused = run_cli(["retry", run_id, "--env", "dev"], cwd=project)
    assert refused.exit_code == 2
    assert f"pipeline-cli retry {run_id} --env live" in " ".join(refused.stderr.split())


def test_every_command_that_is_printed_names_the_environment(failed: tuple[Path, CliResult, str]) -> None:
    project, first, run_id = failed
    for shown in (first.stdout, run_cli(["runs", "show", run_id], cwd=project).stdout):
        commands = [line for line in shown.splitlines() if "pipeline-cli" in line]
        assert len(commands) >= 2
        assert all("--env live" in line for line in commands)
