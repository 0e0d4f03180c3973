"""The command's frame: help, usage errors, exit codes, the one document on stdout."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pipeline_cli.cli import app
from pipeline_cli.cli.settings import Settings
from pipeline_cli.testing import make_project, run_cli

SLOW_MODULES = (
    "dlt",
    "sqlmesh",
    "dbt",
    "duckdb",
    "sqlalchemy",
    "rich",
    "requests",
    "jsonschema_rs",
    "pydantic",
)


def imported_by(arguments: list[str], folder: Path) -> set[str]:
    """The modules that a call of the command has imported when it ends."""
    code = (
        "import sys\nfrom pipeline_cli.cli.app import Settings, run_command\n"
        f"code = run_command({arguments!r}, Settings())\n"
        "print(code, *sorted(sys.modules), file=sys.stderr)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    code_text, *modules = finished.stderr.split()
    assert code_text == "0", finished.stdout
    return set(modules)


def test_help_imports_no_verb_and_nothing_slow(tmp_path: Path) -> None:
    modules = imported_by(["--help"], tmp_path)
    assert not modules & {module for module, _ in app.VERBS.values()}
    assert not modules & set(SLOW_MODULES)


def test_validate_imports_nothing_slow(tmp_path: Path) -> None:
    assert not imported_by(["validate"], make_project(tmp_path)) & set(SLOW_MODULES)


def test_help_shows_every_verb_with_its_line(tmp_path: Path) -> None:
    shown = run_cli(["--help"], cwd=tmp_path)
    assert shown.exit_code == 0
    for verb, (_, line) in app.VERBS.items():
        assert f"  {verb} " in shown.stdout
        assert line in shown.stdout


@pytest.mark.parametrize("verb", app.VERBS)
def test_every_verb_has_help_with_an_example(verb: str) -> None:
    command: click.Command = importlib.import_module(app.VERBS[verb][0]).command
    children = command.commands.values() if isinstance(command, click.Group) else [command]
    for child in children:
        assert child.help is not None and f"Example: pipeline-cli {verb}" in child.help, child.name


@pytest.mark.parametrize("verb", [name for name in app.VERBS if name not in ("dlt", "sqlmesh")])
def test_every_verb_takes_the_common_options(verb: str) -> None:
    command: click.Command = importlib.import_module(app.VERBS[verb][0]).command
    commands = [command, *(command.commands.values() if isinstance(command, click.Group) else [])]
    for one in commands:
        options = {option for parameter in one.params for option in parameter.opts}
        assert {"--env", "--project", "--json", "--quiet"} <= options, one.name


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["rnu"], "There is no command 'rnu'. Did you mean 'run'?"),
        (["runs", "lst"], "There is no command 'lst'. Did you mean 'list'?"),
        (["validate", "--envv", "dev"], "No such option '--envv'. Did you mean '--env'?"),
        (["validate", "--env", "dve"], "there is no environment 'dve'"),
        (["preview", "minimal.x"], "There is no source 'minimal'"),
        (["quarantine", "list", "--limit", "no"], "'no' is not a valid integer range"),
        (["quarantine", "show"], "Missing argument 'ID'"),
        (["validate", "extra"], "unexpected extra argument"),
    ],
)
def test_usage_errors_say_what_is_meant_and_exit_2(
    tmp_path: Path, arguments: list[str], expected: str
) -> None:
    result = run_cli(arguments, cwd=make_project(tmp_path))
    assert result.exit_code == 2
    assert expected in " ".join(result.stderr.split())
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_a_usage_error_with_json_is_a_document_too(tmp_path: Path) -> None:
    result = run_cli(["validate", "--envv", "x", "--json"], cwd=make_project(tmp_path))
    assert result.exit_code == 2
    assert result.document is not None
    assert result.document["schema_version"] == 1
    assert result.document["command"] == "validate"
    assert result.document["status"] == "failed"
    assert [error["code"] for error in result.document["errors"]] == ["E001"]


def test_options_are_taken_before_and_after_the_verb(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    before = run_cli(["--json", "--project", str(project), "validate"], cwd=tmp_path)
    after = run_cli(["validate", "--json", "--project", str(project)], cwd=tmp_path)
    assert before.exit_code == after.exit_code == 0
    assert before.document == after.document
    assert before.document is not None and before.document["command"] == "validate"


def test_the_project_is_found_from_a_folder_below_it(tmp_path: Path) -> None:
    below = make_project(tmp_path) / "transforms" / "shop"
    below.mkdir(parents=True)
    assert run_cli(["validate"], cwd=below).stdout.startswith("pipelines.yaml is valid")


def test_without_a_project_the_message_says_how_to_make_one(tmp_path: Path) -> None:
    result = run_cli(["validate"], cwd=tmp_path)
    assert result.exit_code == 2
    assert "pipeline-cli init shop" in result.stderr


def test_the_verb_of_runs_may_be_left_out(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    assert run_cli(["runs", "--json"], cwd=project).document == (
        {"schema_version": 1, "command": "runs list", "status": "succeeded", "runs": [], "errors": []}
    )


def test_a_bug_is_one_sentence_with_the_path_of_a_masked_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(app.VERBS, "broken", ("tests.unit.cli.verb_with_a_bug", "A verb with a bug."))
    monkeypatch.chdir(make_project(tmp_path))
    assert app.run_command(["broken"], Settings()) == 3
    logs = list((tmp_path / ".pipeline" / "logs").iterdir())
    shown = capfd.readouterr()
    assert len(logs) == 1
    assert logs[0].name in "".join(shown.err.split())
    assert "Traceback" not in shown.err
    text = logs[0].read_text()
    assert "RuntimeError: password *** was refused" in text
    assert "hunter2" not in text + shown.err


def test_whoever_stops_reading_gets_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from pipeline_cli.cli import main; main()", "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_no_color_and_pipes_get_no_escape_codes(tmp_path: Path) -> None:
    result = run_cli(["doctor"], cwd=make_project(tmp_path), env={"FORCE_COLOR": "1"})
    assert "\x1b[" not in result.stdout + result.stderr


def test_shell_completion_offers_the_verbs(tmp_path: Path) -> None:
    variables = {
        "_PIPELINE_CLI_COMPLETE": "bash_complete",
        "COMP_WORDS": "pipeline-cli qu",
        "COMP_CWORD": "1",
    }
    assert run_cli([], cwd=tmp_path, env=variables).stdout.split() == ["plain,quarantine"]


def test_an_encoding_that_cannot_say_it_does_not_break_the_command(tmp_path: Path) -> None:
    manifest = make_project(tmp_path) / "pipelines.yaml"
    manifest.write_text(manifest.read_text().replace("name: minimal", "näme: minimal"), encoding="utf-8")
    result = run_cli(["validate"], cwd=tmp_path, env={"PYTHONIOENCODING": "ascii"})
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr


def test_validate_reports_contracts_that_are_no_schema(tmp_path: Path) -> None:
    manifest = """\
