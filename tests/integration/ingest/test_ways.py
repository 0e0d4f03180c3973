"""Which way records take, by column or row by row: none is lost on either, and what goes row by row is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_cli.manifest.paginators import Cursor
from pipeline_cli.manifest.sources import Endpoint, RestResource
from pipeline_cli.testing import make_project, run_cli
from tests.integration.ingest.world import World
from tests.servers.json_api import Answer, JsonApi, Request

PAGE = 60  # records: enough to be loaded by column
MANIFEST = """\
version: 1
name: small
default_environment: dev
environments: {{dev: {{destination: warehouse}}}}
destinations: {{warehouse: {{type: duckdb}}}}
sources:
  shop:
    type: rest_api
    client: {{base_url: "{url}"}}
    resources:
      keyed: {{primary_key: id, write_disposition: merge}}
      odd: {{write_disposition: replace}}
      late: {{write_disposition: replace}}
pipelines: {{shop: {{sources: [shop]}}}}
"""


def after(request: Request) -> Answer:
    """The page behind the record that is named, as APIs of feeds have them; their answers hold no cursor."""
    first = int(request.query.get("after", -1)) + 1
    return Answer(
        {"data": [{"id": number, "tags": ["a"]} for number in range(first, min(first + PAGE, 200))]}
    )


@pytest.mark.parametrize("selector", ["data", None])
def test_a_cursor_that_stands_in_the_last_record_is_followed_to_the_end(
    duck: World, selector: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "pipeline_cli")
    paginator = Cursor("cursor", cursor_path="data[-1].id", cursor_param="after")
    endpoint = Endpoint("items", paginator=paginator, data_selector=selector)
    duck.rest(items=RestResource(endpoint=endpoint))
    duck.api.data["/items"] = after
    result = duck.ingest()
    assert duck.rows("id") == sorted([(number,) for number in range(200)], key=repr)
    assert len(duck.rows("value", "items__tags")) == 200
    assert result.notes == []  # three pages by column, and one of few records
    assert "items: each record is decoded, for paging, which may look among them" in caplog.messages


def said(project: Path, *command: str) -> str:
    ran = run_cli(command, cwd=project)
    assert ran.exit_code == 0, ran.stderr
    return " ".join(ran.stdout.split())


def test_what_goes_row_by_row_is_said_by_plan_run_and_log(tmp_path: Path, api: JsonApi) -> None:
    api.data["/keyed"] = [{"id": number, "discount": None if number < 9 else 0.5} for number in range(PAGE)]
    api.data["/odd"] = [{"id": number, "tags": ["a"] if number % 2 else "a"} for number in range(PAGE)]
    api.data["/late"] = [{"id": number} for number in range(9)] + [{"id": 2**60}] * PAGE
    project = make_project(tmp_path, MANIFEST.format(url=api.url))
    plan = "shop.odd goes row by row: tags is not of one kind in all records."
    assert plan in said(project, "plan")
    notes = [
        f"odd: {PAGE} of {PAGE} rows went row by row: tags is not of one kind in all records.",
        f"late: {PAGE + 9} of {PAGE + 9} rows went row by row:"
        " some values have to be read one by one to stay exact.",
    ]
    ran, log = said(project, "run"), said(project, "logs")
    for note in notes:
        assert note in ran and note in log
    assert "keyed:" not in ran
    assert "keyed: each record is decoded, for its primary_key" in log
    again = said(project, "plan")
    assert plan in again and "Nothing changes" in again  # nor is a field that begins with nulls another one
