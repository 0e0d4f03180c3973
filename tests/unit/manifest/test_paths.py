"""Paths of the project stay in the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_cli.manifest import codes
from tests.unit.manifest.helpers import HEAD, TAIL, mistakes, mistakes_of, only, read, resource, write

TRANSFORM = "transforms:\n  crm: {engine: dbt, path: %s}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    project = write(
        tmp_path / "project", "", {"sources/crm/a.json": "{}", "transforms/crm/dbt_project.yml": ""}
    )
    write(tmp_path / "outside", "", {"secret.json": "{}"})
    return project


def test_paths_in_the_project_are_accepted(root: Path) -> None:
    assert read(root, TRANSFORM % "./transforms/../transforms/crm/").manifest.transforms["crm"]
    assert read(root, resource("{contract: sources/crm/a.json}"))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("../outside", "leads out of the project."),
        ("transforms/../../outside", "leads out of the project."),
        ("'..\\outside'", "leads out of the project."),
        ("/etc", "is not relative to the project."),
        ("file:///etc", "is not relative to the project."),
        ("C:/x", "is not relative to the project."),
        ("~/x", "begins with ~, which is not expanded."),
        ("''", "path is empty."),
        ('"a\\nb"', "is not a path."),
        ("transforms/crn", "does not exist."),
        ("sources/crm/a.json", "is not a folder."),
        ("a" * 300, "cannot be opened."),
    ],
)
def test_other_paths_are_refused(root: Path, path: str, message: str) -> None:
    mistake = only(mistakes(root, TRANSFORM % path))
    assert mistake.message.endswith(message)
    assert mistake.line == 12


def test_a_contract_must_be_a_file(root: Path) -> None:
    assert only(mistakes(root, resource("{contract: sources/crm}"))).message.endswith("is not a file.")


def test_a_path_that_does_not_exist_suggests_its_neighbour(root: Path) -> None:
    assert only(mistakes(root, TRANSFORM % "transfroms/crm")).hint == "Did you mean transforms/crm?"
    assert only(mistakes(root, TRANSFORM % "transforms/cmr")).hint == "Did you mean transforms/crm?"


def test_symbolic_links_out_of_the_project_are_refused(root: Path) -> None:
    (root / "sources/link").symlink_to(root.parent / "outside")
    (root / "sources/link.json").symlink_to(root.parent / "outside/secret.json")
    for path in ("sources/link/secret.json", "sources/link.json"):
        mistake = only(mistakes(root, resource(f"{{contract: {path}}}")))
        assert mistake.message.endswith("leads out of the project.")


def test_symbolic_links_within_the_project_are_followed(root: Path) -> None:
    (root / "sources/link.json").symlink_to(root / "sources/crm/a.json")
    assert read(root, resource("{contract: sources/link.json}"))


def test_a_circle_of_symbolic_links_is_refused(root: Path) -> None:
    (root / "sources/a").symlink_to(root / "sources/b")
    (root / "sources/b").symlink_to(root / "sources/a")
    assert only(mistakes(root, resource("{contract: sources/a/x.json}"))).code == codes.BAD_PATH


def test_a_section_file_that_is_a_link_out_of_the_project_is_refused(root: Path) -> None:
    (root / "sources/api.yaml").symlink_to(root.parent / "outside/secret.json")
    mistake = only(mistakes(root))
    assert (mistake.code, mistake.file) == (codes.BAD_PATH, "sources/api.yaml")


@pytest.mark.parametrize(
    "path", ["/var/data/w.duckdb", "data/w.duckdb", "md:warehouse", "s3://bucket/w.duckdb"]
)
def test_places_of_data_may_be_anywhere_when_absolute(root: Path, path: str) -> None:
    write(root, (HEAD + TAIL).replace("type: duckdb", f'type: duckdb, path: "{path}"'))
    from pipeline_cli.manifest.reader import read_manifest

    assert read_manifest(root, {}).manifest.destinations["duck"].path == path


@pytest.mark.parametrize("path", ["../w.duckdb", "a/../../w.duckdb"])
def test_places_of_data_do_not_leave_the_project_by_a_relative_path(root: Path, path: str) -> None:
    write(root, (HEAD + TAIL).replace("type: duckdb", f"type: duckdb, path: {path}"))
    assert only(mistakes_of(root)).code == codes.BAD_PATH
