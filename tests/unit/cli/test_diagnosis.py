"""The checks of doctor, each on its own and as a command."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from pipeline_cli.cli.diagnosis import (
    check_disk_space,
    check_packages,
    check_python,
    check_sqlglotc,
    check_writable,
    installed_requirements,
)
from pipeline_cli.testing import make_project, run_cli

PROD = """\
version: 1
name: shop
default_environment: prod
environments:
  prod: {destination: postgres}
  dev: {destination: duckdb}
destinations:
  postgres: {type: postgres, credentials: "${env:POSTGRES_URL}"}
  duckdb: {type: duckdb}
pipelines: {}
"""


@pytest.mark.parametrize(
    ("version", "status"), [((3, 10), "fail"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "fail")]
)
def test_python_must_be_one_that_is_tested(version: tuple[int, int], status: str) -> None:
    assert check_python(version).status == status


def test_packages_out_of_range_and_missing_ones_are_each_told() -> None:
    wanted = [Requirement("pytest>=1"), Requirement("click<1"), Requirement("no-such-package>=2")]
    found = list(check_packages(wanted))
    assert [finding.status for finding in found] == ["fail", "fail", "ok"]
    assert "click<1 is wanted" in found[0].message
    assert "nothing is installed" in found[1].message
    assert found[2].message == "1 of 3 packages as pinned"


def test_what_is_installed_here_is_as_pinned() -> None:
    requirements = installed_requirements()
    assert "dlt" in {requirement.name for requirement in requirements}
    assert [finding.status for finding in check_packages(requirements)] == ["ok"]


def test_sqlglotc_is_told_with_the_way_out() -> None:
    assert check_sqlglotc(None).status == "ok"
    assert check_sqlglotc("30.8.0").hint == "pip uninstall sqlglotc"


@pytest.mark.parametrize(("free", "status"), [(50 * 1024**3, "ok"), (1024**3, "warn"), (1024**2, "fail")])
def test_little_disk_space_warns_and_none_fails(free: int, status: str) -> None:
    assert check_disk_space(free).status == status


def test_a_state_folder_that_cannot_be_made_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert check_writable(tmp_path / "file" / ".pipeline").status == "fail"
    assert check_writable(tmp_path / ".pipeline").status == "ok"


def test_doctor_finds_a_duckdb_project_healthy(tmp_path: Path) -> None:
    result = run_cli(["doctor", "--json"], cwd=make_project(tmp_path))
    assert result.exit_code == 0
    assert result.document is not None
    checks = {check["check"]: check for check in result.document["checks"]}
    assert set(checks) >= {"python", "packages", "manifest", "variables", "state", "disk", "destination"}
    assert checks["destination"]["message"] == "duckdb at .pipeline/dev/warehouse.duckdb can be written"


def test_doctor_lists_what_is_missing_and_fails(tmp_path: Path) -> None:
    result = run_cli(["doctor"], cwd=make_project(tmp_path, PROD))
    assert result.exit_code == 1
    assert "fail  manifest" in result.stdout
    assert "POSTGRES_URL" in result.stdout


def test_doctor_says_that_postgres_cannot_be_reached_and_keeps_the_password(tmp_path: Path) -> None:
    url = {"POSTGRES_URL": "postgresql://shop:sesame-123@127.0.0.1:1/shop"}
    result = run_cli(["doctor"], cwd=make_project(tmp_path, PROD), env=url)
    assert result.exit_code == 1
    assert "fail  destination" in result.stdout
    assert "sesame-123" not in result.stdout + result.stderr


def test_doctor_only_warns_of_what_another_environment_lacks(tmp_path: Path) -> None:
    result = run_cli(["doctor", "--env", "dev"], cwd=make_project(tmp_path, PROD))
    assert result.exit_code == 0
    assert "warn  variables    POSTGRES_URL not set, which destinations.postgres needs" in result.stdout
