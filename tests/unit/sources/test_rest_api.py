"""Every authentication and every paginator of a rest_api entry, against a small server."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from pipeline_cli.errors import SourceError
from pipeline_cli.loading.errors import translate
from pipeline_cli.manifest.auth import ApiKeyAuth, BasicAuth, BearerAuth, OAuth2Auth
from pipeline_cli.manifest.paginators import (
    Cursor,
    HeaderCursor,
    HeaderLink,
    JsonLink,
    Offset,
    PageNumber,
    SinglePage,
)
from pipeline_cli.manifest.sources import Client, Endpoint, RestApiSource, RestResource
from pipeline_cli.sources.build import http_limits
from pipeline_cli.sources.http import open_session
from pipeline_cli.sources.rest_api import build_rest_source
from tests.servers.json_api import Answer, JsonApi, Request

KEY = "c4n4ry-key"


@pytest.fixture
def api() -> Iterator[JsonApi]:
    with JsonApi({"/items": [{"id": 1}]}) as api:
        yield api


def read(api: JsonApi, paginator: Any = None, selector: str | None = None, **client: Any) -> list[Any]:
    """The ids of the records that the entry's only resource gives."""
    endpoint = Endpoint("items", paginator=paginator, data_selector=selector)
    entry = RestApiSource(
        "rest_api", Client(api.url, max_retries=0, **client), {"items": RestResource(endpoint=endpoint)}
    )
    source = build_rest_source("shop", entry, open_session(http_limits(entry)))
    try:
        return [row["id"] for row in source.resources["items"]]
    except Exception as error:
        raise translate(error, "shop", "") from error


def page(
    request: Request, parameter: str = "page", size: int = 2, total: int = 5, first: int = 0
) -> list[Any]:
    number = int(request.query.get(parameter, first)) - first
    return [{"id": n} for n in range(total)][number * size : (number + 1) * size]


ALL = [0, 1, 2, 3, 4]


def test_single_page(api: JsonApi) -> None:
    assert read(api) == [1]
    assert read(api, SinglePage("single_page")) == [1]
    assert api.count("/items") == 2


@pytest.mark.parametrize("first", [0, 1])
def test_page_numbers_until_an_empty_page(api: JsonApi, first: int) -> None:
    api.data["/items"] = lambda request: Answer(page(request, first=first))
    assert read(api, PageNumber("page_number", base_page=first)) == ALL
    assert [request.query["page"] for request in api.requests] == [str(first + n) for n in range(4)]


def test_page_numbers_with_a_total_and_with_a_maximum(api: JsonApi) -> None:
    api.data["/items"] = lambda request: Answer({"pages": 3, "items": page(request, "p")})
    assert read(api, PageNumber("page_number", page_param="p", total_path="pages"), "items") == ALL
    assert len(api.requests) == 3
    api.data["/items"] = lambda request: Answer(page(request))
    assert read(api, PageNumber("page_number", maximum_page=2)) == [0, 1, 2, 3]


def test_offsets(api: JsonApi) -> None:
    def answer(request: Request) -> Answer:
        start, size = int(request.query["offset"]), int(request.query["limit"])
        return Answer({"total": 5, "items": [{"id": n} for n in ALL[start : start + size]]})

    api.data["/items"] = answer
    assert read(api, Offset("offset", limit=2), "items") == ALL
    assert len(api.requests) == 4
    assert read(api, Offset("offset", limit=2, total_path="total"), "items") == ALL
    assert len(api.requests) == 7
    assert read(api, Offset("offset", limit=2, maximum_offset=2), "items") == [0, 1]


def test_links_in_the_header(api: JsonApi) -> None:
    def answer(request: Request) -> Answer:
        number = int(request.query.get("page", 0))
        link = {"Link": f'<{api.url}/items?page={number + 1}>; rel="next"'} if number < 2 else {}
        return Answer(page(request), headers=link)

    api.data["/items"] = answer
    assert read(api, HeaderLink("header_link")) == ALL


def test_cursors_in_the_header(api: JsonApi) -> None:
    def answer(request: Request) -> Answer:
        number = int(request.query.get("after", 0))
        return Answer(page(request, "after"), headers={"X-Next": str(number + 1)} if number < 2 else {})

    api.data["/items"] = answer
    assert read(api, HeaderCursor("header_cursor", "X-Next", "after")) == ALL


