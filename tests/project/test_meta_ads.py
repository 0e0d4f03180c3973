"""The source meta_ads against a server that behaves like the Graph API: pages, restated days, limits, errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.errors import SourceError
from tests.project.marketing_world import Marketing, marketing_world
from tests.servers.json_api import Answer, Request
from tests.servers.marketing.meta_ads import TOKEN, expired_token, rate_limit, refusal

FIRST = date(2026, 1, 1)


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


def insight(
    campaign: int, day: date, spend: str = "10.50", purchases: int = 2, **changed: Any
) -> dict[str, Any]:
    """A record as the API gives it: strings, and a list of actions."""
    actions = [
        {"action_type": "link_click", "value": "30"},
        {"action_type": "purchase", "value": str(purchases)},
    ]
    row = {
        "campaign_id": str(12021500000001 + campaign),
        "campaign_name": f"Campaign {campaign}",
        "account_currency": "USD",
        "impressions": "1200",
        "clicks": "34",
        "spend": spend,
        "actions": actions if purchases else actions[:1],
        "date_start": day.isoformat(),
        "date_stop": day.isoformat(),
    }
    return {**row, **changed}


def days(count: int, first: date = FIRST) -> list[date]:
    return [first + timedelta(days=offset) for offset in range(count)]


def once(
    answer: Answer, on: Callable[[Request], bool] = lambda request: True
) -> Callable[[Request], Answer | None]:
    """A fault that happens to the first request that it is meant for."""
    left = [answer]
    return lambda request: left.pop() if left and on(request) else None


def pages(world: Marketing) -> list[str | None]:
    """The cursors that were asked for."""
    return [request.query.get("after") for request in world.meta.requests]


def test_strings_and_actions_become_columns_and_the_record_is_kept_as_it_came(world: Marketing) -> None:
    world.meta.rows = [insight(1, FIRST), insight(2, FIRST, purchases=0, spend="0.1")]
    bare = {**insight(3, FIRST), "impressions": "0", "clicks": "0", "spend": "0"}
    del bare["actions"]
    world.meta.rows.append(bare)

    assert world.counts("meta_ads") == {"insights": (3, 0, 0)}

    names = ("campaign_name", "date", "impressions", "clicks", "spend", "conversions")
    assert world.rows("meta_ads", "insights", *names) == [
        ("Campaign 1", FIRST, 1200, 34, Decimal("10.50"), 2),
        ("Campaign 2", FIRST, 1200, 34, Decimal("0.10"), 0),
        ("Campaign 3", FIRST, 0, 0, Decimal("0.00"), 0),
    ]
    raw = [row[0] for row in world.rows("meta_ads", "insights", "_raw")]
    received = [json.loads(each) if isinstance(each, str) else each for each in raw]
    assert sorted(received, key=lambda row: row["campaign_name"]) == world.meta.rows


def test_every_page_is_read_by_its_cursor_and_once(duck: Marketing) -> None:
    duck.edit("sources/meta_ads.yaml", "page_size: 500", "page_size: 7")
    duck.meta.rows = [insight(campaign, day) for day in days(7) for campaign in (1, 2)]

    assert duck.counts("meta_ads") == {"insights": (14, 0, 0)}

    assert len(pages(duck)) == len(set(pages(duck))) == 2, "14 records are two pages of 7; there is no third"
    assert len(set(duck.rows("meta_ads", "insights", "campaign_id", "date"))) == 14


def test_a_second_run_reads_28_days_again_and_only_restated_rows_change(world: Marketing) -> None:
    world.meta.rows = [insight(1, day) for day in days(60)]
    assert world.counts("meta_ads") == {"insights": (60, 0, 0)}
    last = FIRST + timedelta(days=59)
    restated, too_old = last - timedelta(days=28), last - timedelta(days=29)
    world.meta.rows = [insight(1, day, purchases=5 if day in (restated, too_old) else 2) for day in days(61)]

    assert world.counts("meta_ads") == {"insights": (2, 28, 0)}, "one restated, one new; 28 as they were"

    asked = json.loads(world.meta.requests[-1].query["time_range"])
    assert asked == {"since": restated.isoformat(), "until": datetime.now(UTC).date().isoformat()}
    found = dict(world.rows("meta_ads", "insights", "date", "conversions"))
    assert (len(found), found[restated], found[too_old]) == (61, 5, 2)
    assert world.counts("meta_ads") == {"insights": (0, 29, 0)}


@pytest.mark.parametrize(
    "code", [17, 80004, *(pytest.param(code, marks=pytest.mark.thorough) for code in (4, 32, 613, 80000))]
)
def test_a_rate_limit_under_status_400_is_waited_for(duck: Marketing, code: int) -> None:
    duck.meta.rows = [insight(1, FIRST)]
    duck.meta.fault = once(rate_limit(code, minutes=0))

    assert duck.counts("meta_ads") == {"insights": (1, 0, 0)}
    assert len(duck.meta.requests) == 2


def test_status_429_is_waited_for_too(duck: Marketing) -> None:
    duck.meta.rows = [insight(1, FIRST)]
    duck.meta.fault = once(Answer({"error": {"code": 1}}, status=429, headers={"Retry-After": "0"}))

    assert duck.counts("meta_ads") == {"insights": (1, 0, 0)}


@pytest.mark.parametrize(("minutes", "seconds"), [(19, "1,140"), (90, "5,400")])
def test_a_wait_beyond_the_limit_ends_the_run_at_once_and_says_how_long(
    duck: Marketing, minutes: int, seconds: str
) -> None:
    duck.meta.fault = once(rate_limit(minutes=minutes))

    with pytest.raises(SourceError) as failed:
        duck.ingest("meta_ads")

    assert (failed.value.code, len(duck.meta.requests)) == ("E310", 1)
    assert f"asks to wait {seconds} s" in failed.value.message
    assert "too many calls to this ad-account" in failed.value.message
    assert "rate limit is used up" in str(failed.value.hint)


def test_a_page_that_is_lost_in_the_middle_is_asked_for_again(duck: Marketing) -> None:
    duck.edit("sources/meta_ads.yaml", "page_size: 500", "page_size: 5")
    duck.meta.rows = [insight(1, day) for day in days(15)]
    duck.meta.fault = once(Answer(drop=True), on=lambda request: len(duck.meta.requests) == 2)

    assert duck.counts("meta_ads") == {"insights": (15, 0, 0)}

    assert len(pages(duck)) == 4
    assert pages(duck)[1] == pages(duck)[2] != pages(duck)[0], "the second page twice"


def test_a_source_that_fails_on_a_later_page_loads_nothing_and_moves_no_cursor(duck: Marketing) -> None:
    duck.edit("sources/meta_ads.yaml", "page_size: 500", "page_size: 5")
    duck.meta.rows = [insight(1, day) for day in days(15)]
    duck.meta.fault = lambda request: expired_token() if len(duck.meta.requests) == 3 else None
    with pytest.raises(SourceError):
        duck.ingest("meta_ads")
    duck.meta.fault = None

    assert duck.counts("meta_ads") == {"insights": (15, 0, 0)}


def test_an_expired_token_is_told_with_what_to_do(duck: Marketing) -> None:
    duck.variables["META_ADS_TOKEN"] = "an-old-token"

    with pytest.raises(SourceError) as failed:
        duck.ingest("meta_ads")

    assert (failed.value.code, len(duck.meta.requests)) == ("E312", 1)
    assert "Session has expired on Friday, 20-Nov-26" in failed.value.message
    assert "META_ADS_TOKEN" in str(failed.value.hint)
    assert "an-old-token" not in f"{failed.value.message} {failed.value.hint}"


def test_a_token_without_the_permission_is_told_with_what_to_do(duck: Marketing) -> None:
    duck.meta.fault = lambda request: refusal(
        200, "(#200) Ad account owner has NOT grant ads_read", status=403
    )

    with pytest.raises(SourceError) as failed:
        duck.ingest("meta_ads")

    assert "ads_read" in str(failed.value.hint)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(b'{"data": [{"campaign_id": "1"'), "cut or malformed"),
        (Answer(b"<html>Log in</html>"), "web page"),
        (Answer({"message": "hello"}), "without a list of data"),
        (Answer([1, 2]), "without a list of data"),
        (Answer({"data": [], "paging": {"next": "https://graph.example.com/x"}}), "not where it begins"),
        (Answer({"data": [], "paging": {"cursors": {"after": "Mg"}, "next": "x"}}), "read already"),
        (Answer({"error": {"message": "An unknown error occurred", "code": 1}}), "'error' in its body"),
    ],
)
def test_an_answer_that_is_no_page_is_an_error_and_not_the_end_of_the_data(
    duck: Marketing, answer: Answer, said: str
) -> None:
    duck.meta.fault = lambda request: answer

    with pytest.raises(SourceError, match=said):
        duck.ingest("meta_ads")


def test_records_that_break_the_contract_stay_apart_and_the_rest_arrives(duck: Marketing) -> None:
    duck.meta.rows = [
        insight(1, FIRST),
        insight(2, FIRST, impressions="many"),
        insight(3, FIRST, account_currency="EUR"),
        insight(4, FIRST, spend="-1.00"),
        insight(5, FIRST, actions=[{"action_type": "purchase", "value": "two"}]),
        insight(6, FIRST, actions=[{"action_type": "purchase"}]),
    ]

    assert duck.counts("meta_ads") == {"insights": (1, 0, 5)}

    rejected = duck.query('SELECT reasons, record FROM "bronze_meta_ads"."_quarantine"')
    paths = sorted(json.loads(reasons)[0]["path"] for reasons, _ in rejected)
    assert paths == ["$.account_currency", "$.conversions", "$.conversions", "$.impressions", "$.spend"]
    kept = sorted((json.loads(record)["_raw"] for _, record in rejected), key=lambda row: row["campaign_id"])
    assert kept == duck.meta.rows[1:], "as they came"


def test_the_token_is_in_no_link_no_file_and_no_log(duck: Marketing) -> None:
    """The API's own next-link bears it; only its cursor is used."""
    duck.edit("sources/meta_ads.yaml", "page_size: 500", "page_size: 5")
    duck.meta.rows = [insight(1, day) for day in days(15)]
    duck.ingest("meta_ads")

    assert len(duck.meta.requests) == 3
    assert all("access_token" not in request.query for request in duck.meta.requests)
    written = [path for path in (duck.root / ".pipeline").rglob("*") if path.is_file()]
    assert written
    assert [path for path in written if TOKEN.encode() in path.read_bytes()] == []
