"""What goes wrong on a newcomer's first day is told in a sentence, with the right exit code and no traceback."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipeline_cli.errors import UsageError
from pipeline_cli.scaffold import copy_scaffold
from pipeline_cli.testing import CliResult, make_project, run_cli

MANIFEST = """
version: 1
name: shop
default_environment: dev
environments: {dev: {destination: duckdb, replay: true}, live: {destination: duckdb}}
destinations: {duckdb: {type: duckdb}}
sources:
  api:
    type: rest_api
    client: {base_url: "http://127.0.0.1:1", max_retries: 0}
    resources: {things: {contract: sources/things.schema.json}}
pipelines: {shop: {sources: [api]}}
"""
CONTRACT = "sources/things.schema.json"


def words(result: CliResult) -> str:
    return " ".join(result.stderr.split())


def test_recording_an_api_that_is_down_names_the_source(tmp_path: Path) -> None:
    project = make_project(tmp_path, MANIFEST, {CONTRACT: "{}"})
    result = run_cli(["record", "api"], cwd=project)
    assert result.exit_code == 1
    assert "E310" in result.stderr and "api" in result.stderr
    assert not list(project.rglob("bug-*.log"))


def test_recording_demands_the_token_where_a_run_would_replay(project_copy: Path) -> None:
    result = run_cli(["record", "crm"], cwd=project_copy)
    assert result.exit_code == 2
    assert "CRM_TOKEN is not set" in words(result)


def test_init_in_a_folder_that_cannot_be_written_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="cannot be written") as caught:
        copy_scaffold(Path("/proc/shop"))
    assert caught.value.code == "E013"


@pytest.mark.parametrize(
    ("contract", "code"),
    [('{"type": "strnig"}', "E142"), ('{"type": "object", "minProperties": "two"}', "E200")],
)
def test_a_contract_that_is_no_schema_stops_a_run_before_it_opens(
    tmp_path: Path, contract: str, code: str
) -> None:
    project = make_project(tmp_path, MANIFEST, {CONTRACT: contract})
    result = run_cli(["run", "--env", "live"], cwd=project)
    assert result.exit_code == 2, result.stderr
    assert code in result.stderr and CONTRACT in result.stderr
    assert (
        "No runs yet. Next: pipeline-cli run --env live"
        in run_cli(["runs", "--env", "live"], cwd=project).stdout
    )


@pytest.mark.parametrize(
    ("option", "given", "told"),
    [
        ("--source", "ap", "Did you mean 'api'?"),
        ("--resource", "thing", "Did you mean 'things'?"),
        ("--run", "20261121T090000-3f9c2a", "There is no run"),
    ],
)
def test_narrowing_the_quarantine_to_what_is_not_there_says_so(
    tmp_path: Path, option: str, given: str, told: str
) -> None:
    project = make_project(tmp_path, MANIFEST, {CONTRACT: "{}"})
    result = run_cli(["quarantine", "list", option, given], cwd=project)
    assert result.exit_code == 2
    assert told in words(result)


def test_an_empty_quarantine_names_the_environment(tmp_path: Path) -> None:
    project = make_project(tmp_path, MANIFEST, {CONTRACT: "{}"})
    result = run_cli(["quarantine", "--env", "live", "--resource", "things"], cwd=project)
    assert result.exit_code == 0
    assert result.stdout == "No such record is in quarantine in 'live'.\n"


def test_sqlmesh_on_a_file_that_another_process_holds_is_busy(project_copy: Path) -> None:
    path = project_copy / ".pipeline" / "dev" / "warehouse.duckdb"
    path.parent.mkdir(parents=True)
    with duckdb.connect(str(path)):
        result = run_cli(["sqlmesh", "fakestore", "plan"], cwd=project_copy)
    assert result.exit_code == 75
    assert "E750" in result.stderr and "Traceback" not in result.stderr


def test_doctor_looks_at_everything_else_where_a_variable_is_missing(project_copy: Path) -> None:
    result = run_cli(["doctor", "--env", "prod", "--json"], cwd=project_copy)
    assert result.exit_code == 1 and result.document is not None
    assert {"manifest", "state", "disk", "destination"} <= {
        check["check"] for check in result.document["checks"]
    }
    assert any("POSTGRES_URL is not set" in error["message"] for error in result.document["errors"])
