"""Environments with copy_of."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_cli.manifest.reader import read_manifest
from pipeline_cli.project import Project
from tests.unit.manifest.helpers import mistakes_of, write

TWO = """version: 1
name: shop
default_environment: dev
environments:
  dev: {{destination: duckdb, replay: true, state: "${{env:LEDGER_URL}}"}}
  prod: {{destination: duckdb, variables: {{days: 90, unit: EUR}}}}
  {copy}
destinations:
  duckdb: {{type: duckdb, path: w.duckdb}}
transforms:
  marts: {{engine: dbt, path: marts, variables: {{days: 7}}}}
pipelines:
  shop_of_flowers: {{transforms: [marts], schedule: "@daily"}}
"""


def project(root: Path, copy: str) -> Path:
    (root / "marts").mkdir()
    write(root, TWO.format(copy=copy))
    return root


def test_a_copy_has_what_its_original_has(tmp_path: Path) -> None:
    project(tmp_path, "pr_12: {copy_of: prod, variables: {days: 3}}")
    reading = read_manifest(tmp_path, {}, "pr_12")
    manifest = reading.manifest
    assert manifest.environments["pr_12"].destination == "duckdb"
    assert manifest.transforms["marts"].variables == {"days": 3, "unit": "EUR"}
    assert manifest.pipelines["shop_of_flowers"].schedule is None
    copy = Project(tmp_path, manifest, reading.environment)
    assert (copy.is_copy, copy.loads_environment, copy.copies) == (True, "prod", ["pr_12"])
    assert copy.model_schema("gold_shop") == "gold_shop__pr_12"
    assert copy.plain_schema("gold_shop__pr_12") == copy.plain_schema("gold_shop") == "gold_shop"
    assert copy.model_schema("bronze_shop") == "bronze_shop"
    assert copy.loads_dir == tmp_path / ".pipeline" / "prod"
    original = copy.bound_to("prod")
    assert (original.is_copy, original.model_schema("gold_shop")) == (False, "gold_shop")


def test_a_copy_demands_the_variables_of_its_original(tmp_path: Path) -> None:
    project(tmp_path, "pr: {copy_of: dev}")
    [mistake] = mistakes_of(tmp_path, environment="pr")
    assert (mistake.code, "LEDGER_URL" in mistake.message) == ("E122", True)
    manifest = read_manifest(tmp_path, {"LEDGER_URL": "sqlite:///x"}, "pr").manifest
    copy = manifest.environments["pr"]
    assert (copy.replay, copy.state) == (True, "sqlite:///x")


@pytest.mark.parametrize(
    ("copy", "code", "message", "hint"),
    [
        ("pr: {}", "E112", "pr needs the key destination.", "Or copy_of: the environment to copy."),
        ("pr: {copy_of: prd}", "E116", "'prd' is not one of the environments.", "Did you mean prod?"),
        ("pr: {copy_of: pr}", "E129", "pr cannot be a copy of itself.", "Name another environment."),
        ("a: {copy_of: prod}\n  b: {copy_of: a}", "E129", "'a' is a copy itself.", "Copy prod."),
        (
            "pr: {copy_of: prod, destination: duckdb}",
            "E111",
            "pr is a copy: its destination is that of prod.",
            "Leave destination out.",
        ),
        (
            f"{'p' * 40}: {{copy_of: prod}}\n",
            "E115",
            "is longer than the 63 letters",
            "Give the copy a shorter name.",
        ),
    ],
)
def test_a_copy_that_cannot_be_is_told(tmp_path: Path, copy: str, code: str, message: str, hint: str) -> None:
    project(tmp_path, copy)
    [mistake] = list(mistakes_of(tmp_path, environment="prod"))
    assert (mistake.code, message in mistake.message, hint in (mistake.hint or "")) == (code, True, True), (
        mistake
    )
    assert mistake.line is not None and mistake.line >= 7


def test_prod_is_no_name_of_a_copy(tmp_path: Path) -> None:
    project(tmp_path, "pr: {copy_of: dev}")
    text = (
        (tmp_path / "pipelines.yaml")
        .read_text()
        .replace("  prod: {destination: duckdb", "  x: {destination: duckdb")
    )
    (tmp_path / "pipelines.yaml").write_text(text.replace("  pr:", "  prod:"))
    [mistake] = mistakes_of(tmp_path, environment="x")
    assert (mistake.code, mistake.line) == ("E115", 7)
    assert mistake.message == "a copy cannot be called prod: that is what SQLMesh calls the originals."
