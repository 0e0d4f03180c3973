"""Worlds for each path, disposition and warehouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.faults.world import World
from tests.servers.json_api import JsonApi


@pytest.fixture(params=["duckdb", "postgres"])
def destination(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make_world(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, str, str], World]]:
    """(path, disposition, destination) -> an empty world whose API, where it has one, is up."""
    with ExitStack() as stack:

        def make(path: str, disposition: str, destination: str) -> World:
            root = tmp_path / "project"
            entry = "{type: duckdb}"
            if destination != "duckdb":  # "postgres", or the address of one
                url = request.getfixturevalue("postgres_url") if destination == "postgres" else destination
                monkeypatch.setenv("FAULTS_URL", url)
                entry = '{type: postgres, credentials: "${env:FAULTS_URL}"}'
                ask = _asker_of_postgres(url)
            else:
                ask = _asker_of_duckdb(root / ".pipeline" / "dev" / "warehouse.duckdb")
            api = stack.enter_context(JsonApi({}))
            world = World(root, path, disposition, entry, ask, api.url)
            api.data["/items"] = world.answer
            return world

        yield make


def _asker_of_duckdb(file: Path) -> Callable[[str], list[Any]]:
    def ask(sql: str) -> list[Any]:
        import duckdb

        with duckdb.connect(str(file), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    return ask


def _asker_of_postgres(url: str) -> Callable[[str], list[Any]]:
    def ask(sql: str) -> list[Any]:
        import psycopg2

        connection = psycopg2.connect(url)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall())
        finally:
            connection.close()

    return ask
