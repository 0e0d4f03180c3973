"""Requests side by side: in order, within the connections and the rate that are allowed, and no further than needed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
import requests
from dlt.extract import DltSource

from pipeline_cli.errors import SourceError, StepError
from pipeline_cli.loading.errors import translate
from pipeline_cli.manifest.sources import Client, Endpoint, RateLimit, RestApiSource, RestResource
from pipeline_cli.sources.build import http_limits, read_ahead_width
from pipeline_cli.sources.http import open_session
from pipeline_cli.sources.http_limits import HttpLimits, sleep_unless
from pipeline_cli.sources.read_ahead import ReadAhead
from pipeline_cli.sources.rest_api import build_rest_source
from tests.servers.json_api import Answer, JsonApi, Request
from tests.servers.paged_api import PAGINATORS, PagedRows

CONNECTIONS = 4


class Watched:
    """Answers slowly enough for requests to meet, and knows how many were there at once, and when each came."""

    def __init__(self, answer: Callable[[Request], Answer], delay_s: float = 0.02) -> None:
        self._answer = answer
        self._delay_s = delay_s
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0
        self.came_at: list[float] = []

    def __call__(self, request: Request) -> Answer:
        with self._lock:
            self.came_at.append(time.monotonic())
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(self._delay_s)
        answer = self._answer(request)
        with self._lock:
            self._now -= 1
        return answer


@pytest.fixture(autouse=True)
def _one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a run has it: the dependents of a page of parents before the next page (loading/pipeline.py)."""
    monkeypatch.setenv("EXTRACT__NEXT_ITEM_MODE", "fifo")


@pytest.fixture
def api() -> Iterator[JsonApi]:
    with JsonApi({}) as api:
        yield api


def entry_of(api: JsonApi, style: str, *, parallel: bool = True, **client: Any) -> RestApiSource:
    endpoint = Endpoint("items", paginator=PAGINATORS[style], data_selector="items")
    return RestApiSource(
        "rest_api",
        Client(api.url, **client),
        {"items": RestResource(endpoint=endpoint)},
        parallel=parallel,
        max_parallel=CONNECTIONS,
    )


def open_source(entry: RestApiSource, cancelled: threading.Event | None = None) -> DltSource:
    limits = replace(http_limits(entry), sleep=sleep_unless(cancelled or threading.Event()))
    session = open_session(limits)
    session.ahead = ReadAhead(session, read_ahead_width(entry), limits.sleep)
    return build_rest_source("shop", entry, session)


def read(entry: RestApiSource, resource: str = "items", key: str = "id") -> list[Any]:
    try:
        return [row[key] for row in open_source(entry).resources[resource]]
    except Exception as error:
        raise translate(error, "shop", "") from error


@pytest.fixture
def pages(api: JsonApi) -> PagedRows:
    return PagedRows([{"id": number} for number in range(195)])


@pytest.mark.parametrize("style", ["page_number", "total_pages", "offset", "total"])
def test_pages_come_side_by_side_and_in_order(api: JsonApi, pages: PagedRows, style: str) -> None:
    api.data["/items"] = watched = Watched(pages)
    assert read(entry_of(api, style)) == list(range(195))
    assert 1 < watched.most <= CONNECTIONS
    assert [pages.asked[page] for page in range(20)] == [1] * 20
    in_vain = sum(pages.asked.values()) - 20
    assert in_vain == 0 if "total" in style else in_vain <= CONNECTIONS + 1


@pytest.mark.parametrize("style", [*PAGINATORS])
def test_without_parallel_one_request_is_under_way_at_a_time(api: JsonApi, style: str) -> None:
    pages = PagedRows([{"id": number} for number in range(85)])
    api.data["/items"] = watched = Watched(pages, delay_s=0.0)
    assert read(entry_of(api, style, parallel=False)) == list(range(85))
    assert watched.most == 1
    assert sum(pages.asked.values()) == 9 + (style in ("page_number", "offset"))  # and the empty page


def test_links_are_followed_one_by_one(api: JsonApi, pages: PagedRows) -> None:
    api.data["/items"] = watched = Watched(pages, delay_s=0.0)
    assert read(entry_of(api, "json_link")) == list(range(195))
    assert watched.most == 1


def test_the_next_page_is_on_its_way_while_one_is_worked_on(api: JsonApi, pages: PagedRows) -> None:
    """The consumer waits for a request that it did not ask for: it would wait for ever without."""
    second = threading.Event()

    def answer(request: Request) -> Answer:
        if pages.page_of(request) == 1:
            second.set()
        return pages(request)

    api.data["/items"] = answer
    records = iter(open_source(entry_of(api, "json_link", parallel=False)).resources["items"])
    next(records)
    assert second.wait(10)


