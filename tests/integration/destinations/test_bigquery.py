"""BigQuery warehouses, on a server that stands in for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.destinations.bigquery import BigQueryDestination, BigQueryWarehouse
from pipeline_cli.destinations.bigquery_key import read_key
from pipeline_cli.destinations.bigquery_sql import to_bigquery
from pipeline_cli.errors import LoadError
from pipeline_cli.testing import CliResult, make_project, run_cli
from tests.servers.bigquery import BigQueryServer, run_bigquery, service_key
from tests.servers.json_api import JsonApi, sample_rows

MANIFEST = """\
version: 1
name: shop
default_environment: bq
environments:
  bq: {destination: bigquery}
destinations:
  bigquery: {type: bigquery, project: test, credentials: "${env:BIGQUERY_KEY}", location: EU}
  lake: {type: filesystem, bucket_url: lake}
sources:
  fakestore:
    type: rest_api
    client: {base_url: "${env:FAKESTORE_URL}"}
    resources:
      products:
        primary_key: id
        write_disposition: merge
        contract: sources/products.schema.json
        on_violation: quarantine
  crm: {type: filesystem, bucket_url: sources/crm, resources: {contacts: {}}}
  kept: {type: python, path: sources/kept.py, lake: lake}
transforms:
  shop: {engine: sqlmesh, path: transforms/shop}
  mart: {engine: dbt, path: transforms/mart}
reports:
  sales: {title: Sales, blocks: {all: {type: table, sql: SELECT 1 AS one}}}
pipelines:
  load: {sources: [fakestore]}
  build: {transforms: [mart]}
  other:
    sources: [fakestore, crm, kept]
    transforms: [mart, shop]
    reports: [sales]
