"""A likely change of each of the five systems, planned in the environment that has run it, on either warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.project.checks import assert_succeeded
from tests.warm import run_cli

pytestmark = pytest.mark.thorough


@dataclass(frozen=True, slots=True)
class Place:
    """The reference project, replaying its recordings into a warehouse."""

    root: Path
    variables: Mapping[str, str]

    def edit(self, file: str, before: str, after: str) -> None:
        text = (self.root / file).read_text(encoding="utf-8")
        assert text.count(before) >= 1, f"{file} has no {before!r}"
        (self.root / file).write_text(text.replace(before, after), encoding="utf-8")

    def command(self, *arguments: str) -> dict[str, Any]:
        return assert_succeeded(run_cli([*arguments, "--json"], cwd=self.root, env=self.variables))

    def run_and_plan(self, pipeline: str, *changes: tuple[str, str, str]) -> list[dict[str, Any]]:
        """Run a pipeline on its samples, make the changes, and plan; nothing was to be planned before."""
        self.command("run", pipeline)
        assert self.command("plan", pipeline, "--no-probe")["changes"] == []
        for change in changes:
            self.edit(*change)
        found: list[dict[str, Any]] = self.command("plan", pipeline)["changes"]
        return found


@pytest.fixture(params=["duckdb", "postgres"])
def place(request: pytest.FixtureRequest, project_copy: Path) -> Place:
    if request.param == "duckdb":
        return Place(project_copy, {})
    place = Place(project_copy, {"POSTGRES_URL": request.getfixturevalue("postgres_url")})
    place.edit("pipelines.yaml", "dev: {destination: duckdb,", "dev: {destination: postgres,")
    return place


def brief(changes: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(change["action"], change["item"], change["category"] or change["what"]) for change in changes]


def test_fakestore_a_new_column_of_a_model_is_told_with_its_report(place: Place) -> None:
    model = "transforms/fakestore/models/gold/fact_cart_items.sql"
    changes = place.run_and_plan(
        "fakestore",
        (
            model,
            "  products.rating_rate AS product_rating",
            "  products.rating_rate AS product_rating,\n  items.quantity > 1 AS is_multiple",
        ),
    )
    first = changes[0]
    assert (first["item"], first["category"]) == ("gold_fakestore.fact_cart_items", "non-breaking")
    assert first["reason"] == "is_multiple is new"
    assert first["rows"] == 33
    assert not any(change["destructive"] for change in changes)
    assert not any(change["section"] == "reports" for change in changes)


def test_crm_a_renamed_field_is_told_with_the_gold_columns_it_feeds(place: Place) -> None:
    # The recording's answers are what the API gives now.
    (change,) = place.run_and_plan("crm", ("sources/crm/recording.yaml", '\\"region\\"', '\\"area\\"'))
    assert (change["item"], change["action"]) == ("customers", "renamed")
    assert change["summary"] == "region is called area now"
    assert change["effect"] == "60 of 60 records go to quarantine"
    assert ["region", "fact_regional_sales.region"] in [[path[0], path[-1]] for path in change["paths"]]


def test_customer_360_a_changed_key_is_told_with_the_rows_that_share_it(place: Place) -> None:
    changes = place.run_and_plan(
        "customer_360",
        ("sources/customer_360.yaml", "primary_key: order_id", "primary_key: user_id"),
    )
    (key,) = [change for change in changes if change["what"] == "primary_key"]
    assert (key["item"], key["destructive"]) == ("orders", True)
    lines = (place.root / "sources/customer_360/orders.csv").read_text(encoding="utf-8").splitlines()
    place = lines[0].split(",").index("user_id")
    users = [line.split(",")[place] for line in lines[1:]]
    shared = sum(1 for user in users if users.count(user) > 1)
    assert key["effect"].startswith(f"{shared:,} of {len(users):,} rows share their user_id with another")


def test_retail_daily_changed_logic_is_told_with_what_it_hits(place: Place) -> None:
    model = next((place.root / "transforms/retail_daily/models/staging").glob("*transactions.sql"))
    text = model.read_text(encoding="utf-8").rstrip()
    changes = place.run_and_plan(
        "retail_daily",
        (str(model.relative_to(place.root)), text, f"{text}\nWHERE\n  quantity > 1"),
    )
    first = changes[0]
    assert (first["action"], first["category"]) == ("changed", "breaking")
    indirect = {change["item"].rpartition(".")[2] for change in changes if change["action"] == "indirect"}
    assert indirect >= {
        "daily_kpis",
        "sales_by_product",
        "sales_by_store",
        "sales_by_customer",
        "sales_by_payment_method",
        "daily_sales",
    }


def test_marketing_a_new_source_is_told_and_what_runs_is_left_alone(place: Place) -> None:
    (place.root / "sources" / "surveys.yaml").write_text(
        "type: filesystem\nbucket_url: sources/surveys\nresources:\n"
        "  answers: {primary_key: answer_id, write_disposition: merge}\n"
    )
    (place.root / "sources" / "surveys").mkdir()
    (place.root / "sources" / "surveys" / "answers.csv").write_text("answer_id,score\n1,5\n")
    changes = place.run_and_plan(
        "marketing",
        (
            "pipelines.yaml",
            "sources: [marketing_crm, meta_ads, ga4]",
            "sources: [marketing_crm, meta_ads, ga4, surveys]",
        ),
    )
    assert brief(changes) == [("added", "", "source"), ("changed", "marketing", "sources")]
    assert changes[0]["summary"] == "new source: answers"
