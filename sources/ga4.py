"""Events of a GA4 property, a record a combination of dimensions: runReport of the Data API.

https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/properties/runReport
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import dlt
import requests

from pipeline_cli import Derived, SourceError, api_session

SCOPE = "https://www.googleapis.com/auth/analytics.readonly"
NOT_SET = "(not set)"


@dlt.source
def ga4(
    base_url: str = "https://analyticsdata.googleapis.com/v1beta",
    property_id: str = "",
    access_token: str = "",
    service_account_file: str = "",
    user_dimension: str = "customUser:user_pseudo_id",
    page_size: int = 10_000,
    retry_timeout_s: float = 300,
) -> Any:
    """The events of one property that are a purchase or lead to one.

    access_token, service_account_file: one of the two. page_size: rows an answer, 250,000 at most.
    """
    address = f"{base_url.rstrip('/')}/properties/{property_id}:runReport"
    session = api_session(
        address,
        auth=signer(property_id, access_token, service_account_file),
        varying=("dateRanges",),
        hint=what_to_do,
        retry_timeout_s=retry_timeout_s,
    )
    # Dimension to column. The Data API knows no user_pseudo_id of its own: the property registers one.
    dimensions = {
        "dateHourMinute": "event_ts",
        "eventName": "event_name",
        user_dimension: "user_pseudo_id",
        "transactionId": "transaction_id",
        "sessionSource": "source",
        "sessionMedium": "medium",
        "sessionCampaignName": "campaign_name",
    }

    @dlt.resource
    def events(
        event_ts: Any = dlt.sources.incremental("event_ts", initial_value="2025-09-01T00:00:00Z"),  # noqa: B008
    ) -> Iterator[list[Any]]:
        report = {
            "dateRanges": [{"startDate": first_day(event_ts.start_value).isoformat(), "endDate": "today"}],
            "dimensions": [{"name": name} for name in dimensions],
            "metrics": [{"name": "purchaseRevenue"}],
            "currencyCode": "USD",
            "dimensionFilter": {
                "filter": {"fieldName": "eventName", "inListFilter": {"values": ["purchase", "add_to_cart"]}}
            },
            # Pages are cut from one order only if it is a whole one.
            "orderBys": [{"dimension": {"dimensionName": name}} for name in dimensions],
        }
        for rows, zone in read_pages(session, address, report, page_size):
            yield [to_event(row, dimensions, zone) for row in rows]

    return events


def first_day(start: Any) -> date:
    """The day to ask from: a property's days may begin up to half a day off UTC's."""
    moment = start if isinstance(start, datetime) else datetime.fromisoformat(str(start))
    return moment.date() - timedelta(days=1)


def read_pages(
    session: requests.Session, address: str, report: dict[str, Any], limit: int
) -> Iterator[tuple[list[dict[str, str]], ZoneInfo]]:
    """(rows by their headers' names, the property's time zone) of page after page, until all of rowCount are read."""
    offset = 0
    while True:
        answer = session.post(address, json={**report, "offset": offset, "limit": limit}).json()
        if not isinstance(answer, dict) or "metadata" not in answer:
            raise SourceError("GA4 answered with something that is no report.")
        rows = answer.get("rows", [])
        names = [
            each["name"] for kind in ("dimensionHeaders", "metricHeaders") for each in answer.get(kind, [])
        ]
        yield [by_name(row, names) for row in rows], ZoneInfo(answer["metadata"].get("timeZone", "UTC"))
        offset += len(rows)
        if offset >= answer.get("rowCount", 0):
            return
        if not rows:
            raise SourceError(
                f"GA4 gave {offset} rows and said that there are {answer['rowCount']}.", hint="Run again."
            )


def by_name(row: dict[str, Any], names: list[str]) -> dict[str, str]:
    values = [each.get("value") for kind in ("dimensionValues", "metricValues") for each in row.get(kind, [])]
    if len(values) != len(names):
        raise SourceError(f"GA4 gave a row of {len(values)} values below {len(names)} headers.")
    return dict(zip(names, values, strict=True))


def to_event(row: dict[str, str], dimensions: dict[str, str], zone: ZoneInfo) -> Derived:
    """A row of the report as a record. What cannot be read stays as it is, for the contract to reject."""
    event: dict[str, Any] = {column: known(row[name]) for name, column in dimensions.items()}
    event["event_ts"] = utc(event["event_ts"], zone)
    event["value_usd"] = amount(row["purchaseRevenue"])
    return Derived({"event_id": event_id(event), **event}, received=row)


def known(value: str) -> str | None:
    return None if value in (NOT_SET, "") else value


def utc(text: str | None, zone: ZoneInfo) -> Any:
    """202509011149 of the property's clock, as ISO 8601 in UTC; the first of the two where clocks are put back."""
    try:
        moment = datetime.strptime(text or "", "%Y%m%d%H%M").replace(tzinfo=zone)
    except ValueError:
        return text
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def amount(text: str) -> Any:
    try:
        return round(Decimal(text), 2)
    except InvalidOperation:
        return text


def event_id(event: dict[str, Any]) -> str:
    """The same for the same event, though Google attributes it to another campaign later.

    A purchase is its transaction, time and visitor. Other events have no transaction: there all dimensions count.
    """
    key = ["event_ts", "user_pseudo_id", "transaction_id"]
    if event["transaction_id"] is None:
        key += ["event_name", "source", "medium", "campaign_name"]
    text = json.dumps([event[name] for name in key], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def signer(
    property_id: str, access_token: str, service_account_file: str
) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    """Signs requests with the token, or with one that Google gives for the service account's key."""
    by_key = bool(service_account_file) and not access_token
    token = token_of_service_account(service_account_file) if by_key else lambda: access_token

    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if not property_id or not (bearer := token()):
            raise SourceError(
                "GA4 needs a property and a key.",
                hint="Set GA4_PROPERTY_ID and GA4_SERVICE_ACCOUNT_FILE, or GA4_ACCESS_TOKEN.",
            )
        request.headers["Authorization"] = f"Bearer {bearer}"
        return request

    return sign


def token_of_service_account(file: str) -> Callable[[], str]:
    """Gives a token that is valid for some minutes yet. Raises SourceError when called."""
    held: list[Any] = []

    def token() -> str:
        try:
            from google.auth.transport.requests import Request
            from google.oauth2.service_account import Credentials
        except ImportError as error:
            raise SourceError(
                "GA4_SERVICE_ACCOUNT_FILE needs the package google-auth.",
                hint="Run: pip install 'pipeline-cli[gcs]', or set GA4_ACCESS_TOKEN.",
            ) from error
        try:
            if not held:
                held.append(Credentials.from_service_account_file(file, scopes=[SCOPE]))
            if not held[0].valid:
                held[0].refresh(Request())
        except Exception as error:  # the file's, the key's or the token server's: it may show the key
            raise SourceError(
                f"No token for the service account in {file}: {type(error).__name__}.",
                hint="Check GA4_SERVICE_ACCOUNT_FILE: the JSON key of a service account that is not revoked.",
            ) from error
        return str(held[0].token)

    return token


def what_to_do(response: requests.Response) -> str | None:
    if response.status_code == 401:
        return "The access token is expired: set a new GA4_ACCESS_TOKEN, or use GA4_SERVICE_ACCOUNT_FILE."
    if response.status_code == 403:
        return "Enable the Analytics Data API, and make the service account a Viewer of the property GA4_PROPERTY_ID."
    if response.status_code == 429:
        return "The property's quota is used up. Nothing is lost: run again in an hour."
    return None