@pytest.mark.parametrize("absolute", [True, False])
def test_links_in_the_answer(api: JsonApi, absolute: bool) -> None:
    def answer(request: Request) -> Answer:
        number = int(request.query.get("page", 0))
        link = f"{api.url if absolute else ''}/items?page={number + 1}" if number < 2 else None
        return Answer({"paging": {"next": link}, "items": page(request)})

    api.data["/items"] = answer
    assert read(api, JsonLink("json_link", "paging.next"), "items") == ALL


def test_cursors_in_the_answer(api: JsonApi) -> None:
    def answer(request: Request) -> Answer:
        number = int(request.query.get("c", 0))
        more = number < 2
        cursors = {"next": str(number + 1) if more else None}
        return Answer({"cursors": cursors, "more": more, "items": page(request, "c")})

    api.data["/items"] = answer
    assert read(api, Cursor("cursor", cursor_param="c"), "items") == ALL
    assert read(api, Cursor("cursor", cursor_param="c", has_more_path="more"), "items") == ALL


def test_pages_are_found_out_where_no_paginator_is_declared(api: JsonApi) -> None:
    def in_the_answer(request: Request) -> Answer:
        number = int(request.query.get("page", 0))
        return Answer(
            {"next": f"{api.url}/items?page={number + 1}" if number < 2 else None, "items": page(request)}
        )

    def in_the_header(request: Request) -> Answer:
        number = int(request.query.get("page", 0))
        link = {"Link": f'<{api.url}/items?page={number + 1}>; rel="next"'} if number < 2 else {}
        return Answer(page(request), headers=link)

    for answer in (in_the_answer, in_the_header):
        api.data["/items"] = answer
        assert read(api) == ALL
        assert read(api, SinglePage("single_page")) == [0, 1]


def test_a_next_link_that_repeats_is_an_error(api: JsonApi) -> None:
    api.data["/items"] = lambda request: Answer(
        {"next": f"{api.url}/items?page=1&key={KEY}", "items": [{"id": 1}]}
    )
    with pytest.raises(SourceError, match="next-links go round in a circle") as failed:
        read(api, JsonLink("json_link"), "items")
    assert KEY not in failed.value.message
    assert len(api.requests) <= 3


def test_a_circle_of_two_next_links_is_an_error(api: JsonApi) -> None:
    def answer(request: Request) -> Answer:
        other = "a" if request.query.get("page") == "b" else "b"
        return Answer({"next": f"/items?page={other}", "items": [{"id": 1}]})

    api.data["/items"] = answer
    with pytest.raises(SourceError, match="circle"):
        read(api, JsonLink("json_link"), "items")
    assert len(api.requests) <= 4


def test_a_cursor_that_does_not_move_is_an_error(api: JsonApi) -> None:
    api.data["/items"] = lambda request: Answer({"cursors": {"next": "same"}, "items": [{"id": 1}]})
    with pytest.raises(SourceError, match="circle"):
        read(api, Cursor("cursor"), "items")


def test_a_next_link_to_another_host_gets_no_request(api: JsonApi) -> None:
    with JsonApi({"/items": {"items": [{"id": 9}], "next": None}}) as other:
        api.data["/items"] = {"next": f"{other.url}/items", "items": [{"id": 1}]}
        auth = BearerAuth("bearer", KEY)
        with pytest.raises(SourceError, match="not its own origin"):
            read(api, JsonLink("json_link"), "items", auth=auth)
        assert other.requests == []
        found = read(api, JsonLink("json_link"), "items", auth=auth, allowed_origins=(other.url,))
        assert found == [1, 9]


def test_a_resource_has_a_deadline_over_all_pages(api: JsonApi) -> None:
    def endless(request: Request) -> Answer:
        return Answer([{"id": 1}], delay_s=0.05)

    api.data["/items"] = endless
    with pytest.raises(SourceError, match="Resource items took longer than") as failed:
        read(api, PageNumber("page_number"), resource_timeout=timedelta(seconds=0.4))
    assert failed.value.code == "E316"


def test_a_missing_selector_is_an_error_and_an_empty_list_is_not(api: JsonApi) -> None:
    api.data["/items"] = {"data": {"rows": []}, "other": 1}
    assert read(api, selector="data.rows") == []
    with pytest.raises(SourceError, match=r"nothing at 'data.items'; its keys are data, other"):
        read(api, selector="data.items")


