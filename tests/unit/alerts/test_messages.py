"""What messages say, in each channel's own form, and what can never be in one."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from pipeline_cli.document import CheckResult, ResourceResult
from pipeline_cli.drift import SchemaChange
from pipeline_cli.gate.rules import Violation
from pipeline_cli.load import IngestRequest, IngestResult
from pipeline_cli.manifest.channels import AppriseChannel, PagerDutyChannel, SlackChannel, WebhookChannel
from pipeline_cli.manifest.models import Alert, Pipeline
from tests.servers.json_api import JsonApi
from tests.servers.smtp import MailServer
from tests.unit.alerts.world import email, fail, make_alert_world, outbox
from tests.unit.run.world import World

EVERYTHING = ("failure", "recovery", "contract", "drift", "success")


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def hooks() -> Iterator[JsonApi]:
    with JsonApi({"/in": {"ok": True}}) as api:
        yield api


def bodies(hooks: JsonApi) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in hooks.requests]


def load_with(
    world: World, *violations: Violation, extracted: int = 9, changes: tuple[str, ...] = ()
) -> None:
    """What the next run's ingest finds."""

    def load(self: object, request: IngestRequest) -> IngestResult:
        bad = len(violations)
        resource = ResourceResult("items", "bronze_api", "items", "/items", extracted, extracted - bad, bad)
        return IngestResult(
            "succeeded", [resource], violations=list(violations), schema_changes=list(map(new, changes))
        )

    world.loader.__class__ = type("Found", (type(world.loader),), {"__call__": load})


def new(text: str) -> SchemaChange:
    place, _, data_type = text.partition(" ")
    return SchemaChange("new", *place.split("."), data_type)


def bad(path: str = "$.price", message: str = "'x' is not of type 'number'") -> Violation:
    return Violation("items", ({"path": path, "rule": "type", "message": message},), "{}")  # type: ignore[arg-type]


def test_a_failure_says_all_that_is_known_of_it(tmp_path: Path, server: MailServer) -> None:
    rule = (Alert(to=("email",)),)
    pipelines = {
        "shop": Pipeline(sources=("api",), transforms=("marts", "more"), alerts=rule),
        "other": Pipeline(sources=("api",)),
    }
    world = make_alert_world(tmp_path, {"email": email(server)}, pipelines=pipelines)
    world.loader.news["api"] = 2
    good = world.run("shop")
    assert good.status == "succeeded"
    world.loader.news["api"] = 2
    world.engine.checks = [CheckResult("unique(id)", "failed", failures=3, message="Got 3 results")]
    run = world.run("shop")
    (mail,) = server.mails
    lines = mail.text.replace("\r\n", "\n").split("\n")
    assert lines[0] == "shop failed at test:marts"
    for told in (
        "shop / dev",
        "Pipeline: shop",
        "Step: test:marts, try 1",
        "Failing check: unique(id): 3 rows, Got 3 results",
        "Stopped: transform:more, test:more",
        "Affected: the models of more are not brought up to date",
        "Code: E400",
        f"Next: pipeline-cli retry {run.run_id}",
        f"Log: pipeline-cli logs {run.run_id} --step test:marts",
        f"Log file: .pipeline/logs/{run.run_id}.log",
    ):
        assert told in lines, told
    assert any(line.startswith("Since: ") for line in lines)
    assert any(line.startswith("Last good run: ") for line in lines)
    world.loader.during["api"] = fail()
    world.run("shop")
    assert "pipeline other reads api, too" in server.mails[1].text


