"""An extraction that was cut off goes on from its last page: what has landed is not asked for again."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from pipeline_cli.errors import ChecksFailed, SourceError
from pipeline_cli.manifest.auth import ApiKeyAuth
from pipeline_cli.manifest.models import Limit
from pipeline_cli.manifest.sources import Endpoint, Incremental, RestApiSource, RestResource
from tests.integration.ingest.world import World
from tests.servers.json_api import Answer, Request
from tests.servers.paged_api import PAGINATORS, PagedRows

REPOSITORY = Path(__file__).parents[3]
ALL = sorted(((number,) for number in range(45)), key=repr)  # as World.rows sorts them
BIG = "x" * 20_000  # a page of such records is a file of its own


def items(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"id": number, "at": f"2024-01-01T00:{number:02}:00Z", **more} for number in range(count)]


def paged(world: World, rows: list[dict[str, Any]], style: str = "page_number", **options: Any) -> PagedRows:
    """The resource `items` over pages of ten, read in this style, merged by key with a cursor."""
    pages = PagedRows(rows)
    world.api.data["/items"] = pages
    endpoint = Endpoint(
        "items",
        params={"since": "{incremental.start_value}"},
        paginator=PAGINATORS[style],
        data_selector="items",
    )
    hints: dict[str, Any] = {
        "primary_key": ("id",),
        "write_disposition": "merge",
        "incremental": Incremental("at", "2024-01-01T00:00:00Z"),
        **options,
    }
    world.rest(items=RestResource(endpoint=endpoint, **hints))
    return pages


def fail_at(world: World, page: int) -> None:
    """The API is down from this page on, until `world.api.fault` is None again."""
    pages = world.api.data["/items"]

    def fault(request: Request) -> Answer | None:
        return Answer(status=503) if pages.page_of(request) >= page else None

    world.api.fault = fault


def cut_off(world: World, page: int) -> None:
    """One run that reads the pages before this one."""
    fail_at(world, page)
    with pytest.raises(SourceError, match="503"):
        world.ingest()
    world.api.fault = None
    world.api.requests.clear()


def client(world: World, **options: Any) -> None:
    assert isinstance(world.source, RestApiSource)
    world.source = replace(world.source, client=replace(world.source.client, **options))


def landed(world: World) -> list[Path]:
    return sorted(path for path in (world.root / ".pipeline/test/landed").rglob("*") if path.is_file())


@pytest.mark.parametrize("style", ["page_number", "json_link"])
def test_the_records_and_the_cursor_are_those_of_an_extraction_that_was_never_cut_off(
    duck: World, style: str
) -> None:
    pages = paged(duck, items(45), style)
    cut_off(duck, 3)
    result = duck.ingest()
    # The last that had landed was asked for again, to see whether pages have moved.
    assert [pages.asked[page] for page in range(5)] == [1, 1, 2, 1, 1]
    assert duck.account(result) == (45, 45, 0, 0)
    assert duck.rows("id") == ALL
    duck.api.requests.clear()
    duck.ingest()
    assert duck.api.requests[0].query["since"].startswith("2024-01-01T00:44:00")  # the cursor of all pages
    assert landed(duck) == []  # it is loaded


def test_it_goes_on_as_often_as_it_is_cut_off(world: World) -> None:
    pages = paged(world, items(45, text=BIG))
    for page in range(1, 5):
        cut_off(world, page)
    world.ingest()
    assert [pages.asked[page] for page in range(5)] == [2, 2, 2, 2, 1]  # once more each, as the border
    assert world.rows("id") == ALL


@pytest.mark.parametrize("page", [pytest.param(1, marks=pytest.mark.thorough), 4])
def test_a_killed_run_goes_on_from_its_last_page(duck: World, page: int) -> None:
    pages = paged(duck, items(45, text=BIG))
    kill_at(duck, page)
    assert duck.account(duck.ingest()) == (45, 45, 0, 0)
    # The page that it died of was asked for, and not answered.
    assert [pages.asked[number] for number in range(5)] == [1 + (number == page - 1) for number in range(5)]
    # Five pages, the empty one behind them, the one that it died of, and the border.
    assert duck.api.count("/items") == 8
    assert duck.rows("id") == ALL


KILLED = """
import pickle, sys
from tests.integration.ingest.world import World
world = pickle.load(sys.stdin.buffer)
world.ingest()
"""


def kill_at(world: World, page: int) -> None:
    """A run in a process of its own, which dies by kill -9 while it waits for this page."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED],
        cwd=REPOSITORY,
        env={**os.environ},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )

    def fault(request: Request) -> Answer | None:
        if world.api.data["/items"].page_of(request) < page:
            return None
        process.send_signal(signal.SIGKILL)
        return Answer(drop=True)

    world.api.fault = fault
    there = replace(world, api=SimpleNamespace(url=world.api.url), results=[])  # type: ignore[arg-type]
    _, told = process.communicate(pickle.dumps(there), timeout=60)
    assert process.returncode == -signal.SIGKILL, told.decode()
    world.api.fault = None


