"""A canary in every secret place of runs that fail in every step: found in no artifact, in no spelling."""

from __future__ import annotations

import base64
import gzip
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import psycopg2
import pytest

from pipeline_cli.testing import CliResult, make_project, run_cli
from tests.servers.json_api import Answer, JsonApi, Request

CANARIES = {
    "API_TOKEN": "api/canary+7f3a&91",
    "API_KEY": "key canary?8c2=d/4",
    "EVENTS_TOKEN": "events:canary@5e1+x",
    "SLACK_PATH": "T0canary/B1webhook9x",
    "MAIL_PASSWORD": "mail:canary/33b=",
    "CRM_PASSWORD": "crm@canary:12f/",
    "ROUTING_KEY": "routing-canary-61d0",
}
MANIFEST = """\
version: 1
name: canaries
default_environment: dev
environments: {{dev: {{destination: warehouse}}, away: {{destination: nowhere}}}}
destinations:
  warehouse: {{type: postgres, credentials: "${{env:WAREHOUSE_URL}}"}}
  nowhere: {{type: postgres, credentials: "${{env:NOWHERE_URL}}"}}
sources:
  api:
    type: rest_api
    client:
      base_url: "{api}"
      auth: {{type: bearer, token: "${{env:API_TOKEN}}"}}
      headers: {{X-Api-Key: "${{env:API_KEY}}"}}
      max_retries: 0
    resources: {{refused: {{endpoint: refused}}}}
  page:
    type: rest_api
    client:
      base_url: "{api}"
      auth: {{type: api_key, name: key, location: query, api_key: "${{env:API_KEY}}"}}
      max_retries: 0
    resources: {{web: {{endpoint: web}}}}
  events: {{type: python, path: sources/events.py, arguments: {{token: "${{env:EVENTS_TOKEN}}"}}}}
  crm: {{type: sql_database, credentials: "${{env:CRM_URL}}", resources: {{people: {{write_disposition: replace}}}}}}
  good:
    type: rest_api
    client: {{base_url: "{api}", auth: {{type: bearer, token: "${{env:API_TOKEN}}"}}, max_retries: 0}}
    resources: {{items: {{endpoint: items, keep_raw: true}}}}
transforms:
  broken: {{engine: sqlmesh, path: transforms/broken}}
  checked: {{engine: dbt, path: transforms/checked}}
reports:
  wrong: {{title: Wrong, blocks: {{t: {{type: table, sql: "SELECT none FROM bronze_good.items"}}}}}}
plugins:
  slack: {{webhook: "${{env:SLACK_WEBHOOK}}", timeout: 2s}}
  email: {{smtp: "${{env:SMTP_URL}}", to: [team@example.com], timeout: 2s}}
  pagerduty: {{routing_key: "${{env:ROUTING_KEY}}", url: "{api}/pager", timeout: 2s}}
pipelines:
  api: {{sources: [api], {alerts}}}
  page: {{sources: [page], {alerts}}}
  events: {{sources: [events], {alerts}}}
  crm: {{sources: [crm], {alerts}}}
  broken: {{sources: [good], transforms: [broken], {alerts}}}
  checked: {{sources: [good], transforms: [checked], {alerts}}}
  wrong: {{sources: [good], reports: [wrong], {alerts}}}
"""
ALERTS = "alerts: [{when: [failure], to: [slack, email, pagerduty]}]"
EVENTS = """\
import base64
import logging
from urllib.parse import quote

import dlt


@dlt.resource
def events(token):
    basic = base64.b64encode(f"user:{token}".encode()).decode()
    told = f"{token} {quote(token, safe='')} {basic}"
    logging.getLogger("events").warning("signing in with %s", told)
    yield [{"id": 1}]
    raise RuntimeError(f"401 for {told}")
"""
FILES = {
    "sources/events.py": EVENTS,
    "transforms/broken/config.py": "from pipeline_cli import sqlmesh_config\n\nconfig = sqlmesh_config(__file__)\n",
    "transforms/broken/models/broken.sql": (
        "MODEL (name gold_broken.broken, kind FULL);\nSELECT name::INT AS name FROM bronze_good.items\n"
    ),
    "transforms/checked/dbt_project.yml": (
        'name: checked\nversion: "1.0"\nprofile: checked\nmodels: {+materialized: table}\n'
    ),
    "transforms/checked/models/checked.sql": "SELECT 1 AS id\n",
    "transforms/checked/tests/never.sql": "SELECT * FROM {{ ref('checked') }}\n",
}
FAILING = {
    "api": "ingest:api",
    "page": "ingest:page",
    "events": "ingest:events",
    "crm": "ingest:crm",
    "broken": "transform:broken",
    "checked": "transform:checked",
    "wrong": "report:wrong",
}


