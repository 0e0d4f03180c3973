"""What a run of the five systems told a receiver of OpenLineage events over HTTP."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.openlineage_spec import read_event
from tests.project.lineage.expected import ALL
from tests.reference import EVENTS, RUN_DOCUMENT, built_reference

__all__ = ["built_reference"]

Json = dict[str, Any]


@pytest.fixture(scope="module")
def run(built_reference: Path) -> Json:
    document: Json = json.loads((built_reference / RUN_DOCUMENT).read_text(encoding="utf-8"))
    return document


@pytest.fixture(scope="module")
def events(built_reference: Path) -> list[Json]:
    return [json.loads(line) for line in (built_reference / EVENTS).read_bytes().splitlines()]


@pytest.fixture(scope="module")
def ends(events: list[Json]) -> dict[str, Json]:
    """The last event of each job."""
    return {event["job"]["name"]: event for event in events if event["eventType"] != "START"}


@pytest.fixture(scope="module")
def warehouse(built_reference: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    # A copy: another worker's test may hold the file.
    path = tmp_path_factory.mktemp("openlineage") / "warehouse.duckdb"
    shutil.copy(built_reference / ".pipeline/dev/warehouse.duckdb", path)
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def bare(dataset: Mapping[str, Any]) -> str:
    """`gold_crm.dim_customers` of `warehouse.gold_crm.dim_customers`."""
    return str(dataset["name"]).removeprefix("warehouse.")


def test_every_event_is_one_that_openlineage_s_own_client_would_write(events: list[Json], run: Json) -> None:
    assert run["warnings"] == []
    for event in events:
        read_event(event)


def test_each_pipeline_and_each_step_begins_and_ends_once(events: list[Json], run: Json) -> None:
    jobs = [pipeline["name"] for pipeline in run["pipelines"]]
    jobs += [
        f"{pipeline['name']}.{step['name']}" for pipeline in run["pipelines"] for step in pipeline["steps"]
    ]
    told = [(event["job"]["name"], event["eventType"]) for event in events]
    assert sorted(told) == sorted((job, kind) for job in jobs for kind in ("START", "COMPLETE"))
    assert {event["job"]["namespace"] for event in events} == {"shop/dev"}
    ids = {event["job"]["name"]: event["run"]["runId"] for event in events}
    assert len(set(ids.values())) == len(jobs)
    for event in events:
        pipeline, _, step = event["job"]["name"].partition(".")
        assert event["run"]["runId"] == ids[event["job"]["name"]]
        tags = {tag["key"]: tag["value"] for tag in event["run"]["facets"]["tags"]["tags"]}
        assert tags == {"run_id": run["run_id"], "environment": "dev"}
        parent = event["run"]["facets"].get("parent")
        assert (parent is not None) == bool(step)
        if parent:
            assert parent["run"]["runId"] == ids[pipeline]
            assert parent["job"] == {"namespace": "shop/dev", "name": pipeline}


@pytest.mark.parametrize("transform", ALL)
def test_column_lineage_is_what_people_read_off_the_sql(
    ends: dict[str, Json], transform: str, built_reference: Path
) -> None:
    (event,) = [each for name, each in ends.items() if name.endswith(f".transform:{transform}")]
    outputs = {bare(each): each for each in event["outputs"]}
    assert set(outputs) == set(ALL[transform])
    for table, told in ALL[transform].items():
        facets = outputs[table]["facets"]
        columns = [field["name"] for field in facets["schema"]["fields"]]
        lineage = facets.get("columnLineage", {"fields": {}})["fields"]
        found = {
            column: {
                f"{bare(each).rpartition('.')[2]}.{each['field']}"
                for each in lineage.get(column, {"inputFields": []})["inputFields"]
            }
            for column in columns
        }
        parents = told.get("*", "").split()
        expected = {
            # A column that counts rows is made of no field.
            name: {one for one in told[name].split() if not one.endswith(".*")}
            if name in told
            else {f"{parent}.{name}" for parent in parents}
            for name in columns
        }
        assert found == expected, table


def test_one_column_of_the_crm_literally(ends: dict[str, Json], built_reference: Path) -> None:
    namespace = f"duckdb://{built_reference.resolve()}/.pipeline/dev/warehouse.duckdb"
    event = ends["crm.transform:crm"]
    (sales,) = [each for each in event["outputs"] if bare(each) == "gold_crm.fact_regional_sales"]
    assert (sales["namespace"], sales["name"]) == (namespace, "warehouse.gold_crm.fact_regional_sales")
    schema = {field["name"]: field["type"] for field in sales["facets"]["schema"]["fields"]}
    assert schema["region"] == "VARCHAR"
    assert sales["facets"]["columnLineage"]["fields"]["region"] == {
        "inputFields": [
            {"namespace": namespace, "name": "warehouse.gold_crm.dim_customers", "field": "region"}
        ]
    }
    loaded = ends["crm.ingest:crm"]
    (customers,) = [each for each in loaded["outputs"] if bare(each) == "bronze_crm.customers"]
    assert customers["facets"]["columnLineage"]["fields"]["region"] == {
        "inputFields": [{"namespace": "https://crm.example.com", "name": "api/customers", "field": "region"}]
    }
    assert {(each["namespace"], each["name"]) for each in loaded["inputs"]} == {
        ("https://crm.example.com", f"api/{name}") for name in ("customers", "purchases", "products")
    }
    assert "-- gold_crm.fact_regional_sales\n" in event["job"]["facets"]["sql"]["query"]


def test_rows_are_those_that_are_there_and_files_those_that_were_written(
    ends: dict[str, Json], warehouse: Any, run: Json
) -> None:
    files = {
        report["name"]: report["files"]
        for pipeline in run["pipelines"]
        for step in pipeline["steps"]
        for report in step.get("reports", [])
    }
    seen = 0
    for name, event in ends.items():
        for dataset in event["outputs"]:
            statistics = dataset.get("outputFacets", {}).get("outputStatistics", {})
            if "rowCount" in statistics:
                (rows,) = warehouse.execute(f"SELECT count(*) FROM {bare(dataset)}").fetchone()
                assert statistics["rowCount"] == rows, dataset["name"]
                seen += 1
            if "fileCount" in statistics:
                page = Path(dataset["name"])
                assert dataset["namespace"] == "file" and page.is_file()
                assert statistics["fileCount"] == len(files.pop(name.partition(":")[2]))
    assert not files
    assert seen > 40


def test_what_a_step_reads_is_what_other_steps_wrote(ends: dict[str, Json]) -> None:
    written = {(one["namespace"], one["name"]) for event in ends.values() for one in event["outputs"]}
    for name, event in ends.items():
        if ".ingest:" not in name and "." in name:
            assert event["inputs"], name
            assert {(one["namespace"], one["name"]) for one in event["inputs"]} <= written, name