def test_dependent_resources_go_on_with_the_parents_that_are_left(duck: World) -> None:
    duck.rest(
        items=RestResource(),
        lines=RestResource(endpoint=Endpoint("items/{resources.items.id}/lines")),
    )
    duck.api.data["/items"] = [{"id": number} for number in range(6)]
    for number in range(6):
        duck.api.data[f"/items/{number}/lines"] = [{"n": number}]
    duck.api.fault = lambda request: Answer(status=503) if request.path == "/items/4/lines" else None
    with pytest.raises(SourceError, match="503"):
        duck.ingest()
    duck.api.fault = None
    duck.api.requests.clear()
    duck.ingest()
    asked = {request.path for request in duck.api.requests}
    assert "/items/4/lines" in asked
    assert asked <= {"/items/4/lines", "/items/5/lines"}  # the last may have been read ahead
    assert duck.rows("n", "lines") == [(number,) for number in range(6)]


def test_a_file_that_is_damaged_is_asked_for_again(duck: World) -> None:
    pages = paged(duck, items(45, text=BIG))
    cut_off(duck, 3)
    damaged = next(file for file in landed(duck) if file.name == "00000002.json.zst")
    damaged.write_bytes(damaged.read_bytes()[:-20])
    index = next(file for file in landed(duck) if file.name == "answers.jsonl")
    index.write_bytes(index.read_bytes()[:-9])  # and the last line is torn
    duck.ingest()
    assert [pages.asked[page] for page in range(5)] == [2, 2, 2, 1, 1]  # the first as the border
    assert len(duck.rows("id")) == 45


def test_it_begins_anew_where_something_else_is_asked(duck: World) -> None:
    pages = paged(duck, items(45))
    cut_off(duck, 3)
    client(duck, headers={"X-Tenant": "other"})
    duck.ingest()
    assert [pages.asked[page] for page in range(5)] == [2, 2, 2, 1, 1]


def test_it_begins_anew_where_too_much_time_has_passed(duck: World) -> None:
    pages = paged(duck, items(45))
    client(duck, resume_within=timedelta(minutes=5))
    cut_off(duck, 3)
    (folder,) = (duck.root / ".pipeline/test/landed/shop").iterdir()
    begun_at = datetime.now(UTC) - timedelta(minutes=6)
    folder.rename(folder.with_name(begun_at.strftime("%Y%m%dT%H%M%S.%fZ")))
    duck.ingest()
    assert [pages.asked[page] for page in range(5)] == [2, 2, 2, 1, 1]


def test_it_never_goes_on_where_the_manifest_says_so(duck: World) -> None:
    pages = paged(duck, items(45))
    client(duck, resume_within=timedelta(0))
    cut_off(duck, 3)
    duck.ingest()
    assert [pages.asked[page] for page in range(5)] == [2, 2, 2, 1, 1]


def test_what_a_failed_check_refused_is_asked_for_again(duck: World) -> None:
    """The API mends its data; pages that landed before would fail for ever."""
    rows = items(45)
    rows[7]["price"] = "much"
    contract = duck.contract("items", {"properties": {"price": {"type": "number"}}})
    pages = paged(duck, rows, contract=contract, max_rejected=Limit(count=0))
    with pytest.raises(ChecksFailed):
        duck.ingest()
    assert landed(duck) == []
    pages.rows[7]["price"] = 1.5
    duck.ingest()
    assert duck.rows("id, price", where="WHERE id = 7") == [(7, 1.5)]


def test_a_next_link_that_is_too_old_is_no_dead_end(duck: World) -> None:
    pages = paged(duck, items(45), "json_link")
    cut_off(duck, 3)
    begun_anew: list[bool] = []

    def expired(request: Request) -> Answer | None:
        if not request.query.get("page"):
            begun_anew.append(True)
        return None if begun_anew else Answer({"message": "expired"}, status=410)

    duck.api.fault = expired
    result = duck.ingest()
    assert "410" in result.notes[0] and "read anew" in result.notes[0]
    assert duck.account(result) == (45, 45, 0, 0)
    assert [pages.asked[page] for page in range(5)] == [2, 2, 2, 1, 1]


