"""pipeline-cli alerts list, send and test, as a user types them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline_cli.testing import make_project, run_cli
from tests.servers.json_api import Answer, JsonApi
from tests.servers.smtp import MailServer

MANIFEST = """
version: 1
name: shop
default_environment: dev
environments: {dev: {destination: duckdb}}
destinations: {duckdb: {type: duckdb}}
sources: {things: {type: python, path: sources/things.py}}
plugins:
  email: {smtp: "${env:SMTP_URL}", to: [ops@example.com], sender: a@example.com, encryption: none}
  slack: {webhook: "${env:SLACK_WEBHOOK}"}
  pager: {type: pagerduty, routing_key: "${env:ROUTING_KEY}", url: "${env:PAGER_URL:-https://events.pagerduty.com}"}
pipelines: {things: {sources: [things], alerts: [{to: [email]}]}}
"""
FAILING = "import dlt\n\n@dlt.resource\ndef things():\n    raise RuntimeError('the well is dry')\n    yield\n"
SECRET = "Xq7canaryB00"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path, MANIFEST, {"sources/things.py": FAILING})


def test_a_sample_goes_through_every_channel_and_each_answer_is_told(
    project: Path, server: MailServer
) -> None:
    with JsonApi({"/in": {"status": "success"}}) as api:
        api.fault = lambda request: Answer(b"invalid_token", 403) if request.path.endswith(SECRET) else None
        env = {
            "SMTP_URL": server.url,
            "SLACK_WEBHOOK": f"{api.url}/services/{SECRET}",
            "ROUTING_KEY": "r0uting-key",
            "PAGER_URL": f"{api.url}/in",
        }
        result = run_cli(["alerts", "test"], cwd=project, env=env)
        events = [request for request in api.requests if request.path == "/in"]
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "email: arrived (taken by 127.0.0.1)",
        "slack: did not arrive (127.0.0.1 answered 403 invalid_token)",
        'pager: arrived (200 {"status": "success"})',
    ]
    assert SECRET not in result.stdout + result.stderr
    assert server.subjects == ["[shop dev] A test of email"]
    assert "things on failure, recovery" in server.mails[0].text
    assert [b'"resolve"' in event.body for event in events] == [False, True], "no incident stays open"


def test_one_channel_is_tested_alone_and_one_without_its_variables_says_which(
    project: Path, server: MailServer
) -> None:
    good = run_cli(["alerts", "test", "email", "--json"], cwd=project, env={"SMTP_URL": server.url})
    assert (good.exit_code, good.document and good.document["deliveries"][0]["status"]) == (0, "sent")
    off = run_cli(["alerts", "test", "slack"], cwd=project)
    assert (off.exit_code, off.stdout) == (1, "slack: did not arrive (SLACK_WEBHOOK is not set)\n")
    wrong = run_cli(["alerts", "test", "emial"], cwd=project)
    assert wrong.exit_code == 2
    assert "Did you mean 'email'?" in wrong.stderr


def test_what_is_due_is_listed_and_sent(project: Path, server: MailServer) -> None:
    server.answer = lambda mail: "450 later" if len(tried) < 3 and not tried.append(mail) else "250 ok"
    tried: list[object] = []
    run = run_cli(["run"], cwd=project, env={"SMTP_URL": server.url})
    assert run.exit_code == 1
    assert "Warning: an alert by email did not arrive, and is kept: 127.0.0.1 answered 450 later" in " ".join(
        run.stdout.split()
    )
    listed = run_cli(["alerts"], cwd=project)
    assert "open" in listed.stdout
    # Narrow, too, it says since when and leaves room for what happened.
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d  things +1 +open +\S+", listed.stdout, re.MULTILINE)
    assert "things" in listed.stdout
    early = run_cli(["alerts", "send"], cwd=project, env={"SMTP_URL": server.url})
    assert early.exit_code == 0
    assert "email: tried again from " in early.stdout
    assert server.mails == []


def test_a_manifest_without_channels_says_how_to_add_one(tmp_path: Path) -> None:
    head, _, tail = MANIFEST.partition("plugins:")
    bare = head + "pipelines: {things: {sources: [things]}}\n"
    assert tail
    make_project(tmp_path, bare, {"sources/things.py": FAILING})
    result = run_cli(["alerts", "test"], cwd=tmp_path)
    assert result.exit_code == 2
    assert "The manifest has no channels to test." in result.stderr