def answer(request: Request) -> Answer:
    """Says what it was given, as servers do: in refusals, in pages, in headers."""
    echoed = " ".join([request.headers.get("authorization", ""), request.headers.get("x-api-key", "")])
    query = " ".join(request.query.values())
    if request.path == "/items":
        return Answer([{"id": 1, "name": "tea"}])
    if request.path == "/web":
        return Answer(f"<!doctype html><p>{query} {quote(query)}".encode(), headers={"X-Echo": quote(query)})
    body = {"message": f"no {echoed} {base64.b64encode(echoed.encode()).decode()} {quote(echoed, safe='')}"}
    return Answer(body, status=401)


@pytest.fixture
def api() -> Iterator[JsonApi]:
    with JsonApi({}) as api:
        api.fault = answer
        yield api


def forms(canary: str) -> Iterator[bytes]:
    """Every spelling that must not be found: as it is, URL-encoded, escaped, in base64 wherever it begins."""
    yield from {form.encode() for form in (canary, quote(canary, safe=""), quote_plus(canary), quote(canary))}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            shifted = encode(b"x" * offset + canary.encode())
            yield shifted[4 if offset else 0 :].rstrip(b"=")[:-2]  # without what its neighbours share


def artifacts(root: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of the project and of HOME, unpacked where it is packed; the ledger as rows, too."""
    for file in [*root.rglob("*"), *Path(os.environ["HOME"]).rglob("*")]:
        if not file.is_file():
            continue
        content = file.read_bytes()
        yield str(file), content
        if file.suffix == ".gz":
            yield str(file), gzip.decompress(content)
        elif file.suffix == ".zst":
            import pyarrow

            yield str(file), pyarrow.input_stream(pyarrow.BufferReader(content), compression="zstd").read()
        elif content.startswith(b"SQLite format 3"):
            yield str(file), "\n".join(sqlite3.connect(file).iterdump()).encode()


def rows(url: str) -> Iterator[tuple[str, bytes]]:
    """Every row of every table of a database, as JSON."""
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT coalesce(string_agg(row_to_json(t)::text, ' '), '') FROM {table} AS t")
            yield table, cursor.fetchone()[0].encode()
    connection.close()


def failed_steps(result: CliResult) -> set[str]:
    assert result.document is not None, result.stderr
    steps = [step for pipeline in result.document["pipelines"] for step in pipeline["steps"]]
    return {step["name"] for step in steps if step["status"] == "failed"}


@pytest.mark.faults
def test_a_canary_is_found_in_no_artifact(api: JsonApi, tmp_path: Path, postgres_url: str) -> None:
    crm, mail = (quote(CANARIES[name], safe="") for name in ("CRM_PASSWORD", "MAIL_PASSWORD"))
    env: dict[str, str] = {
        **{name: CANARIES[name] for name in ("API_TOKEN", "API_KEY", "EVENTS_TOKEN", "ROUTING_KEY")},
        "WAREHOUSE_URL": postgres_url,
        "NOWHERE_URL": postgres_url.replace("canary-", "canary-of-nowhere-"),
        "CRM_URL": f"{postgres_url.partition(':')[0]}://ann:{crm}@{postgres_url.rpartition('@')[2]}",
        "SLACK_WEBHOOK": f"{api.url}/services/{CANARIES['SLACK_PATH']}",
        "SMTP_URL": f"smtp://ann:{mail}@127.0.0.1:9",
    }
    root = make_project(tmp_path / "p", MANIFEST.format(api=api.url, alerts=ALERTS), FILES)
    told: list[tuple[str, bytes]] = []
    commands: list[list[Any]] = [["run", name, "--json"] for name in FAILING]
    commands += [
        ["run", "events"],
        ["run", "--env", "away"],
        ["alerts", "send"],
        ["alerts"],
        ["runs"],
        ["logs"],
    ]
    commands += [["doctor"], ["validate"], ["plan"], ["preview", "api.refused"], ["preview", "crm.people"]]
    commands += [["dlt", "pipeline", "events", "trace"], ["quarantine", "list"]]
    for command in commands:
        result = run_cli(command, cwd=root, env=env)
        told.append((" ".join(command), (result.stdout + result.stderr).encode()))
        if command[-1] == "--json":
            assert failed_steps(result) == {FAILING[command[1]]}, result.stdout
    places = [*told, *artifacts(root), *rows(postgres_url)]
    wanted = {**CANARIES, "POSTGRES": "canary-pa55:w@rd", "NOWHERE": "canary-of-nowhere-pa55:w@rd"}
    found = {
        f"{name} as {form.decode()} in {place}"
        for place, content in places
        for name, canary in wanted.items()
        for form in forms(canary)
        if form in content
    }
    assert found == set()
    # The search finds what is there: the API's address stands in nearly all of them.
    assert sum(api.url.encode() in content for _, content in places) > 10
    assert any(name.endswith("trace.pickle") for name, _ in places)