def test_a_broken_contract_tells_its_first_bad_record_once_and_its_end(
    tmp_path: Path, server: MailServer
) -> None:
    world = make_alert_world(tmp_path, {"email": email(server)}, when=EVERYTHING[:3])
    load_with(world, bad(), bad("$.tags[3]"))
    assert world.run().status in ("succeeded", "unchanged")
    load_with(world, bad("$.tags[7]"))
    world.run()
    (mail,) = server.mails
    assert mail.subject == "[shop dev] shop: records break their contract"
    assert "2 records of api.items broke the contract and were kept apart in quarantine" in mail.text
    assert "First bad record: items: $.price (type): 'x' is not of type 'number'" in mail.text
    assert "Next: pipeline-cli quarantine list --source api" in mail.text
    load_with(world, bad("$.name"))
    world.run()
    assert server.subjects[1:] == ["[shop dev] shop: records break other rules of their contract"]
    load_with(world, extracted=0)
    world.run()
    assert len(server.mails) == 2, "nothing came: nobody knows whether it is over"
    load_with(world)
    world.run()
    assert server.subjects[2:] == ["[shop dev] shop: no more records are rejected"]


def test_a_schema_that_drifts_is_told_but_not_a_first_load(tmp_path: Path, server: MailServer) -> None:
    world = make_alert_world(tmp_path, {"email": email(server)}, when=("drift",))
    load_with(world, changes=("items.id bigint", "items._dlt_id text"))
    world.run()
    load_with(world, changes=("_quarantine.id text", "items._dlt_root_id text"))
    world.run()
    assert server.mails == []
    load_with(world, changes=("items.colour text", "items.size bigint"))
    world.run()
    assert server.subjects == ["[shop dev] shop: api has new columns"]
    assert "items.colour text" in server.mails[0].text


def test_data_is_escaped_and_becomes_no_template_and_no_header(tmp_path: Path, server: MailServer) -> None:
    world = make_alert_world(tmp_path, {"email": email(server)})
    project = world.project
    evil = "shop\r\nBcc: thief@example.com\r\n\r\n<script>alert(1)</script>"
    manifest = type(project.manifest)(
        **{
            name: getattr(project.manifest, name)
            for name in project.manifest.__dataclass_fields__
            if name != "name"
        },
        name=evil,
    )
    world.project = replace(project, manifest=manifest)
    text = "bad value <script>alert('x')</script> {{ 7 * 7 }} {% raw %} \r\nBcc: thief@example.com"
    world.loader.during["api"] = fail(text)
    world.run()
    (mail,) = server.mails
    assert mail.to == ["ops@example.com"]
    assert mail.message["Bcc"] is None
    assert "\n" not in mail.subject
    assert "<script>" not in mail.html
    assert "&lt;script&gt;" in mail.html
    assert "{{ 7 * 7 }}" in mail.html


def test_no_secret_is_in_any_alert_or_in_the_ledger(
    tmp_path: Path, server: MailServer, hooks: JsonApi
) -> None:
    canary = "canary/Xq7+secret=="
    channels = {"email": email(server), "slack": SlackChannel(webhook=f"{hooks.url}/in")}
    world = make_alert_world(tmp_path, channels, when=EVERYTHING, secrets=frozenset({canary}))
    encoded = base64.b64encode(f"user:{canary}".encode()).decode()
    told = f"401 for ?token={quote(canary, safe='')} Basic {encoded} {canary}"
    world.loader.during["api"] = fail(told)
    world.run()
    world.loader.during.clear()
    load_with(world, bad(message=f"{canary!r} is too long"), changes=(f"items.{canary} text",))
    world.run()
    sent = [mail.message.as_string() + mail.html + mail.text for mail in server.mails]
    sent += [request.body.decode() for request in hooks.requests]
    assert len(sent) >= 4
    kept = b"".join(path.read_bytes() for path in (tmp_path / ".pipeline").glob("runs.db*"))
    for form in (canary, quote(canary, safe=""), encoded[8:-4]):
        assert [text for text in sent if form in text] == []
        assert form.encode() not in kept


def test_slack_gets_blocks_that_cannot_call_anyone(tmp_path: Path, hooks: JsonApi) -> None:
    world = make_alert_world(tmp_path, {"slack": SlackChannel(webhook=f"{hooks.url}/in")})
    world.loader.during["api"] = fail("<!channel> <https://evil.example|click> & " + "long " * 2000)
    world.run()
    (payload,) = bodies(hooks)
    written = json.dumps(payload)
    assert "<!channel>" not in written
    assert "<https" not in written
    assert payload["blocks"][0]["text"]["text"] == "🔴 shop failed at ingest:api"
    assert all(len(block["text"]["text"]) <= 3000 for block in payload["blocks"] if "text" in block)
    assert f"`pipeline-cli retry {outbox(world)[0].run_id}`" in written
    assert outbox(world)[0].alert_id in written


