"""Worlds whose source is files, on DuckDB and on Postgres."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.destinations.duckdb import DuckDBDestination
from pipeline_cli.destinations.postgres import PostgresDestination
from pipeline_cli.manifest.files import FileResource, FilesystemSource
from tests.integration.ingest.world import World


class FileWorld(World):
    """A world with one resource, `items`, of the CSV files in `data/`."""

    def files(self, **options: Any) -> None:
        """Declare the resource; options: of FileResource."""
        resource = FileResource(**{"file_glob": "*.csv", **options})
        (self.root / "data").mkdir(exist_ok=True)
        self.source = FilesystemSource("filesystem", "data", {"items": resource})  # type: ignore[assignment]

    def write(self, name: str, *lines: str) -> Path:
        """A file below `data/`."""
        path = self.root / "data" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path


@pytest.fixture(params=["duckdb", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path, postgres_database: Callable[..., str]) -> FileWorld:
    """A world on each of the warehouses."""
    if request.param == "duckdb":
        return _make(tmp_path, DuckDBDestination("duckdb"))
    return _make(tmp_path, PostgresDestination("postgres", postgres_database()))


@pytest.fixture
def duck(tmp_path: Path) -> FileWorld:
    """A world on DuckDB, for what does not hang on the warehouse."""
    return _make(tmp_path, DuckDBDestination("duckdb"))


def _make(folder: Path, destination: DuckDBDestination | PostgresDestination) -> FileWorld:
    world = FileWorld(folder, None, destination)  # type: ignore[arg-type]
    world.files()
    return world
