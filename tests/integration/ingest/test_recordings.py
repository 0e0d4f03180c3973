"""Recordings: whole, scrubbed, and as good as the API."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread, Timer
from typing import Any
from urllib.parse import quote

import pytest
import requests
from urllib3.connection import HTTPConnection

from pipeline_cli.errors import SourceError
from pipeline_cli.manifest.auth import ApiKeyAuth, BearerAuth, OAuth2Auth
from pipeline_cli.manifest.paginators import JsonLink
from pipeline_cli.manifest.sources import Endpoint, ExpectedCount, Incremental, RestResource
from pipeline_cli.project import Project
from pipeline_cli.sources.build import record_source
from pipeline_cli.sources.recordings import replayed_globally
from tests.integration.ingest.world import World
from tests.servers.json_api import Answer, JsonApi, Request

CANARY = "c4nary+secret/42=="
TOKEN = "t0ken-of-the-answer"
COOKIE = "c00kie-of-the-answer"


@pytest.fixture
def shop(duck: World) -> World:
    """Two pages of items, linked; the API echoes the secret and sets a cookie."""

    def items(request: Request) -> Answer:
        first = "page" not in request.query
        body = {
            "next": f"{duck.api.url}/items?page=2&key={quote(CANARY, safe='')}" if first else None,
            "items": [
                {"id": 1 if first else 2, "at": "2024-01-02T00:00:00Z", "echo": CANARY if first else "no"}
            ],
            "you": base64.b64encode(f"user:{CANARY}".encode()).decode(),
        }
        return Answer(body, headers={"Set-Cookie": f"sid={COOKIE}", "X-Key": CANARY})

    duck.api.data["/items"] = items
    duck.api.data["/items/count"] = {"count": 2}
    duck.rest(
        items=RestResource(
            endpoint=Endpoint("items", paginator=JsonLink("json_link"), data_selector="items"),
            primary_key=("id",),
            write_disposition="merge",
            expected_count=ExpectedCount("items/count"),
        )
    )
    return duck


def with_auth(world: World, auth: Any) -> None:
    assert world.source is not None
    world.source = replace(world.source, client=replace(world.source.client, auth=auth))  # type: ignore[union-attr]


def record(world: World) -> str:
    project = Project(world.root, world.project.manifest, "live", frozenset({CANARY}))
    [file] = record_source(project, "shop")
    return file.read_text(encoding="utf-8")


def assert_clean(text: str) -> None:
    for secret in (CANARY, TOKEN, COOKIE):
        encoded = base64.b64encode(secret.encode()).decode()
        for form in (secret, quote(secret, safe=""), quote(secret), encoded, encoded.rstrip("=")[:-2]):
            assert form not in text, form
    assert base64.b64encode(f"user:{CANARY}".encode()).decode() not in text
    assert "cookie" not in text.lower()


@pytest.mark.parametrize("kind", ["bearer", "query", "header", "oauth"])
def test_no_secret_is_written_down(shop: World, kind: str) -> None:
    shop.api.data["/token"] = {"access_token": TOKEN, "refresh_token": TOKEN, "expires_in": 3600}
    auths = {
        "bearer": BearerAuth("bearer", CANARY),
        "query": ApiKeyAuth("api_key", CANARY, "key", "query"),
        "header": ApiKeyAuth("api_key", CANARY, "X-Key"),
        "oauth": OAuth2Auth("oauth2_client_credentials", f"{shop.api.url}/token", "client", CANARY),
    }
    with_auth(shop, auths[kind])
    assert_clean(record(shop))
    shop.replay = True
    before = len(shop.api.requests)
    assert shop.account(shop.ingest()) == (2, 2, 0, 0)
    assert len(shop.api.requests) == before
    assert shop.rows("id") == [(1,), (2,)]


def test_a_replay_gives_the_same_tables_with_the_server_gone(shop: World) -> None:
    shop.api.data["/items"] = lambda request: Answer(
        {"next": None, "items": [{"id": 1, "n": "é🙂", "tags": ["a"], "big": 0.1}, {"id": 2, "n": "x"}]}
    )
    record(shop)
    shop.ingest()
    live = [shop.rows("id, n, big"), shop.rows("value", "items__tags")]
    shop.replay = True
    shop.api.__exit__()
    try:
        shop.ingest(full_refresh=True)
    finally:
        shop.api.__init__({})  # type: ignore[misc] # the fixture closes it once more
        shop.api.__enter__()
    assert [shop.rows("id, n, big"), shop.rows("value", "items__tags")] == live


def test_an_incremental_second_run_replays(shop: World) -> None:
    shop.change(incremental=Incremental("at", "2024-01-01T00:00:00Z", start_param="since"))
    record(shop)
    shop.replay = True
    assert shop.account(shop.ingest())[:2] == (2, 2)
    assert shop.account(shop.ingest()) == (2, 0, 0, 2)


def test_next_links_lead_to_the_address_of_the_entry(shop: World) -> None:
    text = record(shop)
    assert shop.api.url not in text
    assert shop.source is not None
    client = replace(shop.source.client, base_url="https://api.example.com")  # type: ignore[union-attr]
    shop.source = replace(shop.source, client=client)
    shop.replay = True
    assert shop.account(shop.ingest()) == (2, 2, 0, 0)


def test_a_missing_recording_and_a_missing_answer_say_what_to_do(shop: World) -> None:
    shop.replay = True
    with pytest.raises(SourceError, match="has no recording to replay") as failed:
        shop.ingest()
    assert "pipeline-cli record shop" in str(failed.value.hint)
    record(shop)
    shop.change(endpoint=Endpoint("items", params={"more": 1}, data_selector="items"))
    with pytest.raises(
        SourceError, match=r"The recording of source shop has no answer to GET .*/items"
    ) as failed:
        shop.ingest()
    assert (failed.value.code, "pipeline-cli record shop" in str(failed.value.hint)) == ("E319", True)


def test_a_failed_recording_keeps_the_old_one(shop: World) -> None:
    text = record(shop)
    shop.api.fault = lambda request: Answer(status=500)
    with pytest.raises(Exception, match="answered 500"):
        record(shop)
    folder = shop.root / "sources" / "shop"
    assert [(file.name, file.read_text(encoding="utf-8")) for file in folder.iterdir()] == [
        ("recording.yaml", text)
    ]


def test_a_recording_that_was_damaged_is_told(shop: World) -> None:
    record(shop)
    (shop.root / "sources" / "shop" / "recording.yaml").write_text("interactions: [", encoding="utf-8")
    shop.replay = True
    with pytest.raises(SourceError, match=r"recording.yaml"):
        shop.ingest()


def test_python_sources_replay_too(duck: World) -> None:
    code = f"""