@pytest.mark.parametrize("style", ["page_number", "json_link"])
def test_pages_that_have_moved_are_read_anew(duck: World, style: str) -> None:
    """Without, the record at the border would never be read: another one has gone, and all behind it moved up."""
    pages = paged(duck, items(45), style)
    cut_off(duck, 3)
    gone = pages.rows.pop(5)
    result = duck.ingest()
    assert "other records now" in result.notes[0]
    assert duck.rows("id") == [row for row in ALL if row != (gone["id"],)]


def test_what_comes_behind_does_not_move_pages(duck: World) -> None:
    pages = paged(duck, items(45))
    cut_off(duck, 3)
    pages.rows += [{"id": 45, "at": "2024-01-01T00:59:00Z"}]
    assert duck.ingest().notes == []
    assert [pages.asked[page] for page in range(5)] == [1, 1, 2, 1, 1]
    assert len(duck.rows("id")) == 46


def test_what_is_extracted_but_not_loaded_is_not_gone_on_with(duck: World, monkeypatch: Any) -> None:
    from dlt.pipeline.pipeline import Pipeline

    pages = paged(duck, items(45))
    with monkeypatch.context() as patch:

        def fail(*_: Any, **__: Any) -> None:
            raise RuntimeError("the disk is full")

        patch.setattr(Pipeline, "load", fail)
        with pytest.raises(Exception, match="the disk is full"):
            duck.ingest()
    pages.rows[0]["note"] = "changed since"
    duck.ingest()  # what is pending is loaded, and then the API is asked
    assert pages.asked[0] == 2
    assert duck.rows("id") == ALL


def test_answers_are_kept_as_received_as_long_as_the_resource_says(duck: World) -> None:
    pages = paged(duck, items(15, text=BIG), keep_landed=timedelta(days=7))
    duck.ingest()
    files = [file for file in landed(duck) if file.suffix == ".zst"]
    index = next(file for file in landed(duck) if file.name == "answers.jsonl")
    lines = [json.loads(line) for line in index.read_text().splitlines()]
    bodies = [
        json.loads(pa.decompress(file.read_bytes(), line["bytes"], codec="zstd", asbytes=True))
        for file, line in zip(files, lines, strict=False)
    ]
    assert [body["items"] for body in bodies] == [pages.rows[:10], pages.rows[10:]]
    first = files[0].parents[1]
    first.rename(first.with_name((datetime.now(UTC) - timedelta(days=8)).strftime("%Y%m%dT%H%M%S.%fZ")))
    duck.ingest()
    left = {file.parents[1].name for file in landed(duck) if file.name == "answers.jsonl"}
    assert len(left) == 1  # that of the second run; the first one's time is over


def test_no_secret_lands_and_next_links_with_secrets_are_gone_on_with(duck: World) -> None:
    secret = "c4n4ry/key with=signs"
    pages = paged(duck, items(45, text=BIG), "json_link")
    pages.secret = "c4n4ry%2Fkey%20with%3Dsigns"
    client(duck, auth=ApiKeyAuth("api_key", "api_key", secret, location="query"))
    duck.secrets = frozenset((secret,))
    cut_off(duck, 3)
    for file in landed(duck):
        assert b"c4n4ry" not in file.read_bytes()
    duck.ingest()
    assert [pages.asked[page] for page in range(5)] == [1, 1, 2, 1, 1]
    assert all("c4n4ry" in request.query["api_key"] for request in duck.api.requests)
    assert len(duck.rows("id")) == 45


def test_an_unknown_token_in_next_links_is_masked_and_not_gone_on_with(duck: World) -> None:
    pages = paged(duck, items(45), "json_link")

    def with_token(request: Request) -> Answer:
        answer = pages(request)
        link = answer.body["next"]
        return replace(answer, body={**answer.body, "next": link and f"{link}&access_token=0p4que"})

    with_token.page_of = pages.page_of  # type: ignore[attr-defined]
    duck.api.data["/items"] = with_token
    cut_off(duck, 3)
    assert landed(duck)
    for file in landed(duck):
        assert b"0p4que" not in file.read_bytes()
    duck.ingest()
    assert [pages.asked[page] for page in range(5)] == [2, 2, 2, 1, 1]
    assert len(duck.rows("id")) == 45


def test_a_replayed_source_lands_nothing(duck: World) -> None:
    paged(duck, items(5))
    duck.replay = True
    with pytest.raises(SourceError, match="no recording"):
        duck.ingest()
    assert landed(duck) == []
