"""The source ga4 against a server that behaves like the Data API: pages, headers, time zones, quotas, errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.errors import SourceError
from tests.project.marketing_world import Marketing, marketing_world
from tests.servers.json_api import Answer, Request
from tests.servers.marketing.ga4 import TOKEN, quota_exhausted, refusal

COLUMNS = (
    *("event_ts", "event_name", "user_pseudo_id", "transaction_id"),
    *("source", "medium", "campaign_name", "value_usd"),
)
FAULTS = (quota_exhausted(), Answer({}, status=500), Answer({}, status=503), Answer(drop=True))


@pytest.fixture(params=["duckdb", "postgres"])
def world(request: pytest.FixtureRequest, project_copy: Path) -> Iterator[Marketing]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    with marketing_world(project_copy, url) as world:
        yield world


@pytest.fixture
def duck(project_copy: Path) -> Iterator[Marketing]:
    """On DuckDB, for what does not hang on the warehouse."""
    with marketing_world(project_copy) as world:
        yield world


def event(number: int, minute: str = "202601051230", **changed: str) -> dict[str, str]:
    """A row of the report by the names of its dimensions and metrics."""
    row = {
        "dateHourMinute": minute,
        "eventName": "purchase",
        "customUser:user_pseudo_id": f"1000000{number}.1767000000",
        "transactionId": f"T-{number}",
        "sessionSource": "google",
        "sessionMedium": "cpc",
        "sessionCampaignName": "Brand Search",
        "purchaseRevenue": "12.5",
    }
    return {**row, **changed}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def bodies(world: Marketing) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in world.google.requests]


def test_headers_become_columns_and_the_row_is_kept_as_it_came(world: Marketing) -> None:
    world.google.rows = [
        event(1),
        event(2, eventName="add_to_cart", transactionId="(not set)", purchaseRevenue="0"),
    ]

    assert world.counts("ga4") == {"events": (2, 0, 0)}

    moment, search = utc("2026-01-05T12:30"), ("google", "cpc", "Brand Search")
    assert world.rows("ga4", "events", *COLUMNS) == [
        (moment, "add_to_cart", "10000002.1767000000", None, *search, Decimal("0.00")),
        (moment, "purchase", "10000001.1767000000", "T-1", *search, Decimal("12.50")),
    ]
    found = world.rows("ga4", "events", "event_name", "_raw")
    raw = {name: json.loads(text) if isinstance(text, str) else text for name, text in found}
    assert raw == {"purchase": world.google.rows[0], "add_to_cart": world.google.rows[1]}


def test_columns_follow_the_headers_and_not_the_order_that_was_asked_for(duck: Marketing) -> None:
    def turned(request: Request) -> Answer | None:
        body = json.loads(request.body)
        answer = duck.google._report(Request("POST", request.path, {}, request.headers, request.body)).body
        answer["dimensionHeaders"].reverse()
        for row in answer["rows"]:
            row["dimensionValues"].reverse()
        assert body["dimensions"]
        return Answer(answer)

    duck.google.rows = [event(1)]
    duck.google.fault = turned

    duck.ingest("ga4")

    assert duck.rows("ga4", "events", "transaction_id", "medium") == [("T-1", "cpc")]


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (1, 1), (9, 1), (10, 1), (11, 2), (20, 2), (21, 3)])
def test_pages_end_where_row_count_says(duck: Marketing, count: int, requests: int) -> None:
    """Also at exactly the limit: there is no page after the last row."""
    duck.edit("sources/ga4.yaml", "page_size: 1000", "page_size: 10")
    duck.google.rows = [event(number) for number in range(count)]

    assert duck.counts("ga4") == {"events": (count, 0, 0)}

    assert [(body["offset"], body["limit"]) for body in bodies(duck)] == [
        (10 * page, 10) for page in range(requests)
    ]
    found = {name for (name,) in duck.rows("ga4", "events", "transaction_id")}
    assert found == {f"T-{number}" for number in range(count)}


def test_a_second_run_asks_from_three_days_back_and_updates_what_google_restated(world: Marketing) -> None:
    minutes = [f"202601{day:02d}1200" for day in range(1, 21)]
    world.google.rows = [event(number, minute) for number, minute in enumerate(minutes)]
    assert world.counts("ga4") == {"events": (20, 0, 0)}
    world.google.rows[18] |= {"sessionCampaignName": "Newsletter", "sessionSource": "newsletter"}
    world.google.rows[17] |= {"purchaseRevenue": "99.99"}
    world.google.rows[2] |= {
        "purchaseRevenue": "55.55"
    }  # too long ago: Google does not restate it, nor do we ask
    world.google.rows.append(event(20, "202601211200"))

    assert world.counts("ga4") == {"events": (3, 2, 0)}

    assert bodies(world)[-1]["dateRanges"] == [{"startDate": "2026-01-16", "endDate": "today"}]
    found = world.rows("ga4", "events", "transaction_id", "campaign_name", "value_usd")
    assert len(found) == 21
    assert {("T-18", "Newsletter", Decimal("12.50")), ("T-17", "Brand Search", Decimal("99.99"))} < set(found)
    assert ("T-2", "Brand Search", Decimal("12.50")) in found
    assert world.counts("ga4") == {"events": (0, 4, 0)}, "the same days once more: nothing is doubled"


def test_events_without_a_transaction_are_told_apart_and_not_doubled(world: Marketing) -> None:
    cart = {"eventName": "add_to_cart", "transactionId": "(not set)", "purchaseRevenue": "0"}
    visitor = {"customUser:user_pseudo_id": "77.88"}
    world.google.rows = [
        event(1, **cart, **visitor),
        event(1, **cart, **visitor, sessionSource="bing"),
        event(1, **cart, **{"customUser:user_pseudo_id": "(not set)"}),
        event(1, **visitor),
    ]

    assert world.counts("ga4") == {"events": (4, 0, 0)}
    assert world.counts("ga4") == {"events": (0, 4, 0)}


@pytest.mark.parametrize(
    ("zone", "local", "moment"),
    [
        ("America/Los_Angeles", "202601051230", "2026-01-05T20:30"),
        ("America/Los_Angeles", "202607051230", "2026-07-05T19:30"),
        ("America/Los_Angeles", "202511010130", "2025-11-01T08:30"),
        ("America/Los_Angeles", "202511020130", "2025-11-02T08:30"),  # there twice: the first
        ("Australia/Sydney", "202601010030", "2025-12-31T13:30"),
    ],
)
def test_times_of_the_propertys_clock_are_utc_in_the_table(
    duck: Marketing, zone: str, local: str, moment: str
) -> None:
    duck.google.time_zone = zone
    duck.google.rows = [event(1, local)]

    duck.ingest("ga4")

    assert duck.rows("ga4", "events", "event_ts") == [(utc(moment),)]


def test_the_first_days_of_a_property_east_of_utc_are_read_again(duck: Marketing) -> None:
    """The last event is of 11:00 UTC on the 4th; what is three days older is the 1st in UTC, in Sydney, too."""
    duck.google.time_zone = "Australia/Sydney"
    duck.google.rows = [event(1, "202601012230"), event(2, "202601042200")]
    duck.ingest("ga4")
    duck.google.rows[0] |= {"purchaseRevenue": "1.00"}

    assert duck.counts("ga4") == {"events": (1, 1, 0)}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_passes_is_asked_for_again_in_the_middle_of_the_pages(duck: Marketing, fault: Answer) -> None:
    duck.edit("sources/ga4.yaml", "page_size: 1000", "page_size: 4")
    duck.google.rows = [event(number) for number in range(12)]
    duck.google.fault = lambda request: fault if len(duck.google.requests) == 2 else None

    assert duck.counts("ga4") == {"events": (12, 0, 0)}

    assert [body["offset"] for body in bodies(duck)] == [0, 4, 4, 8]


def test_a_quota_that_stays_exhausted_ends_the_run_with_what_google_said(duck: Marketing) -> None:
    duck.edit("sources/ga4.yaml", "  page_size", "  retry_timeout_s: 0.1\n  page_size")
    duck.google.fault = lambda request: quota_exhausted()

    with pytest.raises(SourceError) as failed:
        duck.ingest("ga4")

    assert failed.value.code == "E310"
    assert "answered 429" in failed.value.message
    assert "Exhausted property tokens" in failed.value.message
    assert "quota" in str(failed.value.hint)


def test_an_expired_token_is_told_with_what_to_do(duck: Marketing) -> None:
    duck.variables["GA4_ACCESS_TOKEN"] = "ya29.an-old-token"

    with pytest.raises(SourceError) as failed:
        duck.ingest("ga4")

    assert (failed.value.code, len(duck.google.requests)) == ("E312", 1)
    assert "invalid authentication credentials" in failed.value.message
    assert "GA4_ACCESS_TOKEN" in str(failed.value.hint)
    assert "old-token" not in f"{failed.value.message} {failed.value.hint}"


def test_a_property_that_may_not_be_read_is_told_with_what_to_do(duck: Marketing) -> None:
    message = "User does not have sufficient permissions for this property."
    duck.google.fault = lambda request: refusal(403, "PERMISSION_DENIED", message)

    with pytest.raises(SourceError, match="sufficient permissions") as failed:
        duck.ingest("ga4")

    assert "Viewer" in str(failed.value.hint)


def test_no_key_is_told_before_anything_is_asked(duck: Marketing) -> None:
    del duck.variables["GA4_ACCESS_TOKEN"]

    with pytest.raises(SourceError, match="GA4 needs a property and a key") as failed:
        duck.ingest("ga4")

    assert "GA4_SERVICE_ACCOUNT_FILE" in str(failed.value.hint)
    assert duck.google.requests == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(b'{"rows": [{"dimensionValues"'), "cut or malformed"),
        (Answer({"hello": 1}), "no report"),
        (Answer([]), "no report"),
        (Answer({"metadata": {}, "rowCount": 3}), "gave 0 rows and said that there are 3"),
        (
            Answer({"metadata": {}, "rowCount": 1, "rows": [{"dimensionValues": [{"value": "x"}]}]}),
            "1 values below 0",
        ),
        (Answer({"metadata": {"timeZone": "Mars/Olympus"}}), "Mars/Olympus"),
    ],
)
def test_an_answer_that_is_no_report_is_an_error_and_not_the_end_of_the_data(
    duck: Marketing, answer: Answer, said: str
) -> None:
    duck.google.fault = lambda request: answer

    with pytest.raises(SourceError, match=said):
        duck.ingest("ga4")


def test_rows_that_break_the_contract_stay_apart_and_the_rest_arrives(duck: Marketing) -> None:
    """(other) is what Google answers for what it no longer tells apart."""
    duck.google.rows = [
        event(1),
        event(2, "202601051230", purchaseRevenue="much"),
        event(3),
    ]
    other = event(4, "(other)")
    duck.google._selected = lambda body: [*duck.google.rows, other]  # type: ignore[method-assign]

    assert duck.counts("ga4") == {"events": (2, 0, 2)}

    reasons = duck.query('SELECT reasons FROM "bronze_ga4"."_quarantine"')
    assert sorted(json.loads(text)[0]["path"] for (text,) in reasons) == ["$.event_ts", "$.value_usd"]


@pytest.fixture
def key_file(duck: Marketing) -> Path:
    """The JSON key of a service account whose tokens the test's own server gives."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    document = {
        "type": "service_account",
        "client_email": "reader@example.iam.gserviceaccount.com",
        "private_key": pem.decode(),
        "token_uri": f"{duck.google.url}/token",
    }
    file = duck.root / "key.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    del duck.variables["GA4_ACCESS_TOKEN"]
    duck.variables["GA4_SERVICE_ACCOUNT_FILE"] = str(file)
    return file


