"""Answers whose records stand undecoded: only where their resource can take them so, and only what is JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from pipeline_cli.errors import SourceError
from pipeline_cli.manifest.paginators import Cursor, JsonLink, Offset, PageNumber
from pipeline_cli.sources.answers import check_response
from pipeline_cli.sources.decoding import Decoding, reads_records
from pipeline_cli.sources.http_limits import HttpLimits


def answer(body: bytes, decoding: Decoding) -> Any:
    response = requests.Response()
    response.status_code = 200
    response._content = body
    request = requests.Request("GET", "http://localhost/items", hooks={"response": [decoding]})
    response.request = requests.Session().prepare_request(request)
    return check_response(response, HttpLimits(frozenset())).json()


def test_a_list_stands_for_itself_where_its_resource_takes_it_whole() -> None:
    decoding = Decoding(decode=lambda body: ("whole", body))
    assert answer(b' [{"a": 1}]\n', decoding) == [("whole", b'[{"a": 1}]')]
    assert answer(b'{"data": []}', decoding) == {"data": []}


def test_what_is_not_taken_whole_is_decoded_or_refused() -> None:
    refusing = Decoding(decode=lambda body: None)
    assert answer(b'[{"a": 1}]', refusing) == answer(b'[{"a": 1}]', Decoding()) == [{"a": 1}]
    with pytest.raises(SourceError, match="cut or malformed"):
        answer(b'[{"a": 1}', refusing)


def as_list(body: bytes) -> Any | None:
    """Only of what is a list of objects by itself, as the reader of pages."""
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return body if all(isinstance(each, dict) for each in found) else None


@pytest.mark.parametrize("selector", ["data", "$.data"])
@pytest.mark.parametrize(
    "body",
    [
        '{"data": [{"a": [1]}], "next": null}',
        '{"meta": {"more": [1, 2]}, "data": [{"a": "]"}]}',
        '{"note": "\\"data\\": [", "data": [ ] }',
    ],
)
def test_an_object_keeps_what_is_around_its_records(selector: str, body: str) -> None:
    whole = json.loads(body)
    records = answer(body.encode(), Decoding(selector, as_list))["data"]
    assert json.loads(records[0]) == whole["data"]
    around = answer(body.encode(), Decoding(selector, lambda text: "records"))
    assert around == {**whole, "data": ["records"]}


@pytest.mark.parametrize(
    "body",
    [
        '{"data": [{"a": 1}], "tags": [{"b": 1}]}',
        '{"data": [], "tags": [{"b": 1}]}',
        '{"m": {"data": 0}, "tags": [{"b": 1}]}',
        '{"m": {"data": [{"b": 1}]}, "data": {}}',
        '{"m": {"data": 0}, "tags": [{"b": 1}], "data": []}',
        '{"data": {"items": [{"b": 1}]}}',
        '{"data": null}',
        '"data"',
    ],
)
def test_what_is_not_at_the_records_place_is_never_taken_for_them(body: str) -> None:
    assert answer(body.encode(), Decoding("data", as_list)) == json.loads(body)


@pytest.mark.parametrize(
    ("paginator", "selector", "looks"),
    [
        (None, "data", True),
        (PageNumber("page_number"), None, False),
        (Offset("offset", limit=10), "data.items", False),
        (Offset("offset", limit=10, total_path="meta.total"), "data", False),
        (JsonLink("json_link"), "data", False),
        (JsonLink("json_link"), None, True),
        (Cursor("cursor", cursor_path="$.meta.next"), "$.data", False),
        (Cursor("cursor", cursor_path="data[-1].id"), "data", True),
        (Cursor("cursor", cursor_path="data.last"), "data", True),
        (Cursor("cursor", cursor_path="$..id"), "data", True),
        (Cursor("cursor", cursor_path="next", has_more_path="data[0].more"), "data", True),
    ],
)
def test_paging_that_looks_into_the_records_needs_them(
    paginator: Any, selector: str | None, looks: bool
) -> None:
    assert reads_records(paginator, selector) == looks
