"""What a run leaves of the manifest's parts, and what a protected environment makes of that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline_cli.deployed.parts import Key, describe_parts
from pipeline_cli.deployed.recording import record_run, require_approved
from pipeline_cli.deployed.store import ANY, Writing, read_deployed, write_deployed
from pipeline_cli.destinations import open_warehouse
from pipeline_cli.destinations.base import Warehouse
from pipeline_cli.document import PipelineResult, RunResult, Status, StepResult, utc_now
from pipeline_cli.errors import EXIT_CHANGES, Unplanned
from pipeline_cli.manifest.reader import read_manifest
from pipeline_cli.project import Project
from pipeline_cli.testing import make_project

MANIFEST = """
version: 1
name: shop
default_environment: prod
environments: {{prod: {{destination: warehouse, protected: true}}}}
destinations: {{warehouse: {{type: duckdb}}}}
sources:
  one: {{type: rest_api, client: {{base_url: "https://a.example"{client}}}, resources: {{a: {{primary_key: {key}}}}}}}
  two: {{type: python, path: sources/two.py}}
pipelines:
  first: {{sources: [one]}}
  second: {{sources: [two]}}
"""
ONE, TWO = Key("source", "one"), Key("source", "two")


class Place:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.write()
        self.warehouse: Warehouse = open_warehouse(self.project())

    def write(self, key: str = "id", client: str = "", two: str = "x = 1") -> None:
        make_project(self.root, MANIFEST.format(key=key, client=client), {"sources/two.py": two})

    def project(self) -> Project:
        reading = read_manifest(self.root, {"TOKEN": "s3cret-value"}, None)
        return Project(self.root, reading.manifest, reading.environment, frozenset(reading.secrets))

    def run(self, *pipelines: str, status: Status = "succeeded") -> None:
        project, parts = self.project(), describe_parts(self.project(), pipelines)
        steps = {
            name: [
                StepResult(f"ingest:{each}", "ingest", status)
                for each in project.manifest.pipelines[name].sources
            ]
            for name in pipelines
        }
        results = [PipelineResult(name, status, steps[name]) for name in pipelines]
        record_run(project, self.warehouse, parts, RunResult("run", "prod", status, utc_now(), 1.0, results))

    def require(self, *pipelines: str) -> None:
        require_approved(self.project(), self.warehouse, describe_parts(self.project(), pipelines))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.warehouse.release()


def test_nothing_is_refused_before_the_first_run_and_what_it_left_out_may_still_run_once(
    place: Place,
) -> None:
    place.require("first", "second")
    place.run("first")
    deployed = read_deployed(place.warehouse, "prod")
    assert ONE in deployed.parts
    assert deployed.approved[TWO].fingerprint == ANY
    place.write(two="x = 2")
    place.require("first", "second")
    place.run("second")
    place.write(two="x = 3")
    with pytest.raises(Unplanned, match="source two"):
        place.require("second")
    place.require("first")


def test_a_failed_step_deploys_nothing(place: Place) -> None:
    place.run("first", status="failed")
    assert not read_deployed(place.warehouse, "prod").is_known


def test_a_change_is_refused_with_exit_code_10_until_a_plan_is_applied(place: Place) -> None:
    place.run("first", "second")
    place.write(key="other")
    with pytest.raises(Unplanned, match="source one") as refused:
        place.require("first")
    assert refused.value.exit_code == EXIT_CHANGES
    parts = describe_parts(place.project(), ["first"])
    write_deployed(place.warehouse, Writing("prod", "plan 1", approved=list(parts.values())))
    place.require("first")
    place.run("first")
    assert not read_deployed(place.warehouse, "prod").approved
    place.write()  # back to what it was is a change, too
    with pytest.raises(Unplanned):
        place.require("first")


def test_a_whole_run_forgets_what_the_manifest_has_no_more(place: Place) -> None:
    place.run("first", "second")
    text = (place.root / "pipelines.yaml").read_text()
    (place.root / "pipelines.yaml").write_text(text.replace("  second: {sources: [two]}\n", ""))
    place.run("first")
    assert set(read_deployed(place.warehouse, "prod").parts) == {ONE, Key("pipeline", "first")}


def test_no_secret_is_kept_and_another_secret_is_no_change(place: Place) -> None:
    place.write(client=', auth: {type: bearer, token: "${env:TOKEN}"}')
    place.run("first", "second")
    with_token = describe_parts(place.project())[ONE]
    kept = read_deployed(place.warehouse, "prod").parts[ONE]
    assert kept.fingerprint == with_token.fingerprint
    assert "s3cret-value" not in str(kept.content)
    assert "***" in str(kept.content)
