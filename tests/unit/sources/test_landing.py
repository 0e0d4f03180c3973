"""What has landed is given again, in every way of paging."""

from __future__ import annotations

import json
import sys
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.errors import SourceError
from pipeline_cli.loading.errors import translate
from pipeline_cli.manifest.sources import Client, Endpoint, RestApiSource, RestResource
from pipeline_cli.sources.build import http_limits
from pipeline_cli.sources.http import CheckedAdapter, open_session
from pipeline_cli.sources.landing.adapter import LandingAdapter
from pipeline_cli.sources.landing.answers import INDEX, AnswerWriter, read_index
from pipeline_cli.sources.landing.answers import Answer as LandedBody
from pipeline_cli.sources.landing.landing import Landing
from pipeline_cli.sources.landing.scrubbing import Scrubber
from pipeline_cli.sources.read_ahead import ReadAhead
from pipeline_cli.sources.rest_api import build_rest_source
from tests.servers.json_api import Answer, JsonApi
from tests.servers.paged_api import PAGINATORS, PagedRows

SALT = "0123456789abcdef"


@pytest.fixture
def api() -> Iterator[JsonApi]:
    with JsonApi({}) as api:
        yield api


def read(api: JsonApi, folder: Path, style: str, width: int = 1) -> list[Any]:
    """The ids of the records, through a landing in this folder."""
    endpoint = Endpoint("items", paginator=PAGINATORS[style], data_selector="items")
    entry = RestApiSource(
        "rest_api", Client(api.url, max_retries=0), {"items": RestResource(endpoint=endpoint)}
    )
    limits, landing = http_limits(entry), Landing(folder, SALT, entry, frozenset())
    session = open_session(limits, LandingAdapter(landing, CheckedAdapter(limits), limits))
    session.ahead = ReadAhead(session, width, limits.sleep)
    try:
        return [row["id"] for row in build_rest_source("shop", entry, session, landing).resources["items"]]
    except Exception as error:
        raise translate(error, "shop", "") from error
    finally:
        landing.close()


@pytest.mark.parametrize("style", [*PAGINATORS])
@pytest.mark.parametrize("size", [10, 20_000])
def test_every_way_of_paging_goes_on_from_its_last_page(
    api: JsonApi, tmp_path: Path, style: str, size: int
) -> None:
    pages = PagedRows([{"id": number, "text": "x" * size} for number in range(45)])
    api.data["/items"] = pages
    for down in range(1, 5):
        api.fault = lambda request: Answer(status=503) if pages.page_of(request) >= down else None  # noqa: B023
        with pytest.raises(SourceError, match="503"):
            read(api, tmp_path, style)
    api.fault = None
    assert read(api, tmp_path, style) == list(range(45))
    assert [pages.asked[page] for page in range(5)] == [2, 2, 2, 2, 1]  # once more each, as the border


@pytest.mark.parametrize("style", ["page_number", "total"])
def test_pages_that_were_read_side_by_side_leave_no_gap(api: JsonApi, tmp_path: Path, style: str) -> None:
    """Those behind the one that failed have landed before it."""
    pages = PagedRows([{"id": number} for number in range(95)])
    api.data["/items"] = pages
    api.fault = lambda request: Answer(status=503) if pages.page_of(request) == 5 else None
    with pytest.raises(SourceError, match="503"):
        read(api, tmp_path, style, width=4)
    api.fault = None
    assert read(api, tmp_path, style, width=4) == list(range(95))
    assert [pages.asked[page] for page in range(6)] == [1, 1, 1, 1, 2, 1]  # the fifth as the border


def test_answers_are_read_one_by_one(api: JsonApi, tmp_path: Path) -> None:
    """A landing of many pages is not held in memory when it is opened."""
    pages = PagedRows([{"id": number, "text": "x" * 100_000} for number in range(200)])
    api.data["/items"] = pages
    read(api, tmp_path, "page_number")
    entry = RestApiSource("rest_api", Client(api.url), {"items": RestResource()})
    tracemalloc.start()
    landing = Landing(tmp_path, SALT, entry, frozenset())
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    landing.close()
    assert held < 1_000_000


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "s3cr3t/1"}',
        b'{"a": "s3cr3t%2F1"}',
        b'{"a": "czNjcjN0LzE="}',
        b"s3cr3t/1s3cr3t/1",
        b"landed:1",
    ],
)
def test_secrets_come_back_as_they_were(body: bytes) -> None:
    scrubber = Scrubber(frozenset(("s3cr3t/1", "landed", "0123")), SALT)
    scrubbed, whole = scrubber.scrub(body)
    assert whole
    assert scrubber.restore(scrubbed) == body
    assert b"s3cr3t" not in scrubbed
    assert b"czNjcjN0L" not in scrubbed


def test_large_answers_are_read_again_whichever_way_they_were_compressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [LandedBody(f"{number:02}", {}, f"[{number}, ".encode() + b"1" * 20_000) for number in range(2)]
    writer = AnswerWriter(tmp_path)
    with monkeypatch.context() as few_imports:
        few_imports.delitem(sys.modules, "pyarrow", raising=False)
        writer.write(answers[0], whole=True)
    import pyarrow  # noqa: F401

    AnswerWriter(tmp_path).write(answers[1], whole=True)  # as the run that goes on
    assert {file.name for file in tmp_path.glob("0*")} == {"00000001.json.gz", "00000002.json.zst"}
    assert [landed.read() for landed in read_index(tmp_path)] == answers
    for file in tmp_path.glob("0*"):
        file.write_bytes(file.read_bytes()[:-10])
    assert [landed.read() for landed in read_index(tmp_path)] == [None, None]


def test_a_file_that_is_another_ones_is_not_given(tmp_path: Path) -> None:
    """It can be read, and is as long: only its checksum tells."""
    writer = AnswerWriter(tmp_path)
    for digit in (b"1", b"2"):
        writer.write(LandedBody("0a", {}, b"[" + digit * 20_000 + b"]"), whole=True)
    first, second = sorted(tmp_path.glob("0*"))
    second.write_bytes(first.read_bytes())
    found = [landed.read() for landed in read_index(tmp_path)]
    assert [each is None for each in found] == [False, True]


def test_what_an_earlier_version_landed_is_read_and_held_to_its_checksum(tmp_path: Path) -> None:
    """It took the checksum of the body."""
    body = b"[" + b"1" * 20_000 + b"]"
    AnswerWriter(tmp_path).write(LandedBody("0a", {}, body), whole=True)
    line = json.loads((tmp_path / INDEX).read_text())
    for crc, found in ((zlib.crc32(body), [LandedBody("0a", {}, body)]), (1, [None])):
        (tmp_path / INDEX).write_text(json.dumps({**without(line, "file_crc"), "crc": crc}) + "\n")
        assert [landed.read() for landed in read_index(tmp_path)] == found


def without(line: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key != name}