def test_no_more_pages_are_read_ahead_than_there_is_room_for(api: JsonApi, pages: PagedRows) -> None:
    api.data["/items"] = Watched(pages, delay_s=0.0)
    records = iter(open_source(entry_of(api, "total")).resources["items"])
    list(islice(records, 35))  # into the fourth page
    time.sleep(0.3)  # whatever is under way comes in
    assert sum(pages.asked.values()) <= 4 + CONNECTIONS + 1


def test_of_many_pages_two_are_read_ahead_by_one_connection(api: JsonApi) -> None:
    """While one answer is taken apart the next is on its way; the only request in vain is one past the end."""
    pages = PagedRows([{"id": number} for number in range(400)])
    api.data["/items"] = watched = Watched(pages, delay_s=0.0)
    records = iter(open_source(entry_of(api, "page_number", parallel=False)).resources["items"])
    list(islice(records, 295))  # into the thirtieth page
    deadline = time.monotonic() + 10
    while len(watched.came_at) < 32 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)  # whatever else is under way comes in
    assert len(watched.came_at) == 32
    assert len(list(records)) == 105
    assert watched.most == 1
    assert sum(pages.asked.values()) <= 42


def test_what_was_sent_ahead_is_not_prepared_again(api: JsonApi, pages: PagedRows) -> None:
    """That takes longer than all else that is done for a page."""
    api.data["/items"] = pages
    limits = http_limits(entry_of(api, "page_number"))
    session = open_session(limits)
    session.ahead = ReadAhead(session, 2, limits.sleep)
    wanted = [requests.Request("GET", f"{api.url}/items", params={"page": page}) for page in (1, 2)]
    for each in wanted:
        session.ahead.expect(each)
    again = requests.Request("GET", f"{api.url}/items", params={"page": 2})
    prepared = session.prepare_request(again)
    assert prepared is session.prepare_request(wanted[1])
    assert prepared.url == f"{api.url}/items?page=2"
    assert session.send(prepared).json()["items"][0]["id"] == 20
    assert pages.asked == {1: 1, 2: 1}
    assert session.prepare_request(again) is not prepared  # it was asked for: this is another one
    other = requests.Request("GET", f"{api.url}/items", params={"page": 1}, headers={"X-Token": "new"})
    assert session.prepare_request(other).headers["X-Token"] == "new"


def test_proxies_are_looked_up_for_each_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.com:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example.com")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/certificates.pem")
    session = open_session(HttpLimits(frozenset()))
    found = {
        host: session.merge_environment_settings(f"http://{host}.example.com/x", {}, None, None, None)
        for host in ("outside", "inside", "outside")
    }
    assert [dict(each["proxies"]).get("http") for each in found.values()] == [
        "http://proxy.example.com:3128",
        None,
    ]
    assert found["outside"]["verify"] == "/certificates.pem"


def dependents(api: JsonApi, entry: RestApiSource) -> RestApiSource:
    """Thirty parents with three lines each, in two pages."""
    lines = RestResource(
        endpoint=Endpoint(
            "items/{resources.items.id}/lines", paginator=PAGINATORS["page_number"], data_selector="items"
        ),
        include_from_parent=("id",),
    )
    pages = PagedRows([{"id": number} for number in range(30)])
    api.data["/items"] = pages
    for number in range(30):
        rows = [{"n": 100 * number + line} for line in range(3)]
        api.data[f"/items/{number}/lines"] = PagedRows(rows, size=2)
    return replace(entry, resources={**entry.resources, "lines": lines})


@pytest.mark.parametrize("parallel", [True, False])
def test_dependent_requests_come_side_by_side_and_in_the_parents_order(api: JsonApi, parallel: bool) -> None:
    entry = dependents(api, entry_of(api, "total", parallel=parallel))
    watched = Watched(lambda request: Answer(status=500))
    whole, api.data = dict(api.data), {}
    for path, answer in whole.items():
        api.data[path] = watched_part(watched, answer)
    rows = read(entry, "lines", "n")
    assert rows == [100 * number + line for number in range(30) for line in range(3)]
    assert 1 < watched.most <= CONNECTIONS if parallel else watched.most == 1


def watched_part(watched: Watched, answer: Callable[[Request], Answer]) -> Callable[[Request], Answer]:
    """This path's answers, counted together with those of the other paths."""

    def part(request: Request) -> Answer:
        watched(request)
        return answer(request)

    return part


