"""A server that answers /act_<id>/insights like Meta's Graph API: cursors, limits, tokens, errors.

https://developers.facebook.com/docs/marketing-api/reference/ad-account/insights
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from tests.servers.json_api import Answer, JsonApi, Request

Row = dict[str, Any]
TOKEN = "EAABsbCS1iHgBAexampleTokenOfTheSample"
ACCOUNT = "1234567890"


class MetaAdsApi(JsonApi):
    """Serves `rows`, insights as the API gives them; they may change between requests."""

    def __init__(self, rows: Iterable[Row], token: str = TOKEN, account: str = ACCOUNT) -> None:
        self.rows = list(rows)
        self.access_token = token
        self.path = f"/act_{account}/insights"
        super().__init__({self.path: self._insights})

    def _insights(self, request: Request) -> Answer:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.access_token not in (bearer, request.query.get("access_token")):
            return expired_token()
        if request.query.get("level") != "campaign" or request.query.get("time_increment") != "1":
            return refusal(100, "(#100) Only campaigns by day are served here", status=400)
        span = json.loads(request.query["time_range"])
        fields = [*request.query["fields"].split(","), "date_start", "date_stop"]
        found = [row for row in self.rows if span["since"] <= row["date_start"] <= span["until"]]
        limit, start = int(request.query.get("limit", 25)), _offset(request.query.get("after"))
        page = [{name: row[name] for name in fields if name in row} for row in found[start : start + limit]]
        return Answer(self._page(request, page, start, has_next=start + limit < len(found)))

    def _page(self, request: Request, page: list[Row], start: int, *, has_next: bool) -> Row:
        if not page:
            return {"data": []}
        paging: Row = {"cursors": {"before": _cursor(start), "after": _cursor(start + len(page))}}
        if has_next:
            query = {**request.query, "access_token": self.access_token, "after": paging["cursors"]["after"]}
            paging["next"] = f"{self.url}{self.path}?{urlencode(query)}"
        return {"data": page, "paging": paging}


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(f"offset:{offset}".encode()).decode()


def _offset(cursor: str | None) -> int:
    return 0 if cursor is None else int(base64.urlsafe_b64decode(cursor).decode().removeprefix("offset:"))


def refusal(code: int, message: str, *, status: int, headers: dict[str, str] | None = None) -> Answer:
    """An error as the Graph API words it."""
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "AexampleTrace"}
    return Answer({"error": error}, status=status, headers=headers or {})


def expired_token() -> Answer:
    message = "Error validating access token: Session has expired on Friday, 20-Nov-26 09:00:00 PST."
    return refusal(190, message, status=400)


def rate_limit(code: int = 80004, minutes: int | None = 0, status: int = 400) -> Answer:
    """A rate limit of the ad account; minutes: until it may ask again, None where the header is left out."""
    message = "(#80004) There have been too many calls to this ad-account. Wait a bit and try again."
    usage = [{"type": "ads_insights", "call_count": 100, "estimated_time_to_regain_access": minutes}]
    headers = {} if minutes is None else {"x-business-use-case-usage": json.dumps({ACCOUNT: usage})}
    return refusal(code, message, status=status, headers=headers)
