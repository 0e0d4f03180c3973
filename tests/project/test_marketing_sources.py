"""The sample of marketing's sources: reproducible, replayed offline, loaded once, and kept as received in a lake."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema_rs
import pyarrow.parquet
import pytest
import yaml

from pipeline_cli.destinations import open_warehouse
from pipeline_cli.testing import run_cli
from tests.project.checks import assert_succeeded, resources_of
from tests.project.marketing_world import Marketing, marketing_world
from tests.servers.gcs import run_gcs
from tests.servers.marketing import ga4, make, meta_ads
from tests.servers.marketing.campaigns import ga4_events, insights
from tests.servers.marketing.people import contacts, orders
from tests.servers.s3 import S3Server

REPOSITORY = Path(__file__).parents[2]
SOURCES = REPOSITORY / "sources"
SAMPLE = (
    *("marketing_crm/contacts_2025.csv", "marketing_crm/contacts_2026.csv"),
    *("marketing_crm/orders_2025.csv", "marketing_crm/orders_2026.csv"),
    *("meta_ads/recording.yaml", "ga4/recording.yaml"),
)
TABLES = {"marketing_crm": ("contacts", "orders"), "meta_ads": ("insights",), "ga4": ("events",)}


@pytest.fixture
def replay(project_copy: Path) -> Iterator[Marketing]:
    """The default environment: no server is there, every answer comes from a recording."""
    with marketing_world(project_copy) as world:
        world.environment = "dev"
        world.variables.clear()
        world.edit(
            "pipelines.yaml",
            "\npipelines:\n",
            "\npipelines:\n  sources_alone: {sources: [marketing_crm, meta_ads, ga4]}\n",
        )
        yield world
        assert not world.meta.requests
        assert not world.google.requests


@pytest.fixture(params=["duckdb", "postgres"])
def served(request: pytest.FixtureRequest, project_copy: Path) -> Iterator[Marketing]:
    """The sample's APIs as servers, on each of the warehouses."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    with marketing_world(project_copy, url) as world:
        sales = orders(contacts())
        world.meta.rows, world.google.rows = insights(sales), ga4_events(sales)
        yield world


# -- what the committed files say, in plain Python ----------------------------------------------------------


def read_csv(kind: str, key: str) -> dict[str, dict[str, str]]:
    """The rows of all files of a kind by their key; of two, the later file's, and the later one in a file."""
    found = {}
    for file in sorted((SOURCES / "marketing_crm").glob(f"{kind}*.csv")):
        with file.open(newline="", encoding="utf-8") as lines:
            found.update({row[key]: row for row in csv.DictReader(lines)})
    return found


def recorded_answers(source: str) -> list[dict[str, Any]]:
    text = (SOURCES / source / "recording.yaml").read_text(encoding="utf-8")
    cassette = yaml.load(text, Loader=yaml.CSafeLoader)
    return [json.loads(each["response"]["body"]["string"]) for each in cassette["interactions"]]


def recorded_insights() -> list[dict[str, Any]]:
    return [row for answer in recorded_answers("meta_ads") for row in answer["data"]]


def recorded_events() -> list[dict[str, str]]:
    found = []
    for answer in recorded_answers("ga4"):
        names = [each["name"] for kind in ("dimensionHeaders", "metricHeaders") for each in answer[kind]]
        for row in answer["rows"]:
            values = [each["value"] for kind in ("dimensionValues", "metricValues") for each in row[kind]]
            found.append(dict(zip(names, values, strict=True)))
    return found


