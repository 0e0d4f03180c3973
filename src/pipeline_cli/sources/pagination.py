"""Paginators of dlt, watched: a page that was asked for already means a loop, not more data.

Where none is declared, dlt finds out from the first answer (a Link header, a next address, a number of pages, a
cursor), so that a source is never cut to its first page without a word; `type: single_page` turns that off.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlt.common import jsonpath
from dlt.sources.helpers.rest_client.paginators import BasePaginator, RangePaginator, SinglePagePaginator
from requests import Request, Response

from pipeline_cli.errors import SourceError
from pipeline_cli.sources.answer_hooks import AnswerHook
from pipeline_cli.sources.http_errors import describe
from pipeline_cli.sources.landing.stability import Border

if TYPE_CHECKING:
    from pipeline_cli.sources.read_ahead import ReadAhead

_OF_ONE_CONNECTION = 2  # pages ahead: one under way, and one that waits (sources.build.read_ahead_width)
_MANY_PAGES = 10


@dataclass(frozen=True, slots=True)
class Reading:
    """How a resource is read. selector: where its records are; None where that is found out.

    hooks: see each answer as it comes in. ahead: is told which pages come next.
    """

    resource: str
    timeout_s: float
    selector: str | None = None
    hooks: Sequence[AnswerHook] = ()
    ahead: ReadAhead | None = None


class WatchedPaginator(BasePaginator):
    """Any paginator of dlt, plus two refusals: a repeated request, and a resource that takes too long.

    dlt notices neither a next-link that repeats nor one that goes round in a circle.
    """

    def __init__(self, inner: BasePaginator | None, reading: Reading) -> None:
        """inner: None where it is found out from the first answer."""
        super().__init__()
        self._template = inner
        self._border: Border | None = None
        self._expected: set[bytes] = set()
        self._total: int | None = None
        self._width = 1
        self._inner: BasePaginator = inner or SinglePagePaginator()
        self._reading = reading
        self._asked: set[str] = set()
        self._begun: set[int] = set()  # pages by number or offset that were expected
        self._give_up_at: float | None = None
        self._is_found_out = inner is not None

    def __deepcopy__(self, memo: dict[int, Any]) -> WatchedPaginator:
        template = copy.deepcopy(self._template, memo)
        return WatchedPaginator(template, self._reading)

    @property
    def has_next_page(self) -> bool:
        return self._inner.has_next_page

    def init_request(self, request: Request) -> None:
        request.hooks["response"][:0] = self._reading.hooks
        if self._reading.ahead is not None:
            self._border = Border(self._reading.ahead.session, self._reading.resource, self._reading.selector)
        # A parent's records each start a round of their own; the deadline is that of all rounds together.
        if self._template is not None:
            self._inner = copy.deepcopy(self._template)
            self._inner.init_request(request)
        self._is_found_out = self._template is not None
        self._asked = {_fingerprint(request)}
        self._begun = set()
        self._give_up_at = self._give_up_at or time.monotonic() + self._reading.timeout_s

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        if self._give_up_at is not None and time.monotonic() > self._give_up_at:
            raise SourceError(
                f"Resource {self._reading.resource} took longer than {self._reading.timeout_s:,.0f} s; "
                "nothing of it was loaded.",
                code="E316",
                hint="Read less at a time with incremental:, or raise client.resource_timeout.",
            )
        if self._border is not None:
            self._border.cross(response)
        if not self._is_found_out:
            self._inner, self._is_found_out = _find_paginator(response), True
        self._inner.update_state(response, data)
        if isinstance(self._inner, RangePaginator) and self._inner.total_path:
            self._total = int(jsonpath.find_values(self._inner.total_path, response.json())[0])

    def update_request(self, request: Request) -> None:
        self._inner.update_request(request)
        if not self._inner.has_next_page:
            if self._reading.ahead is not None:
                self._reading.ahead.forget(self._expected)
            return
        fingerprint = _fingerprint(request)
        if fingerprint in self._asked:
            raise SourceError(
                f"Resource {self._reading.resource}: the next page is one that was read already ({describe(request)}); "
                "the API's next-links go round in a circle.",
                code="E317",
                hint="Check the paginator's type and where it looks for the next page.",
            )
        self._asked.add(fingerprint)
        if self._reading.ahead is not None:
            self._look_ahead(request, self._reading.ahead)

    def _look_ahead(self, request: Request, ahead: ReadAhead) -> None:
        """Expect the next page, and of pages by number or offset those behind it.

        Where the API tells no total, ever more with each page that there is: past the end, at most as many are asked
        for in vain as are read ahead. With one connection only what is done with an answer takes place side by side:
        that is not worth a request in vain before there were many that were not.
        """
        inner = self._inner
        if not isinstance(inner, RangePaginator):
            self._expected.add(ahead.expect(_copy_of(request)))
            return
        if self._total is not None:
            self._width = ahead.width
        elif ahead.width > _OF_ONE_CONNECTION or len(self._asked) > _MANY_PAGES:
            self._width = min(2 * self._width, ahead.width)
        for number in range(self._width):
            later = copy.copy(inner)
            later.current_value += number * inner.value_step
            if number and not self._is_there(later):
                return
            if later.current_value not in self._begun:
                self._begun.add(later.current_value)
                page = _copy_of(request)
                later.update_request(page)
                self._expected.add(ahead.expect(page))

    def _is_there(self, page: RangePaginator) -> bool:
        """Whether this can be a page, as far as is known."""
        if self._total is not None and page.current_value >= self._total + page.base_index:
            return False
        return page.maximum_value is None or page.current_value < page.maximum_value


def _find_paginator(response: Response) -> BasePaginator:
    from dlt.sources.helpers.rest_client.detector import PaginatorFactory

    found, _ = PaginatorFactory().create_paginator(response)
    return found or SinglePagePaginator()


def _copy_of(request: Request) -> Request:
    """Another request for the same, with what a paginator changes of its own."""
    found = copy.copy(request)
    found.headers, found.params = copy.copy(request.headers), copy.copy(request.params)
    found.json = copy.deepcopy(request.json)
    return found


def _fingerprint(request: Request) -> str:
    return json.dumps(
        [request.method, request.url, request.params, request.json], sort_keys=True, default=str
    )