version: 1
name: shop
default_environment: dev
environments: {dev: {destination: duckdb}}
destinations: {duckdb: {type: duckdb}}
sources:
  api:
    type: rest_api
    client: {base_url: "https://api.example.com"}
    resources: {things: {contract: sources/api/things.schema.json}}
pipelines: {shop: {sources: [api]}}
"""
    schema = {"type": "object", "properties": {"id": {"type": "int"}}, "required": "id"}
    make_project(tmp_path, manifest, {"sources/api/things.schema.json": json.dumps(schema)})
    result = run_cli(["validate"], cwd=tmp_path)
    assert result.exit_code == 2
    assert "#/properties/id: unknown type 'int'" in result.stderr
    assert "'required' is a list of property names" in " ".join(result.stderr.split())
    assert not (tmp_path / ".pipeline").exists()


def test_validate_counts_what_the_manifest_has(tmp_path: Path) -> None:
    report = "title: Sales\nqueries: {days: SELECT 1 AS n}\nblocks: {all: {type: table, query: days}}\n"
    with_report = run_cli(
        ["validate"], cwd=make_project(tmp_path / "with_report", files={"reports/sales.yaml": report})
    )
    assert with_report.stdout.endswith("valid: 1 destination, 1 report, 1 environment, 0 contracts.\n")
    tmp_path = tmp_path / "plain"
    result = run_cli(["validate"], cwd=make_project(tmp_path))
    assert result.stdout == "pipelines.yaml is valid: 1 destination, 1 environment, 0 contracts.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["pipelines.yaml"]  # nothing was written
