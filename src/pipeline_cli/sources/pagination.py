"""Paginators of dlt, watched: a page that was asked for already means a loop, not more data.

Where none is declared, dlt finds out from the first answer (a Link header, a next address, a number of pages, a
cursor), so that a source is never cut to its first page without a word; `type: single_page` turns that off.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Sequence
from typing import Any

from dlt.sources.helpers.rest_client.paginators import BasePaginator, SinglePagePaginator
from requests import Request, Response

from pipeline_cli.errors import SourceError
from pipeline_cli.sources.answer_hooks import AnswerHook
from pipeline_cli.sources.http_errors import describe


class WatchedPaginator(BasePaginator):
    """Any paginator of dlt, plus two refusals: a repeated request, and a resource that takes too long.

    dlt notices neither a next-link that repeats nor one that goes round in a circle.
    """

    def __init__(
        self,
        inner: BasePaginator | None,
        resource: str,
        timeout_s: float,
        hooks: Sequence[AnswerHook] = (),
    ) -> None:
        """inner: None where it is found out from the first answer. hooks: see each answer as it comes in."""
        super().__init__()
        self._template = inner
        self._hooks = hooks
        self._inner: BasePaginator = inner or SinglePagePaginator()
        self._resource = resource
        self._timeout_s = timeout_s
        self._asked: set[str] = set()
        self._give_up_at: float | None = None
        self._is_found_out = inner is not None

    @property
    def has_next_page(self) -> bool:
        return self._inner.has_next_page

    def init_request(self, request: Request) -> None:
        request.hooks["response"][:0] = self._hooks
        # A parent's records each start a round of their own; the deadline is that of all rounds together.
        if self._template is not None:
            self._inner = copy.deepcopy(self._template)
            self._inner.init_request(request)
        self._is_found_out = self._template is not None
        self._asked = {_fingerprint(request)}
        self._give_up_at = self._give_up_at or time.monotonic() + self._timeout_s

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        if self._give_up_at is not None and time.monotonic() > self._give_up_at:
            raise SourceError(
                f"Resource {self._resource} took longer than {self._timeout_s:,.0f} s; nothing of it was loaded.",
                code="E316",
                hint="Read less at a time with incremental:, or raise client.resource_timeout.",
            )
        if not self._is_found_out:
            self._inner, self._is_found_out = _find_paginator(response), True
        self._inner.update_state(response, data)

    def update_request(self, request: Request) -> None:
        self._inner.update_request(request)
        if not self._inner.has_next_page:
            return
        fingerprint = _fingerprint(request)
        if fingerprint in self._asked:
            raise SourceError(
                f"Resource {self._resource}: the next page is one that was read already ({describe(request)}); "
                "the API's next-links go round in a circle.",
                code="E317",
                hint="Check the paginator's type and where it looks for the next page.",
            )
        self._asked.add(fingerprint)


def _find_paginator(response: Response) -> BasePaginator:
    from dlt.sources.helpers.rest_client.detector import PaginatorFactory

    found, _ = PaginatorFactory().create_paginator(response)
    return found or SinglePagePaginator()


def _fingerprint(request: Request) -> str:
    return json.dumps(
        [request.method, request.url, request.params, request.json], sort_keys=True, default=str
    )