def assert_bronze_holds_the_sample(world: Marketing) -> None:
    people, sales = read_csv("contacts", "contact_id"), read_csv("orders", "order_id")
    assert world.rows(
        "marketing_crm", "contacts", "contact_id", "email_opt_in", "phone", "created_at"
    ) == sorted(
        (
            (key, row["email_opt_in"] == "true", row["phone"] or None, in_utc(row["created_at"]))
            for key, row in people.items()
        ),
        key=repr,
    )
    names = (
        "order_id",
        "order_ts",
        "order_date",
        "amount",
        "items",
        "campaign_id",
        "user_pseudo_id",
        "is_repeat",
    )
    assert world.rows("marketing_crm", "orders", *names) == sorted(
        (
            (
                *(
                    key,
                    in_utc(row["order_ts"]),
                    date.fromisoformat(row["order_date"]),
                    Decimal(row["amount"]),
                ),
                *(int(row["items"]), row["campaign_id"] or None, row["user_pseudo_id"] or None),
                row["is_repeat"] == "true",
            )
            for key, row in sales.items()
        ),
        key=repr,
    )
    names = ("campaign_id", "date", "impressions", "clicks", "spend", "conversions")
    assert world.rows("meta_ads", "insights", *names) == sorted(
        (
            (
                *(row["campaign_id"], date.fromisoformat(row["date_start"]), int(row["impressions"])),
                *(int(row["clicks"]), Decimal(row["spend"]).quantize(Decimal("0.01")), purchases(row)),
            )
            for row in recorded_insights()
        ),
        key=repr,
    )
    assert world.rows("ga4", "events", "event_ts", "transaction_id", "value_usd") == sorted(
        (
            (
                datetime.strptime(row["dateHourMinute"], "%Y%m%d%H%M").replace(tzinfo=UTC),
                None if row["transactionId"] == "(not set)" else row["transactionId"],
                Decimal(row["purchaseRevenue"]).quantize(Decimal("0.01")),
            )
            for row in recorded_events()
        ),
        key=repr,
    )


def in_utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def purchases(row: dict[str, Any]) -> int:
    return sum(int(each["value"]) for each in row.get("actions", []) if each["action_type"] == "purchase")


# -- the sample itself --------------------------------------------------------------------------------------


def undated(path: Path) -> bytes:
    """Without the day on which it was recorded, up to which the API is asked for."""
    return re.sub(rb"(until%22%3A\+%22)[0-9-]{10}", rb"\1", path.read_bytes())


def test_the_committed_files_are_what_the_script_makes(project_copy: Path) -> None:
    for name in SAMPLE:
        (project_copy / "sources" / name).unlink()

    make.main(project_copy)

    different = [
        name for name in SAMPLE if undated(project_copy / "sources" / name) != undated(SOURCES / name)
    ]
    assert different == [], "run: python -m tests.servers.marketing.make"


def test_the_sample_fits_together_and_reaches_what_models_must_deal_with() -> None:
    people, sales = read_csv("contacts", "contact_id"), read_csv("orders", "order_id")
    events, ads = recorded_events(), recorded_insights()
    known = {row["transaction_id"] for row in sales.values()}

    assert {row["contact_id"] for row in sales.values()} < set(people), "some never ordered"
    assert {row["transactionId"] for row in events} - known == {"(not set)"}
    assert known - {row["transactionId"] for row in events}, "some were not tracked"
    assert {row["campaign_id"] for row in ads} < {row["campaign_id"] for row in sales.values()}
    assert len({row["campaign_id"] for row in sales.values()}) == 13, "12 campaigns, and none"
    assert len({row["country"] for row in people.values()}) >= 8
    assert {row["currency"] for row in sales.values()} == {"USD", "EUR", "GBP"}
    assert len({row["channel"] for row in sales.values()}) == 7
    assert len({row["payment_method"] for row in sales.values()}) >= 4
    assert {row["order_ts"][-6:] for row in sales.values()} >= {"+01:00", "-05:00", "+10:00"}
    assert [row for row in ads if row["impressions"] == row["clicks"] == "0" and purchases(row)]
    assert [row for row in ads if row["clicks"] == "0" != row["impressions"]]
    days = {row["order_date"] for row in sales.values()}
    assert (min(days), max(days)) == ("2025-09-01", "2026-10-18")
    assert sum((SOURCES / name).stat().st_size for name in SAMPLE) < 2_500_000


def test_recordings_hold_no_token_and_no_address() -> None:
    for source, secret in (("meta_ads", meta_ads.TOKEN), ("ga4", ga4.TOKEN)):
        text = (SOURCES / source / "recording.yaml").read_text(encoding="utf-8")
        joined = "".join(text.split())
        for never in (secret, "127.0.0.1", "Bearer", meta_ads.ACCOUNT, ga4.PROPERTY):
            assert never not in joined, (source, never)


