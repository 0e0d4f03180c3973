"""Insights of Meta's Graph API, a record a campaign and day.

https://developers.facebook.com/docs/marketing-api/reference/ad-account/insights
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import dlt
import requests

from pipeline_cli import Derived, SourceError, api_session

FIELDS = ("campaign_id", "campaign_name", "account_currency", "impressions", "clicks", "spend", "actions")
# https://developers.facebook.com/docs/graph-api/overview/rate-limiting
RATE_LIMITS = frozenset((4, 17, 32, 613, *range(80000, 80010), 80014))
EXPIRED_TOKEN, TOO_MUCH = 190, 1


@dlt.source
def meta_ads(
    base_url: str = "https://graph.facebook.com/v24.0",
    account_id: str = "",
    access_token: str = "",
    page_size: int = 500,
    conversion: str = "purchase",
    retry_timeout_s: float = 900,
) -> Any:
    """The insights of one ad account.

    conversion: the action_type whose count is a campaign's conversions.
    retry_timeout_s: the longest to wait for Meta to lift a rate limit, before the run fails.
    """
    address = f"{base_url.rstrip('/')}/act_{account_id.removeprefix('act_')}/insights"

    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if not account_id or not access_token:
            raise SourceError(
                "Meta Ads needs an ad account and a token.",
                hint="Set META_ADS_ACCOUNT_ID and META_ADS_TOKEN.",
            )
        # In a header: a token in the query would be in the logs of whatever stands between.
        request.headers["Authorization"] = f"Bearer {access_token}"
        return request

    session = api_session(
        address,
        auth=sign,
        varying=("time_range",),
        retry_after=seconds_to_wait,
        hint=what_to_do,
        retry_timeout_s=retry_timeout_s,
    )

    @dlt.resource
    def insights(
        date: Any = dlt.sources.incremental("date", initial_value="2025-09-01"),  # noqa: B008
    ) -> Iterator[list[Any]]:
        today = datetime.now(UTC).date().isoformat()
        parameters = {
            "level": "campaign",
            "time_increment": "1",
            "time_range": json.dumps({"since": min(date.start_value, today), "until": today}),
            "fields": ",".join(FIELDS),
            "limit": str(page_size),
        }
        for page in read_pages(session, address, parameters):
            yield [to_insight(row, conversion) if isinstance(row, dict) else row for row in page]

    return insights


def read_pages(session: requests.Session, address: str, parameters: dict[str, str]) -> Iterator[list[Any]]:
    """The records of page after page. The link to the next page bears the token: only its cursor is used."""
    asked: set[str] = set()
    while True:
        answer = session.get(address, params=parameters).json()
        if not isinstance(answer, dict) or not isinstance(answer.get("data"), list):
            raise SourceError("Meta Ads answered without a list of data.")
        yield answer["data"]
        paging = answer.get("paging") or {}
        if "next" not in paging:
            return
        after = (paging.get("cursors") or {}).get("after")
        if not after or after in asked:
            raise SourceError(
                "Meta Ads says that there is a next page, but not where it begins."
                if not after
                else f"Meta Ads leads back to the page at {after[:40]}, which was read already."
            )
        asked.add(after)
        parameters = {**parameters, "after": after}


def to_insight(row: dict[str, Any], conversion: str) -> Derived:
    """A record of the API as a row: numbers for its strings, one number for its list of actions.

    What is no number stays as it is, for the contract to reject.
    """
    columns = {
        "campaign_id": row.get("campaign_id"),
        "campaign_name": row.get("campaign_name"),
        "date": row.get("date_start"),
        "account_currency": row.get("account_currency"),
        "impressions": number(row.get("impressions", "0")),
        "clicks": number(row.get("clicks", "0")),
        "spend": number(row.get("spend", "0")),
        "conversions": sum_of(row.get("actions") or [], conversion),
    }
    return Derived(columns, received=row)


def sum_of(actions: list[Any], kind: str) -> Any:
    """How often an action happened; 0 where the API does not name it."""
    counts = [number(each.get("value")) for each in actions if each.get("action_type") == kind]
    odd = [count for count in counts if not isinstance(count, int | Decimal)]
    return odd[0] if odd else sum(counts)


def number(text: Any) -> Any:
    """An integer or a decimal as exact as it is written."""
    try:
        return int(text) if str(text).isdecimal() else Decimal(text)
    except (InvalidOperation, TypeError, ValueError):
        return text


def error_code(response: requests.Response) -> int | None:
    """The code in an answer that refuses: {"error": {"code": 17, …}}."""
    try:
        code = response.json()["error"]["code"]
    except (ValueError, KeyError, TypeError):
        return None
    return code if isinstance(code, int) else None


def seconds_to_wait(response: requests.Response) -> float | None:
    """Until the account may ask again. Meta tells a rate limit by its code, mostly under status 400."""
    if error_code(response) not in RATE_LIMITS:
        return None
    try:
        usage = json.loads(response.headers["x-business-use-case-usage"])
        minutes = [use["estimated_time_to_regain_access"] for uses in usage.values() for use in uses]
        return max(60.0 * max(minutes), 1.0)
    except (KeyError, ValueError, TypeError, AttributeError):
        return 60.0  # limits are counted by the hour; one that says nothing is mostly over in minutes


def what_to_do(response: requests.Response) -> str | None:
    code = error_code(response)
    if code == EXPIRED_TOKEN:
        return "The access token is expired or revoked: make a new one in Meta's Business settings, for META_ADS_TOKEN."
    if code in RATE_LIMITS:
        return "The ad account's rate limit is used up. Nothing is lost: run again later."
    if code == TOO_MUCH:
        return "Where Meta cannot answer for so many days and campaigns at once, ask for smaller pages: page_size."
    if code in (10, 200, 294):
        return "The token needs the permission ads_read, and its user a role in the ad account META_ADS_ACCOUNT_ID."
    return None
