"""A load of which the warehouse keeps less than it was given fails, and says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline_cli.destinations.postgres import PostgresDestination
from pipeline_cli.errors import LoadError
from pipeline_cli.manifest.sources import RestResource
from tests.integration.bulk.conftest import FileWorld
from tests.integration.ingest.world import World
from tests.servers.json_api import JsonApi

DISPOSITIONS = ["append", "merge", "replace", "scd2"]
# The warehouse loses a row without a word, as a rule, a trigger or a partition's policy may.
SWALLOW = """
CREATE OR REPLACE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.id = 2 THEN RETURN NULL; END IF; RETURN NEW; END $$;
CREATE TRIGGER swallow BEFORE INSERT ON bronze_shop.items FOR EACH ROW EXECUTE FUNCTION swallow()
"""
# After the server has counted it.
REMOVE = """
CREATE OR REPLACE FUNCTION remove() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN DELETE FROM bronze_shop.items WHERE id = 2; RETURN NULL; END $$;
CREATE TRIGGER remove AFTER INSERT ON bronze_shop.items FOR EACH STATEMENT EXECUTE FUNCTION remove()
"""


@pytest.fixture
def destination(postgres_database: Callable[..., str]) -> PostgresDestination:
    return PostgresDestination("postgres", postgres_database())


@pytest.mark.parametrize("disposition", DISPOSITIONS)
def test_a_row_that_postgres_swallows_fails_the_run_of_an_api(
    tmp_path: Path, api: JsonApi, destination: PostgresDestination, disposition: str
) -> None:
    world = World(tmp_path, api, destination)
    world.rest(items=RestResource(primary_key=("id",), write_disposition=disposition))  # type: ignore[arg-type]
    api.data["/items"] = [{"id": 1, "n": 1}]
    world.ingest()
    world.execute(SWALLOW)
    api.data["/items"] = [{"id": 1, "n": 1}, {"id": 2, "n": 2}, {"id": 3, "n": 3}]
    with pytest.raises(LoadError, match="the account does not close") as failed:
        world.ingest()
    assert failed.value.code == "E321"


@pytest.mark.parametrize(
    ("disposition", "trigger"), [*((each, SWALLOW) for each in DISPOSITIONS), ("append", REMOVE)]
)
def test_a_row_that_postgres_swallows_keeps_a_file_from_loading(
    tmp_path: Path, destination: PostgresDestination, disposition: str, trigger: str
) -> None:
    world = FileWorld(tmp_path, None, destination)  # type: ignore[arg-type]
    world.files(primary_key=("id",), write_disposition=disposition)
    world.write("a.csv", "id,n", "1,1")
    world.ingest()
    world.execute(trigger)
    world.write("b.csv", "id,n", "2,2", "3,3")
    with pytest.raises(LoadError) as failed:
        world.ingest()
    assert failed.value.code == "E321"
    assert world.rows("id") == [(1,)]