def test_pagerduty_keeps_an_incident_apart_for_each_pipeline_and_resolves_it(
    tmp_path: Path, hooks: JsonApi
) -> None:
    channel = PagerDutyChannel(routing_key="r0uting", url=f"{hooks.url}/in")
    rule = (Alert(to=("pagerduty",), when=("failure", "success")),)
    pipelines = {name: Pipeline(sources=("api",), alerts=rule) for name in ("shop", "crm")}
    world = make_alert_world(tmp_path, {"pagerduty": channel}, pipelines=pipelines)
    world.loader.during["api"] = fail()
    world.run()
    world.run()
    world.loader.during.clear()
    world.run()
    triggered, resolved = bodies(hooks)[:2], bodies(hooks)[2:]
    assert [event["event_action"] for event in triggered] == ["trigger"] * 2
    assert [event["event_action"] for event in resolved] == ["resolve"] * 2
    keys = [event["dedup_key"] for event in triggered]
    assert len(set(keys)) == 2
    assert {event["dedup_key"] for event in resolved} == set(keys)
    assert triggered[0]["routing_key"] == "r0uting"
    payload = triggered[0]["payload"]
    assert (payload["severity"], payload["source"], payload["component"]) == ("error", "shop/dev", "shop")
    assert payload["summary"].startswith("[shop dev] shop failed at ingest:api: The API answered 500.")


def test_a_webhook_gets_the_whole_alert_or_the_json_that_it_wants(tmp_path: Path, hooks: JsonApi) -> None:
    body = {"text": "{title} in {environment}", "list": [1, "{step} {unknown} {id}"], "ok": True}
    channels = {
        "plain": WebhookChannel(url=f"{hooks.url}/in"),
        "own": WebhookChannel(url=f"{hooks.url}/own", body=body, headers={"X-Team": "data"}),
    }
    hooks.data["/own"] = {}
    world = make_alert_world(tmp_path, channels)
    world.loader.during["api"] = fail("{id} {title}")
    world.run()
    plain = next(json.loads(each.body) for each in hooks.requests if each.path == "/in")
    own = next(each for each in hooks.requests if each.path == "/own")
    ids = {alert.channel: alert.alert_id for alert in outbox(world)}
    assert (plain["schema_version"], plain["kind"], plain["id"]) == (1, "failure", ids["plain"])
    assert plain["items"][0]["sentence"] == "ingest:api failed: {id} {title}"
    assert json.loads(own.body) == {
        "text": "shop failed at ingest:api in dev",
        "list": [1, f"ingest:api {{unknown}} {ids['own']}"],
        "ok": True,
    }
    assert (own.headers["x-team"], own.headers["idempotency-key"]) == ("data", ids["own"])


def test_apprise_notifies_its_services(tmp_path: Path, hooks: JsonApi) -> None:
    place = hooks.url.removeprefix("http://")
    world = make_alert_world(tmp_path, {"apprise": AppriseChannel(urls=(f"json://{place}/in",))})
    world.loader.during["api"] = fail()
    world.run()
    (body,) = bodies(hooks)
    assert (body["title"], body["type"]) == ("shop failed at ingest:api", "failure")
    assert "Stopped: transform:marts" in body["message"]


def test_a_long_error_is_cut(tmp_path: Path, server: MailServer) -> None:
    world = make_alert_world(tmp_path, {"email": email(server)})
    world.loader.during["api"] = fail("x" * 100_000 + "\n" + "y" * 100_000)
    world.run()
    (mail,) = server.mails
    assert len(mail.html) < 20_000
    assert all(len(line) <= 998 for line in mail.message.as_string().splitlines())
