"""What init copies, and that it overwrites nothing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline_cli.errors import UsageError
from pipeline_cli.scaffold import ENTRIES, IGNORED, copy_scaffold, scaffold_files, scaffold_root

ROOT = Path(__file__).parents[2]


def test_the_scaffold_is_the_reference_project_byte_for_byte(tmp_path: Path) -> None:
    files = copy_scaffold(tmp_path / "shop")
    assert Path("pipelines.yaml") in files
    assert any(file.parts[0] == "transforms" for file in files)
    for file in files:
        if file.name != ".gitignore":
            assert (tmp_path / "shop" / file).read_bytes() == (scaffold_root() / file).read_bytes()


def test_the_scaffold_holds_only_what_a_project_commits(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    shutil.copy(ROOT / "pipelines.yaml", root)
    rubbish = (
        ".env",
        "sources/.env",
        "sources/x.duckdb",
        "sources/__pycache__/a.pyc",
        "transforms/crm/target/manifest.json",
        "transforms/crm/logs/dbt.log",
        "transforms/crm/dbt_packages/x.sql",
        "transforms/crm/.user.yml",
        "transforms/fakestore/.cache/x",
        "transforms/crm/profiles.yml",
        "transforms/fakestore/external_models.yaml",
        ".pipeline/runs.db",
    )
    for name in ("sources/api/a.json", *rubbish):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    assert scaffold_files(root) == [Path("pipelines.yaml"), Path("sources/api/a.json")]


def test_git_ignores_here_what_a_project_ignores() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert set(IGNORED) <= set(ignored)


def test_the_wheel_takes_the_same_entries() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    for entry in ENTRIES:
        assert f'"{entry}" = "pipeline_cli/scaffold/{entry}"' in pyproject


def test_git_sees_every_file_of_the_scaffold(tmp_path: Path) -> None:
    copy_scaffold(tmp_path)
    shutil.copy(ROOT / ".gitignore", tmp_path / ".gitignore")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert {str(file) for file in scaffold_files(ROOT)} <= set(listed.stdout.splitlines())


def test_nothing_is_written_when_anything_would_be_overwritten(tmp_path: Path) -> None:
    (tmp_path / "pipelines.yaml").write_text("mine")
    with pytest.raises(UsageError, match=r"already has pipelines\.yaml"):
        copy_scaffold(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["pipelines.yaml"]
    assert (tmp_path / "pipelines.yaml").read_text() == "mine"


def test_a_dangling_link_in_the_way_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "pipelines.yaml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError):
        copy_scaffold(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_files_that_are_not_in_the_way_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    copy_scaffold(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("x")
    with pytest.raises(UsageError, match="is a file"):
        copy_scaffold(tmp_path / "shop")
