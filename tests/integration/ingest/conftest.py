"""Worlds on DuckDB and on Postgres."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline_cli.destinations.duckdb import DuckDBDestination
from pipeline_cli.destinations.postgres import PostgresDestination
from tests.integration.ingest.world import World
from tests.servers.json_api import JsonApi


@pytest.fixture
def api() -> Iterator[JsonApi]:
    with JsonApi({"/items": []}) as api:
        yield api


@pytest.fixture(params=["duckdb", "postgres"])
def world(
    request: pytest.FixtureRequest, tmp_path: Path, api: JsonApi, postgres_database: Callable[..., str]
) -> World:
    """A world on each of the warehouses."""
    if request.param == "duckdb":
        return World(tmp_path, api, DuckDBDestination("duckdb"))
    return World(tmp_path, api, PostgresDestination("postgres", postgres_database()))


@pytest.fixture
def duck(tmp_path: Path, api: JsonApi) -> World:
    """A world on DuckDB, for what does not hang on the warehouse."""
    return World(tmp_path, api, DuckDBDestination("duckdb"))
