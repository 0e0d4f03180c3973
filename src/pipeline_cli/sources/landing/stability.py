"""Whether the pages behind a landed one are still those that follow it.

Between a kill and the next run records may come, go or move: pages by number and offset shift, and a record at their
border would be read twice or, worse, never. So where fresh pages follow landed ones, the last landed page is asked
for once more: with the same records, nothing before it has moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline_cli.contracts.json_values import parse_json
from pipeline_cli.errors import SourceError
from pipeline_cli.sources.landing.adapter import is_landed

if TYPE_CHECKING:
    import requests


class PagesMovedError(SourceError):
    """A landed page has other records now."""


class Border:
    """Looks at the answers of one resource in their order. selector: where their records are; None: found out."""

    def __init__(self, session: requests.Session, resource: str, selector: str | None) -> None:
        self._session = session
        self._resource = resource
        self._selector = selector
        self._landed: requests.Response | None = None  # the last answer, where it had landed

    def cross(self, response: requests.Response) -> None:
        """The next answer has come in. Raises PagesMovedError where the landed one before it is not what it was."""
        if is_landed(response):
            self._landed = response
            return
        before, self._landed = self._landed, None
        if before is None:
            return
        request = before.request.copy()
        request.hooks = {"response": []}  # it does not land once more
        again = self._session.send(request)
        if again.content != before.content and self._records(again.json()) != self._records(
            parse_json(before.content)
        ):
            raise PagesMovedError(
                f"resource {self._resource}: a page that had been read has other records now"
            )

    def _records(self, document: Any) -> Any:
        from dlt.common import jsonpath
        from dlt.sources.helpers.rest_client.detector import find_response_page_data

        if self._selector:
            return jsonpath.find_values(self._selector, document)
        return find_response_page_data(document)[1]