"""
FILES = {
    "sources/crm/contacts.csv": "id\n1\n",
    "sources/kept.py": "import dlt\n",
    "transforms/shop/config.yaml": "",
    "transforms/mart/dbt_project.yml": "name: mart\nprofile: mart\n",
    "sources/products.schema.json": json.dumps({"properties": {"price": {"type": "number"}}}),
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BigQueryServer]:
    with run_bigquery() as server:
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.url)
        yield server
        assert server.faults == []


def open_bigquery(key: str) -> BigQueryWarehouse:
    entry = BigQueryDestination("bigquery", "test", "the key", "EU")
    return BigQueryWarehouse("bigquery", entry, read_key(key, Path("/")))


@pytest.fixture
def warehouse(server: BigQueryServer) -> BigQueryWarehouse:
    return open_bigquery(service_key(server.url))


def run_in_bigquery(root: Path, server: BigQueryServer, url: str, *arguments: str) -> CliResult:
    variables = {"BIGQUERY_KEY": service_key(server.url), "BIGQUERY_EMULATOR_HOST": server.url}
    return run_cli([*arguments, "--json"], cwd=root, env={**variables, "FAKESTORE_URL": url})


def test_our_statements_are_spelt_in_its_dialect() -> None:
    statement = 'DELETE FROM "bronze_a"."t" WHERE "_dlt_load_id" IN (?, ?) AND CAST("n" AS varchar) = ?'

    spelt = to_bigquery(statement, ["it's", "a\\b", 7])

    assert spelt == (
        "DELETE FROM `bronze_a`.`t` WHERE `_dlt_load_id` IN ('it\\'s', 'a\\\\b') AND CAST(`n` AS STRING) = 7"
    )


def test_values_go_there_and_back(warehouse: BigQueryWarehouse) -> None:
    warehouse.check()
    connection = warehouse.connect()
    connection.execute('CREATE SCHEMA IF NOT EXISTS "d"')
    connection.execute(
        'CREATE TABLE "d"."t" ("a" text, "b" timestamp with time zone, "c" double precision, "d" boolean)'
    )
    row = "(CAST(? AS text), CAST(? AS timestamp with time zone), CAST(? AS double precision), CAST(? AS boolean))"
    connection.execute(f'INSERT INTO "d"."t" VALUES {row}', ["'\\ü?", "2026-01-31T23:00:00Z", 0.5, True])

    ((text, moment, number, flag),) = connection.query('SELECT * FROM "d"."t" WHERE "a" = ?', ["'\\ü?"])

    assert (text, moment.isoformat(), number, flag) == ("'\\ü?", "2026-01-31T23:00:00+00:00", 0.5, True)
    assert list(warehouse.relations(["d", "nowhere"])) == [("d", "t")]


def test_a_transaction_is_one_script_and_undone_when_it_fails(
    server: BigQueryServer, warehouse: BigQueryWarehouse
) -> None:
    connection = warehouse.connect()
    connection.execute('CREATE SCHEMA "d"')
    connection.execute('CREATE TABLE "d"."t" ("a" bigint)')
    with connection.transaction():
        connection.execute('INSERT INTO "d"."t" VALUES (1)')
        connection.execute('INSERT INTO "d"."t" VALUES (2)')
    with pytest.raises(LoadError), connection.transaction():
        connection.execute('DELETE FROM "d"."t"')
        connection.execute('INSERT INTO "d"."nothing" VALUES (3)')
    with pytest.raises(ZeroDivisionError), connection.transaction():
        connection.execute('DELETE FROM "d"."t"')
        raise ZeroDivisionError

    assert connection.query('SELECT count(*) FROM "d"."t"') == [(2,)]
    assert [each for each in server.statements if "DELETE" in each and "BEGIN" not in each] == []


def test_reports_are_refused_in_words(warehouse: BigQueryWarehouse) -> None:
    connection = warehouse.connect()
    with pytest.raises(LoadError, match="reports are not written from BigQuery yet"):
        connection.snapshot()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda key: "no json", "cannot be read"),
        (lambda key: "{", "is not JSON"),
        (lambda key: "{}", "is not that of a service account"),
        (lambda key: key.replace('"private_key": ', '"another": '), "lacks private_key"),
        (lambda key: key.replace("BEGIN PRIVATE", "BEGIN OTHER"), "is not usable"),
    ],
)
def test_a_key_that_is_none_is_told_without_its_content(
    server: BigQueryServer, change: Any, message: str
) -> None:
    with pytest.raises(LoadError, match=message) as caught:
        open_bigquery(change(service_key(server.url))).check()

    assert caught.value.code == "E322"
    assert "MII" not in str(caught.value) + str(caught.value.hint)


def test_the_key_may_be_a_file(server: BigQueryServer, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(service_key(server.url), encoding="utf-8")

    assert read_key("key.json", tmp_path).info["client_email"] == "pipeline@test.iam.gserviceaccount.com"


def test_a_server_that_does_not_answer_is_told_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:1")
    with pytest.raises(LoadError, match="BigQuery cannot be reached") as caught:
        open_bigquery(service_key("http://127.0.0.1:1")).check()

    assert caught.value.code == "E321"


def test_records_are_loaded_merged_and_quarantined_and_the_run_is_published(
    server: BigQueryServer, tmp_path: Path
) -> None:
    root = make_project(tmp_path / "shop", MANIFEST, FILES)
    with JsonApi(sample_rows("fakestore")) as api:
        products = api.data["/products"]
        products[0]["price"] = "free"
        first = run_in_bigquery(root, server, api.url, "run", "load")
        assert first.exit_code == 0, first.stdout + first.stderr
        products[1]["title"] = "Changed"
        second = run_in_bigquery(root, server, api.url, "run", "load")

    def loaded(result: CliResult) -> tuple[int, int, int]:
        assert result.document is not None, result.stderr
        (step,) = result.document["pipelines"][0]["steps"]
        (found,) = [each for each in step["resources"] if each["name"] == "products"]
        return found["loaded"], found["deduplicated"], found["quarantined"]

    count = len(products)
    assert loaded(first) == (count - 1, 0, 1)
    assert loaded(second) == (1, count - 2, 1)
    titles = server.database.execute("SELECT title FROM bronze_fakestore.products").fetchall()
    assert len(titles) == count - 1
    assert ("Changed",) in titles
    assert server.database.execute("SELECT count(*) FROM bronze_fakestore._quarantine").fetchall() == [(1,)]
    assert server.database.execute("SELECT count(*) FROM pipeline_runs.runs").fetchall() == [(2,)]


@pytest.mark.thorough
def test_a_load_that_fails_shows_nothing_and_the_next_one_loads_it_all(
    server: BigQueryServer, tmp_path: Path
) -> None:
    root = make_project(tmp_path / "shop", MANIFEST, FILES)
    with JsonApi(sample_rows("fakestore")) as api:
        server.refuses_loads_of = "products__tags"
        for product in api.data["/products"]:
            product["tags"] = ["new"]
        failed = run_in_bigquery(root, server, api.url, "run", "load")
        assert failed.exit_code == 1, failed.stdout + failed.stderr
        assert server.database.execute("SELECT count(*) FROM bronze_fakestore.products").fetchall() == [(0,)]
        server.refuses_loads_of = ""
        second = run_in_bigquery(root, server, api.url, "run", "load")
        count = len(api.data["/products"])

    assert second.exit_code == 0, second.stdout + second.stderr
    for table in ("products", "products__tags"):
        assert server.database.execute(f"SELECT count(*) FROM bronze_fakestore.{table}").fetchall() == [
            (count,)
        ]


def test_what_is_not_done_in_bigquery_yet_is_refused_at_its_place(
    server: BigQueryServer, tmp_path: Path
) -> None:
    root = make_project(tmp_path / "shop", MANIFEST, FILES)

    refused = run_in_bigquery(root, server, "http://127.0.0.1:1", "run", "other")

    assert refused.exit_code == 2
    assert refused.document is not None
    lines = (root / "pipelines.yaml").read_text().splitlines()
    told = [
        (
            error["code"],
            lines[error["line"] - 1][error["column"] - 1 :].split("]")[0].split(",")[0],
            error["message"],
        )
        for error in refused.document["errors"]
    ]
    assert told == [
        (
            "E129",
            "crm",
            "crm is of type filesystem; BigQuery is loaded from rest_api and python sources yet.",
        ),
        ("E129", "kept", "kept keeps its loads in the lake lake, which is not done from BigQuery yet."),
        ("E129", "shop", "shop is a SQLMesh project; in BigQuery only dbt projects are built yet."),
        ("E129", "sales", "the report sales cannot be written from BigQuery yet."),
    ]
    assert server.statements == []


def test_without_dbts_adapter_the_command_that_installs_it_is_told(
    server: BigQueryServer, tmp_path: Path
) -> None:
    root = make_project(tmp_path / "shop", MANIFEST, FILES)

    failed = run_in_bigquery(root, server, "http://127.0.0.1:1", "run", "build")

    assert failed.exit_code == 1
    assert failed.document is not None
    (error,) = failed.document["errors"]
    assert (error["code"], error["hint"]) == ("E324", "pip install 'pipeline-cli[bigquery]'")
    doctor = run_in_bigquery(root, server, "http://127.0.0.1:1", "doctor")
    assert "[bigquery] is needed in 'bq'" in doctor.stdout
