"""marketing, whole, on DuckDB and Postgres, from the CRM's files and the recordings of Meta and Google."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from tests.project.checks import assert_described, assert_succeeded, in_order
from tests.project.conftest import Row, Shop
from tests.project.figures import marketing, marketing_reports

PIPELINE = "marketing"
RESTATED = "2026-10-10"  # within the 28 days that are read again
LATE_ORDER = {
    "order_id": "O-900001",
    "contact_id": "C-9001",  # who is not known yet
    "user_pseudo_id": "",
    "order_ts": "2026-03-31T23:30:00-05:00",  # the next day, month and exchange rate in UTC
    "order_date": "2026-03-31",
    "amount": "100.00",
    "currency": "EUR",
    "items": "1",
    "campaign_id": "em-0002",
    "channel": "email",
    "utm_source": "newsletter",
    "utm_medium": "email",
    "transaction_id": "T-9900001",
    "is_repeat": "false",
    "payment_method": "card",
}


def replayed(shop: Shop) -> Shop:
    """The shop in an environment that answers from the recordings, whichever its warehouse."""
    destination = "postgres" if shop.postgres_url else "duckdb"
    manifest = shop.root / "pipelines.yaml"
    text = manifest.read_text(encoding="utf-8")
    here = f"environments:\n  replayed: {{destination: {destination}, replay: true}}\n"
    manifest.write_text(text.replace("environments:\n", here, 1), encoding="utf-8")
    return replace(shop, environment="replayed")


def read_gold(shop: Shop, model: str) -> list[Row]:
    """A model's rows, without what is for audits alone."""
    return [
        {name: value for name, value in row.items() if name not in marketing.AUDIT}
        for row in shop.query(f"SELECT * FROM {model}")
    ]


def assert_gold_holds(shop: Shop) -> None:
    for model, rows in marketing.gold_models(marketing.read_raw(shop.root / "sources")).items():
        there = read_gold(shop, model)
        for row in there:  # such a key is that of the source's own hash
            if "ga4_event_key" in row and row["transaction_id"] is None:
                assert row["ga4_event_key"]
                row["ga4_event_key"] = None
        assert in_order(there) == in_order(rows), model


def assert_reports_hold(shop: Shop) -> None:
    """Each block's CSV file, which has every row of it, against the figures."""
    raw = marketing.read_raw(shop.root / "sources")
    for report, figures in marketing_reports.REPORTS.items():
        folder = shop.root / ".pipeline" / shop.environment / "reports" / report / "latest"
        exported = {file.name.split(".")[1] for file in folder.glob("*.csv")}
        expected = figures(raw)
        assert exported == set(expected)
        for block, rows in expected.items():
            with (folder / f"{report}.{block}.csv").open(newline="", encoding="utf-8") as lines:
                there = [{name: rounded(text) for name, text in row.items()} for row in csv.DictReader(lines)]
            wanted = [{name: rounded(value) for name, value in row.items()} for row in rows]
            assert in_order(there) == in_order(wanted), f"{report}.{block}"


def rounded(value: Any) -> Any:
    """A number with nine places, whether it is a text or not; an empty text is NULL."""
    try:
        return Decimal(str(value)).quantize(Decimal("1e-9"))
    except InvalidOperation:
        return None if value in ("", None) else str(value)


def audits(shop: Shop, model: str, key: str) -> dict[str, tuple[str, Any]]:
    """The run that loaded a row's record and when the row was written, by the row's key."""
    rows = shop.query(f"SELECT {key}, _run_id, _loaded_at FROM {model}")
    return {row[key]: (row["_run_id"], row["_loaded_at"]) for row in rows}


def write_lines(file: Path, *rows: dict[str, str]) -> None:
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def change_answers(file: Path, change: Callable[[Row], None]) -> None:
    """Change the answers in a recording, each as decoded JSON."""
    recording = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    for each in recording["interactions"]:
        answer = json.loads(each["response"]["body"]["string"])
        change(answer)
        each["response"]["body"]["string"] = json.dumps(answer)
    file.write_text(yaml.dump(recording, Dumper=yaml.CSafeDumper), encoding="utf-8")


def restate(answer: Row) -> None:
    """Meta finds more conversions of a day, and takes some clicks for fraud."""
    for row in answer["data"]:
        if row["date_start"] == RESTATED:
            row["actions"] = [{"action_type": "purchase", "value": "7"}]
            row["clicks"] = "0"


def test_gold_and_reports_hold_the_figures_and_follow_what_comes_late_and_what_is_restated(
    shop: Shop,
) -> None:
    shop = replayed(shop)
    first = assert_succeeded(shop.run(PIPELINE))
    assert_gold_holds(shop)
    assert_reports_hold(shop)
    assert_described(shop, "silver_marketing", "gold_marketing")
    orders_before = audits(shop, "gold_marketing.fact_orders", "order_key")
    events_before = audits(shop, "gold_marketing.dim_ga4_events", "ga4_event_key")

    sources = shop.root / "sources"
    write_lines(sources / "marketing_crm" / "orders_late.csv", LATE_ORDER)
    change_answers(sources / "meta_ads" / "recording.yaml", restate)
    second = assert_succeeded(shop.run(PIPELINE))

    assert_gold_holds(shop)
    assert_reports_hold(shop)
    (late,) = [row for row in read_gold(shop, "gold_marketing.fact_orders") if row["order_id"] == "O-900001"]
    assert (str(late["order_date"]), str(late["revenue"]), late["country"]) == (
        "2026-04-01",
        "113.00",
        "Unknown",
    )
    restated = shop.query(f"SELECT * FROM gold_marketing.dim_meta_ads WHERE date = '{RESTATED}'")
    assert {(row["conversions"], row["clicks"], row["cpc"]) for row in restated} == {(7, 0, None)}
    # What nothing has happened to is not written again.
    orders_after = audits(shop, "gold_marketing.fact_orders", "order_key")
    assert orders_after.pop(marketing.key_of("O-900001"))[0] == second["run_id"]
    assert orders_after == orders_before
    assert {run for run, _ in orders_before.values()} == {first["run_id"]}
    assert audits(shop, "gold_marketing.dim_ga4_events", "ga4_event_key") == events_before
