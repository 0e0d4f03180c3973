"""The README says what the command does: every verb and option that it shows is there, and none is missing."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pipeline_cli import errors
from pipeline_cli.cli.app import VERBS, root_group
from pipeline_cli.plugins.specs import MOMENTS
from pipeline_cli.testing import make_project, run_cli
from tests.servers.json_api import Answer, JsonApi

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([a-z][^`]*)` \| (.+) \| `(pipeline-cli [^`]+)` \|$", README, re.MULTILINE)
PYTHON_SOURCE = """
import dlt

@dlt.resource(primary_key="id", write_disposition="merge")
def things():
    yield [{"id": 1}, {"id": 2}]
"""
PLUGIN_MANIFEST = """
version: 1
name: shop
default_environment: dev
environments: {dev: {destination: duckdb}}
destinations: {duckdb: {type: duckdb}}
sources: {things: {type: python, path: sources/things.py}}
plugins: {shout: {prefix: "!"}}
pipelines: {things: {sources: [things]}}
"""


def code_block(language: str, containing: str = "") -> str:
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    (found,) = [block for block in blocks if containing in block]
    return str(found)


def leaf_commands() -> Iterator[tuple[str, click.Command]]:
    """Each verb that does something: ("runs list", its command)."""
    for verb, (module, _) in VERBS.items():
        command: click.Command = importlib.import_module(module).command
        if isinstance(command, click.Group):
            yield from ((f"{verb} {name}", child) for name, child in command.commands.items())
        else:
            yield verb, command


COMMANDS = dict(leaf_commands())


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_command_is_documented_with_a_line_and_an_example(verb: str) -> None:
    rows = [(line, example) for usage, line, example in ROWS if f"{usage} ".startswith(f"{verb} ")]
    assert len(rows) == 1, f"the README's table lacks {verb}"
    assert rows[0][1].startswith(f"pipeline-cli {verb}")


@pytest.mark.parametrize("example", [example for _, _, example in ROWS])
def test_every_example_is_one_that_the_command_understands(example: str) -> None:
    words = shlex.split(example)[1:]
    size = 2 if " ".join(words[:2]) in COMMANDS else 1
    command = COMMANDS[" ".join(words[:size])]
    context = click.Context(command, info_name=words[0], parent=click.Context(root_group))
    if words[0] not in ("dlt", "sqlmesh"):
        command.make_parser(context).parse_args(words[size:])


def test_every_option_is_in_the_readme() -> None:
    options = {
        option for command in COMMANDS.values() for parameter in command.params for option in parameter.opts
    }
    long_options = {option for option in options if option.startswith("--")}
    assert len(long_options) > 10
    assert {option for option in long_options if not re.search(rf"{option}\b", README)} == set()


def test_every_exit_code_is_documented() -> None:
    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    told = {
        int(code)
        for cell in re.findall(r"^\| ([\d, ]+) \|", README, re.MULTILINE)
        for code in cell.split(",")
    }
    assert told == codes


def test_every_moment_of_a_plugin_is_documented() -> None:
    assert [moment for moment in MOMENTS if f"`{moment}`" not in README] == []


def test_the_source_of_the_readme_is_valid_and_reads_what_it_says(tmp_path: Path) -> None:
    entry = code_block("yaml", "# sources/tickets.yaml")
    manifest = PLUGIN_MANIFEST.replace("plugins: {shout", "plugins: {}  # {shout").replace(
        "pipelines: {things: {sources: [things]}}", "pipelines: {tickets: {sources: [tickets]}}"
    )
    tickets = [
        {"id": 1, "updated_at": "2026-01-02T00:00:00Z"},
        {"id": 2, "updated_at": "2026-01-03T00:00:00Z"},
    ]
    with JsonApi({"/tickets": None}, token="t0ken") as api:
        pages = {
            None: {"data": tickets[:1], "paging": {"next": f"{api.url}/tickets?page=2"}},
            "2": {"data": tickets[1:], "paging": {"next": None}},
        }
        api.data["/tickets"] = lambda request: Answer(pages[request.query.get("page")])
        for number in (1, 2):
            api.data[f"/tickets/{number}/comments"] = [{"id": 10 * number, "text": "thanks"}]
        files = {
            "sources/tickets.yaml": entry.replace("https://tickets.example.com/api", api.url),
            "sources/things.py": PYTHON_SOURCE,
        }
        project = make_project(tmp_path, manifest, files)
        result = run_cli(["run", "--json"], cwd=project, env={"TICKETS_TOKEN": "t0ken"})
    assert result.exit_code == 0, result.stdout + result.stderr
    assert result.document is not None
    resources = result.document["pipelines"][0]["steps"][0]["resources"]
    assert {each["name"]: each["loaded"] for each in resources} == {"tickets": 2, "comments": 2}


def test_the_manifest_of_the_readme_is_valid(tmp_path: Path) -> None:
    run_cli(["init", "."], cwd=tmp_path)
    (tmp_path / "pipelines.yaml").write_text(code_block("yaml", "version: 1"), encoding="utf-8")
    result = run_cli(["validate"], cwd=tmp_path)
    assert result.exit_code == 0, result.stderr


def test_the_alerts_of_the_readme_are_valid(tmp_path: Path) -> None:
    head = (
        PLUGIN_MANIFEST.partition("plugins:")[0]
        .replace("things: {type", "shop: {type")
        .replace(
            "environments: {dev: {destination: duckdb}}",
            "environments: {dev: {destination: duckdb}, prod: {destination: duckdb}}",
        )
    )
    report = "reports: {sales: {title: Sales, blocks: {about: {type: text, text: Hello.}}}}\n"
    entries = code_block("yaml", "routing_key")
    project = make_project(tmp_path, head + report + entries, {"sources/things.py": PYTHON_SOURCE})
    result = run_cli(["validate"], cwd=project)
    assert result.exit_code == 0, result.stderr
    assert "SMTP_URL (plugins.email)" in result.stdout


def test_the_plugin_of_the_readme_sends_alerts(tmp_path: Path) -> None:
    failing = PYTHON_SOURCE.replace("yield [", "raise RuntimeError('dry')\n    yield [")
    manifest = PLUGIN_MANIFEST.replace("sources: [things]}}", "sources: [things], alerts: [{to: shout}]}}")
    files = {"plugins/shout.py": code_block("python", "hookimpl"), "sources/things.py": failing}
    result = run_cli(["run"], cwd=make_project(tmp_path, manifest, files))
    assert "things failed at ingest:things" in result.stdout
    assert "Warning" not in result.stdout


def test_the_plugin_of_the_readme_works(tmp_path: Path) -> None:
    files = {"plugins/shout.py": code_block("python", "hookimpl"), "sources/things.py": PYTHON_SOURCE}
    project = make_project(tmp_path, PLUGIN_MANIFEST, files)
    result = run_cli(["run"], cwd=project)
    assert result.exit_code == 0, result.stdout + result.stderr
    assert re.search(r"^! \S+ succeeded$", result.stdout, re.MULTILINE)


def test_the_python_source_of_the_readme_works_and_replays(tmp_path: Path) -> None:
    manifest = PLUGIN_MANIFEST.replace("{destination: duckdb}", "{destination: duckdb, replay: true}")
    manifest = manifest.replace('plugins: {shout: {prefix: "!"}}\n', "")
    manifest = manifest.replace("environments: {", "environments: {live: {destination: duckdb}, ")
    entry = code_block("yaml", "sources/events.py").replace("sources:\n", "").replace("  events:", "")
    manifest = re.sub(r"sources: {things: .*", f"sources: {{things: {entry.strip()}}}", manifest)
    rows = [{"id": 1, "at": "2026-02-01", "n": "3"}, {"id": 2, "at": "2026-02-02", "n": "4"}]
    with JsonApi({"/v1/clicks": rows}, token="t0ken") as api:
        code = code_block("python", "api_session").replace("https://events.example.com", api.url)
        project = make_project(tmp_path, manifest, {"sources/events.py": code})
        run_cli(["record", "things"], cwd=project, env={"EVENTS_TOKEN": "t0ken"})
        asked = len(api.requests)
        replayed = run_cli(["run"], cwd=project)
        assert replayed.exit_code == 0, replayed.stdout + replayed.stderr
        assert ("2 loaded" in replayed.stdout, len(api.requests)) == (True, asked)
        live = run_cli(["run", "--env", "live"], cwd=project, env={"EVENTS_TOKEN": "t0ken"})
        assert "2 loaded" in live.stdout, live.stdout + live.stderr


def test_the_readme_names_only_make_targets_that_are_there() -> None:
    makefile = (Path(__file__).parents[3] / "Makefile").read_text()
    for target in set(re.findall(r"^    make (\w+)", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
