"""Each pair of projects has the plan that its folder says, on both warehouses; and a plan changes nothing."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline_cli.destinations import open_warehouse
from pipeline_cli.destinations.base import quote
from pipeline_cli.manifest.reader import read_manifest
from pipeline_cli.project import Project
from tests.warm import run_cli

PAIRS = Path(__file__).parent / "pairs"
NAMES = sorted(path.name for path in PAIRS.iterdir() if path.is_dir())
DESTINATIONS = {
    "duckdb": "type: duckdb\n",
    "postgres": 'type: postgres\ncredentials: "${env:POSTGRES_URL}"\n',
}


@pytest.fixture(params=["duckdb", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with a destination, and the variables that it wants."""
    variables = (
        {"POSTGRES_URL": request.getfixturevalue("postgres_url")} if request.param == "postgres" else {}
    )
    place = tmp_path / "destinations" / "warehouse.yaml"
    place.parent.mkdir()
    place.write_text(DESTINATIONS[request.param])
    yield tmp_path, variables


def take(folder: Path, project: Path) -> None:
    """Copy the files of a side into the project; `x.gone` takes x away."""
    shutil.copytree(folder, project, dirs_exist_ok=True)
    for gone in project.rglob("*.gone"):
        gone.with_suffix("").unlink()
        gone.unlink()


def fingerprint(root: Path, variables: dict[str, str]) -> dict[str, str]:
    """Of every table of the warehouse and every file of the user's."""
    reading = read_manifest(root, {**os.environ, **variables}, None)
    warehouse = open_warehouse(Project(root, reading.manifest, reading.environment))
    found: dict[str, str] = {}
    with closing(warehouse.connect()) as connection:
        tables = connection.query(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_schema NOT IN ('information_schema', 'pg_catalog')"
        )
        for schema, name in tables:
            rows = sorted(map(repr, connection.query(f"SELECT * FROM {quote(schema, name)}")))
            found[f"{schema}.{name}"] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    warehouse.release()
    for path in sorted(root.rglob("*")):
        if path.is_file() and ".pipeline" not in path.parts:
            found[str(path.relative_to(root))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_plan_between_two_projects(
    name: str, world: tuple[Path, dict[str, str]], record: Callable[[Path, str], None]
) -> None:
    root, variables = world
    take(PAIRS / name / "before", root)
    ran = run_cli(["run"], cwd=root, env=variables)
    assert ran.exit_code == 0, ran.stdout + ran.stderr
    settled = run_cli(["plan", "--detailed-exitcode"], cwd=root, env=variables)
    assert (settled.exit_code, "Nothing changes" in settled.stdout) == (0, True), settled.stdout
    take(PAIRS / name / "after", root)
    before = fingerprint(root, variables)
    text = run_cli(["plan", "--detailed-exitcode"], cwd=root, env=variables)
    document = run_cli(["plan", "--json"], cwd=root, env=variables).document
    assert fingerprint(root, variables) == before
    assert document is not None, text.stderr
    assert max(map(len, text.stdout.splitlines())) <= 80
    changes = [
        {key: value for key, value in each.items() if value not in ("", None, [], 0, False)}
        for each in document["changes"]
    ]
    record(PAIRS / name / "expected.txt", re.sub(r"run \d{8}T\d{6}-\w+", "run RUN", text.stdout))
    record(PAIRS / name / "expected.json", json.dumps(changes, indent=1, ensure_ascii=False) + "\n")
    assert text.exit_code == (10 if document["summary"]["changes"] else 0)


@pytest.fixture
def record() -> Callable[[Path, str], None]:
    """Compares a text with a pair's file, or writes it where UPDATE_PLANS is set."""

    def compare(path: Path, text: str) -> None:
        if os.environ.get("UPDATE_PLANS"):
            path.write_text(text)
        assert text == path.read_text()

    return compare
