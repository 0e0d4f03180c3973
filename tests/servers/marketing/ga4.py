"""A server that answers runReport like the GA4 Data API: offset and limit, headers, quotas.

https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/properties/runReport
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from tests.servers.json_api import Answer, JsonApi, Request

Row = dict[str, Any]
TOKEN = "ya29.example-token-of-the-sample"
PROPERTY = "123456789"
METRICS = {"purchaseRevenue": "TYPE_CURRENCY"}


class Ga4Api(JsonApi):
    """Serves `rows`, a value of each dimension and metric by its name; they may change between requests.

    time_zone: of the property, which dateHourMinute is in. today: the end of a report until "today".
    """

    def __init__(self, rows: Iterable[Row], token: str = TOKEN, time_zone: str = "Etc/GMT") -> None:
        self.rows = list(rows)
        self.access_token = token
        self.time_zone = time_zone
        self.path = f"/properties/{PROPERTY}:runReport"
        super().__init__({self.path: self._report})

    def _report(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {self.access_token}":
            return refusal(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if request.method != "POST":
            return refusal(404, "NOT_FOUND", "The requested URL was not found on this server.")
        body = json.loads(request.body)
        dimensions = [each["name"] for each in body["dimensions"]]
        metrics = [each["name"] for each in body["metrics"]]
        if unknown := [name for name in metrics if name not in METRICS] or len(dimensions) > 9:
            return refusal(400, "INVALID_ARGUMENT", f"Field {unknown} is not a valid metric.")
        found = self._selected(body)
        offset, limit = int(body.get("offset", 0)), min(int(body.get("limit", 10_000)), 250_000)
        report: Row = {
            "dimensionHeaders": [{"name": name} for name in dimensions],
            "metricHeaders": [{"name": name, "type": METRICS[name]} for name in metrics],
            "rows": [_as_row(row, dimensions, metrics) for row in found[offset : offset + limit]],
            "rowCount": len(found),
            "metadata": {"currencyCode": body.get("currencyCode", "USD"), "timeZone": self.time_zone},
            "kind": "analyticsData#runReport",
        }
        if not report["rows"]:
            del report["rows"]  # JSON of protocol buffers leaves out what is empty, and zero
        if not found:
            del report["rowCount"]
        return Answer(report)

    def _selected(self, body: Row) -> list[Row]:
        start, end = (_day(body["dateRanges"][0][name]) for name in ("startDate", "endDate"))
        names = body["dimensionFilter"]["filter"]["inListFilter"]["values"]
        found = [
            row
            for row in self.rows
            if start <= row["dateHourMinute"][:8] <= end and row["eventName"] in names
        ]
        order = [each["dimension"]["dimensionName"] for each in body["orderBys"]]
        return sorted(found, key=lambda row: [row[name] for name in order])


def _as_row(row: Row, dimensions: list[str], metrics: list[str]) -> Row:
    return {
        "dimensionValues": [{"value": row[name]} for name in dimensions],
        "metricValues": [{"value": row[name]} for name in metrics],
    }


def _day(text: str) -> str:
    """2026-10-18, today or 3daysAgo as 20261018."""
    if text == "today":
        return "99991231"
    if text.endswith("daysAgo"):
        text = (date.today() - timedelta(days=int(text.removesuffix("daysAgo")))).isoformat()
    return text.replace("-", "")


def refusal(status: int, name: str, message: str) -> Answer:
    """An error as Google's APIs word it."""
    return Answer({"error": {"code": status, "message": message, "status": name}}, status=status)


def quota_exhausted() -> Answer:
    message = (
        "Exhausted property tokens for a project per hour. These quota tokens will return in under an hour."
    )
    return refusal(429, "RESOURCE_EXHAUSTED", message)
