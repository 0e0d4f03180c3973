"""The wheel: what is in it, and that it works in an empty folder of an empty environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from pipeline_cli.scaffold import scaffold_files

ROOT = Path(__file__).parents[3]
CANARY = "canary-7f3a91"
SUSPICIOUS = re.compile(
    r"(^|/)(\.env|\.pipeline|__pycache__|target|logs|dbt_packages|\.user\.yml|\.cache)(/|$)|\.(duckdb|db|wal|pyc)$"
)


def run(command: list[str | Path], folder: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """The command's stdout; a failure shows all that it said.

    pip asks `rustc` for its version, which may be rustup's and write in HOME: so HOME is a new folder by default.
    """
    with TemporaryDirectory(prefix="pipeline-cli-home-") as home:
        finished = subprocess.run(
            [str(word) for word in command],
            cwd=folder,
            env=env or {**os.environ, "HOME": home},
            capture_output=True,
            text=True,
            check=False,
        )
    assert finished.returncode == 0, f"{command}\n{finished.stdout}\n{finished.stderr}"
    return finished.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our wheel, built offline while a secret, a database and a cache lie about."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    copy_checkout(source)
    for name in (
        ".env",
        "sources/.env",
        "sources/shop.duckdb",
        "transforms/crm/target/x.json",
        "plugins/a.pyc",
    ):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(f"SECRET={CANARY}")
    offline = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        ".",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
    ]
    run([*offline, "--no-cache-dir", "--wheel-dir", folder], source)
    (found,) = folder.glob("*.whl")
    return found


def copy_checkout(target: Path) -> None:
    """What git would give: the tracked files and the new ones that it does not ignore."""
    target.mkdir(parents=True)
    listed = run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"])
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes((ROOT / name).read_bytes())


@dataclass(frozen=True, slots=True)
class Installation:
    """A virtual environment with the wheel, beside the libraries of the one that runs the tests."""

    command: Path
    env: dict[str, str]
    home: Path


@pytest.fixture(scope="module")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    run(
        [
            sys.executable,
            "-m",
            "pip",
            "--python",
            python,
            "install",
            "--quiet",
            "--no-index",
            "--no-deps",
            wheel,
        ]
    )
    site_packages = Path(
        run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
    )
    # The libraries alone: .pth files of that folder, and so the editable package, are not read.
    (site_packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    home = folder / "home"
    home.mkdir()
    env = {"PATH": os.defpath, "HOME": str(home), "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return Installation(python.with_name("pipeline-cli"), env, home)


def test_the_wheel_holds_the_package_and_the_reference_project(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {f"pipeline_cli/scaffold/{file}" for file in scaffold_files(ROOT)}
    package = ROOT / "src" / "pipeline_cli"
    expected |= {f"pipeline_cli/{file.relative_to(package)}" for file in package.rglob("*.py")}
    expected |= {f"pipeline_cli/{file.relative_to(package)}" for file in package.glob("*/templates/**/*.*")}
    info = {name for name in names if ".dist-info/" in name}
    assert names - info == expected | {"pipeline_cli/py.typed"}


def test_the_wheel_has_no_top_level_but_the_package(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"pipeline_cli"}


def test_the_wheel_holds_no_secret_no_database_no_cache(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert [name for name in archive.namelist() if SUSPICIOUS.search(name)] == []
        assert not any(CANARY.encode() in archive.read(name) for name in archive.namelist())


def test_the_metadata_names_pythons_and_extras(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("METADATA")]
        metadata = archive.read(name).decode()
    assert "Requires-Python: <3.14,>=3.11" in metadata
    for version in ("3.11", "3.12", "3.13"):
        assert f"Classifier: Programming Language :: Python :: {version}" in metadata
    assert {"postgres", "dashboard", "dev"} <= set(re.findall(r"Provides-Extra: (\w+)", metadata))


def test_the_source_distribution_builds_the_same_and_holds_no_secret(tmp_path: Path) -> None:
    copy_checkout(tmp_path / "source")
    (tmp_path / "source" / ".env").write_text(f"SECRET={CANARY}")
    run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path], tmp_path / "source")
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert {str(file) for file in scaffold_files(ROOT)} <= names
    assert {
        "pyproject.toml",
        "README.md",
        "Makefile",
        "constraints.txt",
        "src/pipeline_cli/cli/app.py",
    } <= names
    assert [name for name in names if SUSPICIOUS.search(name)] == []


def test_init_and_run_work_in_an_empty_folder_of_an_empty_environment(
    installation: Installation, tmp_path: Path
) -> None:
    run([installation.command, "init", "shop"], tmp_path, installation.env)
    shop = tmp_path / "shop"
    first = run([installation.command, "run"], shop, installation.env)
    assert "'dev': succeeded" in first
    # One of each engine; that all stay as they are is shown in tests/project/test_systems.py.
    again = run([installation.command, "run", "fakestore", "crm"], shop, installation.env)
    assert "Nothing new" in again
    assert list(installation.home.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["shop"]


def test_constraints_name_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.\-]+==[A-Za-z0-9_.+!]+", line)] == []
    names = [re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() for line in lines]
    assert "pipeline-cli" not in names
    assert len(names) == len(set(names))
    declared = re.findall(
        r'^  "([A-Za-z0-9_.\-]+)(?:\[\w+\])?>=', (ROOT / "pyproject.toml").read_text(), re.MULTILINE
    )
    assert len(declared) > 20
    assert {re.sub(r"[-_.]+", "-", name).lower() for name in declared} <= set(names)