@pytest.mark.parametrize(
    ("contract", "good", "change"),
    [
        ("marketing_crm/orders", "order", {"amount": -0.01}),
        ("marketing_crm/orders", "order", {"currency": "CHF"}),
        ("marketing_crm/orders", "order", {"channel": "carrier pigeon"}),
        ("marketing_crm/orders", "order", {"order_ts": "2026-02-30T00:00:00Z"}),
        ("marketing_crm/orders", "order", {"items": 0}),
        ("marketing_crm/contacts", "contact", {"email": "nobody"}),
        ("marketing_crm/contacts", "contact", {"contact_id": ""}),
    ],
)
def test_contracts_refuse_what_models_could_not_use(contract: str, good: str, change: dict[str, Any]) -> None:
    schema = json.loads((SOURCES / f"{contract}.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    order = next(iter(read_csv("orders", "order_id").values()))
    contact = next(iter(read_csv("contacts", "contact_id").values()))
    record: dict[str, Any] = {
        "order": {**order, "amount": 1.5, "items": 1, "is_repeat": False},
        "contact": {**contact, "email_opt_in": True},
    }[good]

    assert validator.is_valid(record)
    assert validator.is_valid({**record, "added_later": [1]})
    assert not validator.is_valid({**record, **change})


# -- runs ---------------------------------------------------------------------------------------------------


def test_the_default_environment_replays_all_three_and_a_second_run_doubles_nothing(
    replay: Marketing,
) -> None:
    first = assert_succeeded(run_cli(["run", "sources_alone", "--json"], cwd=replay.root))
    assert {source: counts(first, source) for source in TABLES} == {
        "marketing_crm": {"contacts": (620, 0), "orders": (2281, 0)},
        "meta_ads": {"insights": (1801, 0)},
        "ga4": {"events": (2655, 0)},
    }
    assert_bronze_holds_the_sample(replay)

    second = assert_succeeded(run_cli(["run", "sources_alone", "--json"], cwd=replay.root))

    loaded = [each["loaded"] for source in TABLES for each in resources_of(second, source).values()]
    assert loaded == [0, 0, 0, 0]
    assert_bronze_holds_the_sample(replay)


def counts(document: dict[str, Any], source: str) -> dict[str, tuple[int, int]]:
    """Resource to (loaded, quarantined)."""
    return {
        name: (each["loaded"], each["quarantined"]) for name, each in resources_of(document, source).items()
    }


def test_servers_give_what_the_recordings_give_and_a_second_run_doubles_nothing(served: Marketing) -> None:
    for source in TABLES:
        served.ingest(source)
    assert_bronze_holds_the_sample(served)

    for source in TABLES:
        assert {loaded for loaded, _, _ in served.counts(source).values()} <= {0}

    assert_bronze_holds_the_sample(served)


def test_a_file_whose_content_is_as_it_was_is_not_loaded_again(served: Marketing) -> None:
    folder = served.root / "sources" / "marketing_crm"
    served.ingest("marketing_crm")
    for file in folder.glob("*.csv"):  # put there anew, with another time and another inode
        shutil.copyfile(file, folder / "copy")
        file.unlink()
        (folder / "copy").rename(file)
        os.utime(file, (1_000_000_000, 1_000_000_000))

    again = served.ingest("marketing_crm")

    assert again.status == "unchanged"
    assert {(each.extracted, each.loaded) for each in again.resources} == {(0, 0)}

    text = (folder / "orders_2026.csv").read_text(encoding="utf-8")
    *lines, last = text.splitlines()
    changed = last.replace(",USD,", ",EUR,") if ",USD," in last else last.replace(",EUR,", ",GBP,")
    assert changed != last
    (folder / "orders_2026.csv").write_text("\n".join([*lines, changed]) + "\n", encoding="utf-8")
    third = {each.name: (each.extracted, each.loaded) for each in served.ingest("marketing_crm").resources}

    assert third == {"contacts": (0, 0), "orders": (len(lines), 1)}, "that file alone, and of it the one row"


# -- the lake -----------------------------------------------------------------------------------------------


def test_the_lake_keeps_what_was_received_in_dated_files_that_never_change(served: Marketing) -> None:
    for source in TABLES:
        served.ingest(source)
    lake = served.root / ".pipeline" / served.environment / "raw_lake"
    first = {file: file.read_bytes() for file in lake.rglob("*.parquet")}
    today = datetime.now(UTC).date().isoformat()
    assert {file.parent.relative_to(lake) for file in first} == {
        Path(f"bronze_{source}", table, today) for source, tables in TABLES.items() for table in tables
    }
    key = "campaign_id", "date_start"
    assert in_order(raw_of(lake, "bronze_meta_ads", "insights"), *key) == in_order(recorded_insights(), *key)
    key = "dateHourMinute", "customUser:user_pseudo_id", "transactionId"
    assert in_order(raw_of(lake, "bronze_ga4", "events"), *key) == in_order(recorded_events(), *key)
    kept = {row["order_id"]: row for row in raw_of(lake, "bronze_marketing_crm", "orders")}
    expected = read_csv("orders", "order_id")
    assert {key: {name: value or "" for name, value in row.items()} for key, row in kept.items()} == expected

    last = max(row["date_start"] for row in served.meta.rows)
    restated = next(row for row in served.meta.rows if row["date_start"] == last)
    restated["actions"] = [{"action_type": "purchase", "value": "77"}]
    for source in TABLES:
        served.ingest(source)

    second = {file: file.read_bytes() for file in lake.rglob("*.parquet")}
    assert {file: second[file] for file in first} == first, "a file that is there never changes"
    (new,) = set(second) - set(first)
    assert new.parent.relative_to(lake) == Path("bronze_meta_ads", "insights", today)
    assert [purchases(json.loads(row["_raw"])) for row in pyarrow.parquet.read_table(new).to_pylist()] == [77]


def raw_of(lake: Path, *parts: str) -> list[dict[str, Any]]:
    files = lake.joinpath(*parts).rglob("*.parquet")
    return [
        json.loads(row["_raw"])
        for file in files
        for row in pyarrow.parquet.ParquetFile(file).read().to_pylist()
    ]


def in_order(rows: list[dict[str, Any]], *key: str) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: [row[name] for name in key])


def test_a_variable_puts_the_lake_into_an_s3_bucket_while_recordings_are_replayed(
    replay: Marketing, s3_server: S3Server
) -> None:
    """All three side by side: a replay that caught every request of the process would catch the bucket's, too."""
    bucket = s3_server.create_bucket("raw")
    variables = {
        "RAW_LAKE_URL": f"s3://{bucket}/marketing",
        "RAW_LAKE_KEY_ID": s3_server.access_key,
        "RAW_LAKE_SECRET_KEY": s3_server.secret_key,
        "RAW_LAKE_ENDPOINT": s3_server.endpoint_url,
    }

    assert_succeeded(run_cli(["run", "sources_alone", "--json"], cwd=replay.root, env=variables))

    today = datetime.now(UTC).date().isoformat()
    folders = {key.rpartition("/")[0] for key in s3_server.keys(bucket)}
    assert folders == {
        f"marketing/bronze_{source}/{table}/{today}" for source, tables in TABLES.items() for table in tables
    }
    assert not (replay.root / ".pipeline" / "dev" / "raw_lake").exists()


def test_the_lake_can_be_a_gcs_bucket(replay: Marketing) -> None:
    with gcs_bucket("raw") as endpoint:
        replay.variables |= {"RAW_LAKE_URL": "gs://raw/marketing", "RAW_LAKE_ENDPOINT": endpoint}
        # The emulator knows no service account; a machine of Google's, or `gcloud auth`, needs no key either.
        replay.edit(
            "destinations/raw_lake.yaml",
            "credentials:",
            "credentials:\n  anonymous: true\n  project_id: test",
        )

        result = replay.ingest("meta_ads")

        assert result.notes == ["1 file written to raw_lake (gs://raw/marketing)."]
        assert replay.query('SELECT count(*) FROM "bronze_meta_ads"."_lake"') == [(1,)]


@contextmanager
def gcs_bucket(name: str) -> Iterator[str]:
    with run_gcs() as server:
        server.create_bucket(name)
        yield server.endpoint_url


def test_nothing_of_the_sample_is_quarantined(replay: Marketing) -> None:
    for source in TABLES:
        replay.ingest(source)
        warehouse = open_warehouse(replay.project)
        with warehouse.exclusive():
            assert "_quarantine" not in {name for _, name in warehouse.relations([f"bronze_{source}"])} or (
                replay.query(f'SELECT count(*) FROM "bronze_{source}"."_quarantine"') == [(0,)]
            )