@pytest.mark.parametrize(
    ("auth", "place", "name", "expected"),
    [
        (BearerAuth("bearer", KEY), "headers", "authorization", f"Bearer {KEY}"),
        (ApiKeyAuth("api_key", KEY), "headers", "authorization", KEY),
        (ApiKeyAuth("api_key", KEY, "X-Api-Key"), "headers", "x-api-key", KEY),
        (ApiKeyAuth("api_key", KEY, "key", "query"), "query", "key", KEY),
        (ApiKeyAuth("api_key", KEY, "key", "param"), "query", "key", KEY),
        (ApiKeyAuth("api_key", KEY, "session", "cookie"), "headers", "cookie", f"session={KEY}"),
        (
            BasicAuth("http_basic", "ann", KEY),
            "headers",
            "authorization",
            f"Basic {base64.b64encode(f'ann:{KEY}'.encode()).decode()}",
        ),
    ],
)
def test_credentials_go_where_the_entry_says(
    api: JsonApi, auth: Any, place: str, name: str, expected: str
) -> None:
    api.data["/items"] = lambda request: Answer(page(request))
    assert read(api, PageNumber("page_number"), auth=auth) == ALL
    assert {getattr(request, place)[name] for request in api.requests} == {expected}


def test_wrong_credentials_are_told_without_them(api: JsonApi) -> None:
    api.token = "another"
    with pytest.raises(SourceError, match="answered 401") as failed:
        read(api, auth=BearerAuth("bearer", KEY))
    assert KEY not in f"{failed.value.message}{failed.value.hint}"
    with pytest.raises(SourceError) as failed:
        read(api, auth=ApiKeyAuth("api_key", KEY, "key", "query"))
    assert KEY not in failed.value.message


def oauth(api: JsonApi, **options: Any) -> OAuth2Auth:
    return OAuth2Auth("oauth2_client_credentials", f"{api.url}/token", "client", KEY, **options)


def test_oauth_fetches_a_token_and_a_new_one_when_it_expires(api: JsonApi) -> None:
    given: list[str] = []

    def token(request: Request) -> Answer:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        assert form == {
            "client_id": "client",
            "client_secret": KEY,
            "grant_type": "client_credentials",
            "scope": "read",
        }
        given.append(f"token{len(given)}")
        return Answer({"access_token": given[-1], "expires_in": 0 if len(given) == 1 else 3600})

    api.data["/token"] = token
    api.data["/items"] = lambda request: Answer(page(request))
    auth = oauth(api, access_token_request_data={"scope": "read"})
    assert read(api, PageNumber("page_number"), auth=auth) == ALL
    used = [request.headers["authorization"] for request in api.requests if request.path == "/items"]
    assert used == ["Bearer token0", "Bearer token1", "Bearer token1", "Bearer token1"]


@pytest.mark.parametrize(
    "answer",
    [Answer({"error": "invalid_client"}, status=401), Answer(b"<html>"), Answer({"token": "x"}), Answer([])],
)
def test_a_token_that_is_not_given_is_an_error_without_the_secret(api: JsonApi, answer: Answer) -> None:
    api.data["/token"] = lambda request: answer
    with pytest.raises(SourceError) as failed:
        read(api, auth=oauth(api))
    text = f"{failed.value.message}{failed.value.hint}"
    assert KEY not in text
    assert "/token" in text
    assert api.count("/items") == 0


def test_tokens_may_come_from_another_host(api: JsonApi) -> None:
    with JsonApi({"/token": {"access_token": "t", "expires_in": 60}}) as issuer:
        assert read(api, auth=oauth(issuer)) == [1]
        assert issuer.count("/token") == 1


def test_posts_carry_a_body_and_its_pages(api: JsonApi) -> None:
    def answer(request: Request) -> Answer:
        body = json.loads(request.body)
        assert body["filter"] == {"kind": "tea"}
        return Answer({"cursors": {"next": None}, "items": [{"id": 7}]})

    api.data["/items"] = answer
    endpoint = Endpoint("items", method="POST", json={"filter": {"kind": "tea"}}, data_selector="items")
    entry = RestApiSource("rest_api", Client(api.url), {"items": RestResource(endpoint=endpoint)})
    source = build_rest_source("shop", entry, open_session(http_limits(entry)))
    assert [row["id"] for row in source.resources["items"]] == [7]
    assert api.requests[0].method == "POST"
