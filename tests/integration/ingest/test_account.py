"""A load of which the warehouse keeps less than it was given fails, and says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline_cli.destinations.postgres import PostgresDestination
from pipeline_cli.errors import LoadError
from pipeline_cli.manifest.sources import Incremental, RestResource
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
SWALLOW_CHILD = SWALLOW.replace("bronze_shop.items", "bronze_shop.items__tags").replace(
    "NEW.id = 2", "NEW.value = 'c'"
)
# After the server has counted it.
REMOVE = """
CREATE OR REPLACE FUNCTION remove() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN DELETE FROM bronze_shop.items WHERE id = 2; RETURN NULL; END $$;
CREATE TRIGGER remove AFTER INSERT ON bronze_shop.items FOR EACH STATEMENT EXECUTE FUNCTION remove()
"""


@pytest.fixture
def destination(postgres_database: Callable[..., str]) -> PostgresDestination:
    return PostgresDestination("postgres", postgres_database())


@pytest.mark.parametrize(
    ("disposition", "trigger", "lost"),
    [
        *((each, SWALLOW, "bronze_shop.items") for each in DISPOSITIONS),
        *((each, SWALLOW_CHILD, "bronze_shop.items__tags") for each in DISPOSITIONS[:2]),
        *(
            pytest.param(each, SWALLOW_CHILD, "bronze_shop.items__tags", marks=pytest.mark.thorough)
            for each in DISPOSITIONS[2:]
        ),
    ],
)
def test_a_row_that_postgres_swallows_keeps_a_load_of_an_api_from_counting(
    tmp_path: Path,
    api: JsonApi,
    destination: PostgresDestination,
    disposition: str,
    trigger: str,
    lost: str,
) -> None:
    world = World(tmp_path, api, destination)
    incremental = Incremental("id", initial_value=0) if disposition == "append" else None
    world.rest(
        items=RestResource(
            primary_key=("id",),
            write_disposition=disposition,  # type: ignore[arg-type]
            incremental=incremental,
        )
    )
    api.data["/items"] = [{"id": 1, "tags": ["a"]}]
    world.ingest()
    loads = world.query("SELECT count(*) FROM bronze_shop._dlt_loads")
    world.execute(trigger)
    api.data["/items"] = [{"id": 1, "tags": ["a"]}, {"id": 2, "tags": ["b", "c"]}, {"id": 3, "tags": []}]
    for _ in range(2):  # the second run reads it again: no cursor has moved
        with pytest.raises(LoadError, match=f"the account does not close: .*{lost}") as failed:
            world.ingest()
        assert failed.value.code == "E321"
        assert world.query("SELECT count(*) FROM bronze_shop._dlt_loads") == loads
    world.execute(f"DROP TRIGGER swallow ON {lost}")
    world.ingest()
    assert world.rows("id") == [(1,), (2,), (3,)]
    assert world.rows("value", "items__tags") == [("a",), ("b",), ("c",)]


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
