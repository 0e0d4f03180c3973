"""Worlds whose source is an API (`world`, `duck`) or files (`files`), on DuckDB and on Postgres."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline_cli.destinations.duckdb import DuckDBDestination
from pipeline_cli.destinations.postgres import PostgresDestination
from tests.integration.bulk.conftest import FileWorld
from tests.integration.ingest.conftest import api, duck, world

__all__ = ["api", "duck", "world"]


@pytest.fixture(params=["duckdb", "postgres"])
def files(request: pytest.FixtureRequest, tmp_path: Path, postgres_database: Callable[..., str]) -> FileWorld:
    duckdb = request.param == "duckdb"
    destination = (
        DuckDBDestination("duckdb") if duckdb else PostgresDestination("postgres", postgres_database())
    )
    made = FileWorld(tmp_path, None, destination)  # type: ignore[arg-type]
    made.files()
    return made
