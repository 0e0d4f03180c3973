"""Variables and schedules of an environment, in the place of those that hold elsewhere."""

from __future__ import annotations

from pathlib import Path

from pipeline_cli.manifest.reader import read_manifest
from pipeline_cli.manifest.schedules import Schedule, as_schedule
from tests.unit.manifest.helpers import mistakes_of, write

TWO = """version: 1
name: shop
default_environment: dev
environments:
  dev: {{destination: duckdb, variables: {{days: 7, more: [1]}}, schedules: {schedules}}}
  prod: {{destination: duckdb}}
destinations:
  duckdb: {{type: duckdb, path: w.duckdb}}
transforms:
  marts: {{engine: dbt, path: marts, variables: {{days: 90, unit: EUR}}}}
pipelines:
  shop: {{transforms: [marts], schedule: "@daily"}}
  late: {{transforms: [marts], schedule: "@hourly"}}
"""


def project(
    root: Path, schedules: str = "{shop: null, late: {cron: 0 6 * * *, timezone: Europe/Berlin}}"
) -> Path:
    (root / "marts").mkdir()
    write(root, TWO.format(schedules=schedules))
    return root


def test_each_environment_has_its_own(tmp_path: Path) -> None:
    project(tmp_path)
    dev = read_manifest(tmp_path, {}, "dev").manifest
    assert dev.transforms["marts"].variables == {"days": 7, "unit": "EUR", "more": [1]}
    assert [as_schedule(each.schedule) for each in dev.pipelines.values()] == [
        None,
        Schedule(cron="0 6 * * *", timezone="Europe/Berlin"),
    ]
    prod = read_manifest(tmp_path, {}, "prod").manifest
    assert prod.transforms["marts"].variables == {"days": 90, "unit": "EUR"}
    assert [each.schedule for each in prod.pipelines.values()] == ["@daily", "@hourly"]


def test_mistakes_in_them_are_told_at_their_place(tmp_path: Path) -> None:
    project(tmp_path, '{shops: "@daily", late: "0 61 * * *"}')
    unknown, hour = sorted(mistakes_of(tmp_path), key=lambda each: each.code)
    assert (unknown.code, unknown.line, unknown.message) == ("E116", 5, "there is no pipeline 'shops'.")
    assert unknown.hint == "Did you mean shop?"
    assert (hour.code, hour.line) == ("E132", 5) and "'61' is no hour" in hour.message
