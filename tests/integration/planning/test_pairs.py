"""Each pair of projects has the plan that its folder says, on both warehouses; and a plan changes nothing."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline_cli.destinations.base import quote
from tests.integration.planning.conftest import PAIRS, World

NAMES = sorted(path.name for path in PAIRS.iterdir() if path.is_dir())


def fingerprint(world: World) -> dict[str, str]:
    """Of every table of the warehouse and every file of the user's."""
    tables = world.query(
        "SELECT table_schema, table_name FROM information_schema.tables"
        " WHERE table_schema NOT IN ('information_schema', 'pg_catalog')"
    )
    found: dict[str, str] = {}
    for table in tables:
        rows = sorted(map(repr, world.query(f"SELECT * FROM {quote(*table)}")))
        found[".".join(table)] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    for path in sorted(world.root.rglob("*")):
        if path.is_file() and ".pipeline" not in path.parts:
            found[str(path.relative_to(world.root))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def imported_by_a_plan(world: World) -> list[str]:
    """Which of the heavy libraries a plan imports that reads no source, in a process of its own."""
    code = (
        "import sys; from pipeline_cli.cli.app import run_command; from pipeline_cli.cli.settings import Settings;"
        " assert run_command(['plan', '--no-probe', '--quiet'], Settings()) == 0;"
        " print([name for name in ('sqlmesh', 'dbt', 'dlt') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=world.root,
        env={**os.environ, **world.variables},
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stderr.strip().splitlines()[-1].replace("'", '"'))
    return found


def compare(path: Path, text: str) -> None:
    """Hold a text against a pair's file, or write it where UPDATE_PLANS is set."""
    if os.environ.get("UPDATE_PLANS"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("name", NAMES)
def test_the_plan_between_two_projects(name: str, world: World) -> None:
    world.take(PAIRS / name / "before")
    ran = world.run("run")
    assert ran.exit_code == 0, ran.stdout + ran.stderr
    settled = world.run("plan", "--detailed-exitcode")
    assert (settled.exit_code, "Nothing changes" in settled.stdout) == (0, True), settled.stdout
    assert imported_by_a_plan(world) == []
    world.take(PAIRS / name / "after")
    before = fingerprint(world)
    text = world.run("plan", "--detailed-exitcode")
    document = world.run("plan", "--json").document
    assert fingerprint(world) == before
    assert (text.exit_code in (0, 10), document is not None) == (True, True), text.stderr
    assert document is not None
    assert max(map(len, text.stdout.splitlines())) <= 80
    told = [
        {key: value for key, value in each.items() if value not in ("", None, [], 0, False)}
        for each in document["changes"]
    ]
    compare(PAIRS / name / "expected.txt", re.sub(r"run \d{8}T\d{6}-\w+", "run RUN", text.stdout))
    compare(PAIRS / name / "expected.json", json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    assert text.exit_code == (10 if document["summary"]["changes"] else 0)
