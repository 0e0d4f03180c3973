"""An API of many pages, in every way in which pages follow one another; it counts who is asked for what.

pages = PagedRows(rows, size=10, style="json_link")
api.data["/items"] = pages
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from pipeline_cli.manifest.paginators import (
    Cursor,
    HeaderCursor,
    HeaderLink,
    JsonLink,
    Offset,
    PageNumber,
    Paginator,
)
from tests.servers.json_api import Answer, Request

PAGINATORS: dict[str, Paginator | None] = {
    "page_number": PageNumber("page_number"),
    "total_pages": PageNumber("page_number", total_path="total_pages"),
    "offset": Offset("offset", limit=10),
    "total": Offset("offset", limit=10, total_path="total"),
    "json_link": JsonLink("json_link"),
    "header_link": HeaderLink("header_link"),
    "header_cursor": HeaderCursor("header_cursor", "X-Next", "after"),
    "cursor": Cursor("cursor", cursor_param="after"),
    "found_out": None,
}


class PagedRows:
    """Rows in pages of `size`, 0-based. asked: how often each page was. secret: stands in every next-link."""

    def __init__(
        self, rows: Sequence[Any], *, size: int = 10, path: str = "/items", secret: str = ""
    ) -> None:
        self.rows = list(rows)
        self.size = size
        self.path = path
        self.secret = secret
        self.asked: Counter[int] = Counter()

    @property
    def page_count(self) -> int:
        return -(-len(self.rows) // self.size)

    def page_of(self, request: Request) -> int:
        """The page that a request asks for, however it does."""
        if "offset" in request.query:
            return int(request.query["offset"]) // self.size
        return int(request.query.get("after", request.query.get("page", 0)))

    def __call__(self, request: Request) -> Answer:
        page = self.page_of(request)
        self.asked[page] += 1
        more = page + 1 < self.page_count
        credit = f"&api_key={self.secret}" if self.secret else ""
        link = f"{self.path}?page={page + 1}{credit}" if more else None
        headers = {"Link": f'<{link}>; rel="next"', "X-Next": str(page + 1)} if link else {}
        body = {
            "items": self.rows[page * self.size : (page + 1) * self.size],
            "next": link,
            "cursors": {"next": str(page + 1) if more else None},
            "total": len(self.rows),
            "total_pages": self.page_count,
        }
        return Answer(body, headers=headers)
