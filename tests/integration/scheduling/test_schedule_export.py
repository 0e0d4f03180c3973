"""`schedule export`: files that cron, systemd and GitHub understand, and that say what these cannot do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipeline_cli import cron
from pipeline_cli.manifest.schedules import Schedule
from pipeline_cli.scheduling.export import Job, portable, write_files
from pipeline_cli.scheduling.export_systemd import calendar, export_systemd
from pipeline_cli.testing import CliResult, make_project, run_cli

MANIFEST = """
version: 1
name: my shop
default_environment: dev
environments: {dev: {destination: duckdb}}
destinations: {duckdb: {type: duckdb, path: warehouse.duckdb}}
sources:
  things:
    type: rest_api
    client:
      base_url: "${env:THINGS_URL:-https://things.example.com}"
      auth: {type: bearer, token: "${env:THINGS_TOKEN}"}
    resources: {things: {}}
pipelines:
  sales: {sources: [things], schedule: {cron: "30 6 * JAN-MAR mon-fri", timezone: Europe/Berlin}}
  often: {schedule: {cron: "*/2 * * * *", catch_up: none}}
  odd: {schedule: {cron: "5/20 0 1,15 * 7", catch_up: all}}
  by_hand: {}
"""
# What systemd says of these lines: test_systemd.py.
CALENDARS = {
    "0 6 * * 1-5": ["Mon,Tue,Wed,Thu,Fri *-*-* 06:00:00 UTC"],
    "*/20 8-10 * * *": ["*-*-* 08,09,10:00,20,40:00 UTC"],
    "5/20 0 1,15 * 7": ["*-*-01,15 00:05,25,45:00 UTC", "Sun *-*-* 00:05,25,45:00 UTC"],
    "0 0 29 2 *": ["*-02-29 00:00:00 UTC"],
    "@weekly": ["Sun *-*-* 00:00:00 UTC"],
    "15 3 */10 * 2": ["Tue *-*-01,11,21,31 03:15:00 UTC"],
}
ODD_PATH = "a $HOME 100% 'quoted' \"folder\""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / ODD_PATH, MANIFEST)


def export(project: Path, scheduler: str, *options: str) -> CliResult:
    result = run_cli(["schedule", "export", scheduler, *options], cwd=project)
    assert result.exit_code == 0, result.stderr
    return result


def test_a_crontab_runs_each_pipeline_in_the_project_whatever_its_path(project: Path) -> None:
    result = export(project, "cron", "--json")
    assert result.document is not None
    (path,) = map(Path, result.document["files"])
    text = path.read_text()
    assert "CRON_TZ=Europe/Berlin\n30 6 * 1,2,3 1,2,3,4,5 cd " in text
    assert "CRON_TZ=UTC\n*/2 * * * * cd " in text
    assert "5,25,45 0 1,15 * 0 cd " in text
    assert "by_hand" not in text
    assert "THINGS_TOKEN" in text and "THINGS_URL" not in text
    assert "ignore CRON_TZ" in result.stderr
    (line,) = [line for line in text.splitlines() if " run often " in line]
    # What cron gives the shell, which must find the project and the command.
    command = re.sub(r"^(\S+ ){5}", "", line).replace("\\%", "%")
    assert not re.search(r"(?<!\\)%", line)
    echoed = re.sub(r" && .*", " && pwd", command)
    told = subprocess.run(["/bin/sh", "-c", echoed], capture_output=True, text=True, check=True)
    assert told.stdout == f"{project}\n"


def test_systemd_takes_the_units(project: Path, tmp_path: Path) -> None:
    export(project, "systemd", "--to", str(tmp_path / "units"))
    units = sorted(path.name for path in (tmp_path / "units").iterdir())
    assert units == [
        f"pipeline-cli-my-shop-dev-{name}.{kind}"
        for name in ("odd", "often", "sales")
        for kind in ("service", "timer")
    ]
    timer = (tmp_path / "units" / "pipeline-cli-my-shop-dev-sales.timer").read_text()
    assert "OnCalendar=Mon,Tue,Wed,Thu,Fri *-01,02,03-* 06:30:00 Europe/Berlin\nPersistent=true" in timer
    assert "Persistent=false" in (tmp_path / "units" / "pipeline-cli-my-shop-dev-often.timer").read_text()


@pytest.mark.parametrize(("expression", "lines"), CALENDARS.items())
def test_systemds_calendar_is_the_expression(expression: str, lines: list[str]) -> None:
    assert list(calendar(Schedule(cron=expression))) == lines


def test_github_takes_the_workflows(project: Path) -> None:
    (project / ".git").mkdir()
    result = export(project, "github")
    folder = project / ".github" / "workflows"
    files = sorted(folder.iterdir())
    assert len(files) == 3
    checked = subprocess.run(
        [
            Path(sys.executable).parent / "check-jsonschema",
            "--builtin-schema",
            "vendor.github-workflows",
            *files,
        ],
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout
    sales = yaml.safe_load((folder / "pipeline-cli-my-shop-dev-sales.yml").read_text())
    assert sales["on"]["schedule"] == [{"cron": "30 6 * 1,2,3 1,2,3,4,5", "timezone": "Europe/Berlin"}]
    assert sales["jobs"]["run"]["env"] == {"THINGS_TOKEN": "${{ secrets.THINGS_TOKEN }}"}
    assert sales["jobs"]["run"]["steps"][-1] == {"run": "pipeline-cli run sales --env dev"}
    assert "every five minutes at most; more often: often." in result.stderr


def test_a_project_below_the_repository_runs_in_its_folder(project: Path) -> None:
    (project.parent / ".git").mkdir()
    export(project, "github")
    (path, *_) = (project.parent / ".github" / "workflows").iterdir()
    assert yaml.safe_load(path.read_text())["jobs"]["run"]["steps"][-1]["working-directory"] == ODD_PATH


def test_a_file_that_is_not_ours_is_left_alone_and_one_that_is_ours_is_written_anew(project: Path) -> None:
    (path,) = json.loads(export(project, "cron", "--json").stdout)["files"]
    export(project, "cron")
    Path(path).write_text("# mine\n")
    result = run_cli(["schedule", "export", "cron"], cwd=project)
    assert (result.exit_code, Path(path).read_text()) == (2, "# mine\n")
    assert "pipeline-cli did not write it" in result.stderr


@pytest.mark.parametrize(
    "expression", ["0 6 * * 1-5", "*/15 * * * *", "5/20 0 1,15 * SUN,5-7", "@weekly", "0 0 1 jan *"]
)
def test_portable_expressions_mean_the_same(expression: str) -> None:
    plain = portable(expression)
    assert re.fullmatch(r"[0-9*,/ -]+", plain)
    assert cron.values_of(plain) == cron.values_of(expression)


@pytest.mark.parametrize(
    ("folder", "written"),
    [
        ("100% a b", 'ExecStart="{root}/100%% a b/pipeline-cli" "run" "sales" "--quiet"'),
        (
            "o'dd \\ $path",
            'ExecStart=/usr/bin/env "{root}/o\'dd \\\\ $$path/pipeline-cli" "run" "sales" "--quiet"',
        ),
    ],
)
def test_systemd_finds_a_program_with_an_odd_path(tmp_path: Path, folder: str, written: str) -> None:
    program = tmp_path / folder / "pipeline-cli"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    job = Job("shop", tmp_path, "dev", "sales", Schedule(cron="@daily"), [str(program), "run", "sales"], [])
    (service, _) = write_files(tmp_path / "units", export_systemd([job]))
    assert written.format(root=tmp_path) in service.read_text()