def test_the_key_of_a_service_account_gives_the_token_once_for_all_pages(
    duck: Marketing, key_file: Path
) -> None:
    duck.edit("sources/ga4.yaml", "page_size: 1000", "page_size: 2")
    duck.google.data["/token"] = {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
    duck.google.rows = [event(number) for number in range(6)]

    assert duck.counts("ga4") == {"events": (6, 0, 0)}
    assert (duck.google.count("/token"), duck.google.count(duck.google.path)) == (1, 3)


@pytest.mark.parametrize("trouble", ["revoked", "missing", "malformed"])
def test_a_key_that_is_of_no_use_is_told_by_its_file(duck: Marketing, key_file: Path, trouble: str) -> None:
    error = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
    duck.google.data["/token"] = lambda request: Answer(error, status=400)
    if trouble == "missing":
        key_file.unlink()
    elif trouble == "malformed":
        key_file.write_text("{}")

    with pytest.raises(SourceError, match=r"No token for the service account in .*key\.json") as failed:
        duck.ingest("ga4")

    assert "PRIVATE KEY" not in f"{failed.value.message} {failed.value.hint}"


def test_the_token_is_in_no_file(duck: Marketing) -> None:
    duck.google.rows = [event(1)]
    duck.ingest("ga4")

    written = [path for path in (duck.root / ".pipeline").rglob("*") if path.is_file()]
    assert written
    assert [path for path in written if TOKEN.encode() in path.read_bytes()] == []