def test_a_failure_belongs_to_the_page_that_is_asked_for(api: JsonApi, pages: PagedRows) -> None:
    api.data["/items"] = pages
    api.fault = lambda request: Answer(status=404) if pages.page_of(request) == 7 else None
    records = iter(open_source(entry_of(api, "total")).resources["items"])
    assert [row["id"] for row in islice(records, 70)] == list(range(70))
    with pytest.raises(Exception, match="404"):
        next(records)


def test_a_failure_behind_the_last_page_is_none(api: JsonApi, pages: PagedRows) -> None:
    api.data["/items"] = pages
    api.fault = lambda request: Answer(status=404) if pages.page_of(request) > 20 else None
    assert read(entry_of(api, "page_number")) == list(range(195))


def test_a_run_that_is_to_stop_waits_for_no_answer(api: JsonApi, pages: PagedRows) -> None:
    cancelled, let_go = threading.Event(), threading.Event()

    def answer(request: Request) -> Answer:
        if pages.page_of(request) >= 2:
            cancelled.set()
            let_go.wait(30)
        return pages(request)

    api.data["/items"] = answer
    try:
        with pytest.raises(Exception, match="interrupted") as stopped:
            list(open_source(entry_of(api, "total"), cancelled).resources["items"])
        assert isinstance(translate(stopped.value, "shop", ""), StepError)
        assert not let_go.is_set()
    finally:
        let_go.set()


# -- rates ---------------------------------------------------------------------------------------------------


def test_no_more_requests_than_declared_in_any_span(api: JsonApi, pages: PagedRows) -> None:
    api.data["/items"] = watched = Watched(pages, delay_s=0.0)
    entry = entry_of(api, "total", rate_limit=RateLimit(5, timedelta(milliseconds=300)))
    assert read(entry) == list(range(195))
    came = sorted(watched.came_at)
    assert all(later - earlier >= 0.3 for earlier, later in zip(came, came[5:], strict=False))


class Limited:
    """Takes so many requests in each second of its own clock, and refuses the others."""

    def __init__(self, answer: Callable[[Request], Answer], count: int, tell: str) -> None:
        self._answer = answer
        self._count = count
        self._tell = tell
        self._lock = threading.Lock()
        self._begun = time.monotonic()
        self._taken = 0
        self.refused = 0

    def __call__(self, request: Request) -> Answer:
        with self._lock:
            now = time.monotonic()
            if now - self._begun >= 1.0:
                self._begun, self._taken = now, 0
            reset_s = 1.0 - (now - self._begun)
            if self._taken >= self._count:
                self.refused += 1
                return Answer(status=429, headers={"Retry-After": "1"})
            self._taken += 1
            left = self._count - self._taken
        answer = self._answer(request)
        return replace(answer, headers={**answer.headers, **self._headers(left, reset_s)})

    def _headers(self, left: int, reset_s: float) -> dict[str, str]:
        if self._tell == "draft":
            return {"RateLimit": f'"default";r={left};t={int(reset_s) + 1}'}
        if self._tell == "date":
            return {
                "X-RateLimit-Remaining": str(left),
                "X-RateLimit-Reset": str(time.time() + reset_s + 0.01),
            }
        return {}


@pytest.mark.parametrize("tell", ["draft", "date"])
def test_an_api_that_tells_what_is_left_never_has_to_refuse(api: JsonApi, tell: str) -> None:
    pages = PagedRows([{"id": number} for number in range(120)])
    api.data["/items"] = limited = Limited(pages, 5, tell)
    assert read(entry_of(api, "total")) == list(range(120))
    assert limited.refused == 0


def test_an_api_that_only_refuses_is_asked_no_faster_afterwards(api: JsonApi) -> None:
    pages = PagedRows([{"id": number} for number in range(200)])
    api.data["/items"] = limited = Limited(pages, 6, "")
    assert read(entry_of(api, "total")) == list(range(200))
    assert limited.refused <= CONNECTIONS  # those that were under way when it first refused


def test_a_declared_rate_is_one_for_all_resources(api: JsonApi) -> None:
    entry = dependents(api, entry_of(api, "total", rate_limit=RateLimit(10, timedelta(milliseconds=200))))
    watched = Watched(lambda request: Answer(), delay_s=0.0)
    api.data = {path: watched_part(watched, answer) for path, answer in api.data.items()}
    source = open_source(entry)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: list(source.resources[name]), ["items", "lines"]))
    came = sorted(watched.came_at)
    assert all(later - earlier >= 0.2 for earlier, later in zip(came, came[10:], strict=False))


def test_a_long_wait_that_is_asked_for_is_an_error_as_before(api: JsonApi, pages: PagedRows) -> None:
    api.data["/items"] = lambda request: Answer(status=429, headers={"Retry-After": "3600"})
    with pytest.raises(SourceError, match="asks to wait 3,600 s"):
        read(entry_of(api, "total"))
