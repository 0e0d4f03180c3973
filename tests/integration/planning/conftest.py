"""A folder with a destination called `warehouse`, in DuckDB or Postgres."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.destinations import open_warehouse
from pipeline_cli.manifest.reader import read_manifest
from pipeline_cli.project import Project
from pipeline_cli.testing import CliResult
from tests.warm import run_cli

PAIRS = Path(__file__).parent / "pairs"
DESTINATIONS = {
    "duckdb": "type: duckdb\n",
    "postgres": 'type: postgres\ncredentials: "${env:POSTGRES_URL}"\n',
}


@dataclass
class World:
    """A project's folder, and the variables that it wants."""

    root: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def take(self, folder: Path) -> None:
        """Copy the files of a pair's side into the project; `x.gone` takes x away."""
        shutil.copytree(folder, self.root, dirs_exist_ok=True)
        for gone in self.root.rglob("*.gone"):
            gone.with_suffix("").unlink()
            gone.unlink()

    def change(self, path: str, before: str, after: str) -> None:
        text = (self.root / path).read_text(encoding="utf-8")
        assert before in text
        (self.root / path).write_text(text.replace(before, after), encoding="utf-8")

    def run(self, *arguments: str) -> CliResult:
        return run_cli(arguments, cwd=self.root, env=self.variables)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        reading = read_manifest(self.root, dict(self.variables), None)
        warehouse = open_warehouse(Project(self.root, reading.manifest, reading.environment))
        try:
            with closing(warehouse.connect()) as connection:
                return connection.query(sql)
        finally:
            warehouse.release()


@pytest.fixture(params=["duckdb", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    variables = (
        {"POSTGRES_URL": request.getfixturevalue("postgres_url")} if request.param == "postgres" else {}
    )
    place = tmp_path / "destinations" / "warehouse.yaml"
    place.parent.mkdir()
    place.write_text(DESTINATIONS[request.param])
    return World(tmp_path, variables)