import dlt, requests

@dlt.resource
def items():
    yield requests.get("{duck.api.url}/items").json()
"""
    duck.api.data["/items"] = [{"id": 1}, {"id": 2}]
    duck.python(code)
    record(duck)
    duck.replay = True
    before = len(duck.api.requests)
    assert duck.account(duck.ingest()) == (2, 2, 0, 0)
    assert len(duck.api.requests) == before


def test_a_connection_that_is_being_made_when_a_replay_ends_leaves_the_requests_of_others_alone(
    tmp_path: Path, api: JsonApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """vcrpy puts the real classes back while it makes one, and its own when it has: that would be for good."""
    file = tmp_path / "recording.yaml"
    file.write_text(
        "version: 1\ninteractions:\n"
        f"- request: {{method: GET, uri: '{api.url}/items', body: null, headers: {{}}}}\n"
        "  response: {status: {code: 200, message: OK}, headers: {}, body: {string: recorded}}\n"
    )
    begun, go_on, made = Event(), Event(), HTTPConnection.__init__

    def slow(self: Any, *arguments: Any, **options: Any) -> None:
        begun.set()
        go_on.wait(10)
        made(self, *arguments, **options)

    monkeypatch.setattr(HTTPConnection, "__init__", slow)
    with replayed_globally(file, "shop"):
        asking = Thread(target=requests.get, args=(f"{api.url}/items",))
        asking.start()
        assert begun.wait(10)
        Timer(0.2, go_on.set).start()
    asking.join()
    assert requests.get(f"{api.url}/items").json() == []


@pytest.fixture(autouse=True)
def _no_cassette_left(tmp_path: Path) -> Iterator[None]:
    yield
    assert list(tmp_path.rglob("*.new")) == []


def test_two_replays_do_not_share_answers(shop: World) -> None:
    record(shop)
    with JsonApi({}):
        shop.replay = True
        for _ in range(2):
            shop.ingest()
    assert shop.rows("id") == [(1,), (2,)]
