"""The lineage of the reference project, against what people read off its SQL."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline_cli.lineage.collecting import Collected, collect
from pipeline_cli.lineage.graph import Column, Lineage
from pipeline_cli.lineage.trees import show_column
from pipeline_cli.manifest.reader import read_manifest
from pipeline_cli.project import Project
from tests.project.lineage.expected import ALL
from tests.reference import built_reference

__all__ = ["built_reference"]


@pytest.fixture(scope="module")
def collected(built_reference: Path) -> Collected:
    reading = read_manifest(built_reference, os.environ, sources=())
    found = collect(Project(built_reference, reading.manifest, reading.environment))
    assert found.notes == [] and not found.is_stale
    return found


@pytest.fixture
def lineage(collected: Collected) -> Lineage:
    return collected.lineage


def found_of(lineage: Lineage, table: str) -> dict[str, set[str]]:
    return {
        name: {
            f"{lineage.relations[one.relation].name}.{one.name}"
            for one in lineage.origins(Column(table, name))
        }
        for name in lineage.relations[table].columns
    }


def expected_of(told: Mapping[str, str], columns: list[str]) -> dict[str, set[str]]:
    parents = told.get("*", "").split()
    return {
        name: set(told[name].split()) if name in told else {f"{parent}.{name}" for parent in parents}
        for name in columns
    }


@pytest.mark.parametrize("transform", ALL)
def test_every_column_of_every_model_is_made_of_what_its_sql_says(lineage: Lineage, transform: str) -> None:
    models = {
        one.id: one for one in lineage.relations.values() if one.kind == "model" and one.owner == transform
    }
    assert set(models) == set(ALL[transform])
    for table, told in ALL[transform].items():
        assert set(told) - {"*"} <= set(models[table].columns), table
        assert found_of(lineage, table) == expected_of(told, list(models[table].columns)), table


@pytest.mark.parametrize(
    ("column", "beginnings"),
    [
        (
            Column("gold_fakestore.mart_sales_overview", "line_revenue"),
            {"source fakestore.carts: products[].quantity", "source fakestore.products: price"},
        ),
        (
            Column("gold_fakestore.mart_sales_overview", "customer_city"),
            {"source fakestore.users: address.city"},
        ),
        (Column("gold_crm.fact_regional_sales", "total_sales_amount"), {"source crm.purchases: amount"}),
        (
            Column("gold_customer_360.customer_360", "hours_to_resolution"),
            {"source customer_360.tickets: opened_at", "source customer_360.tickets: closed_at"},
        ),
        (
            Column("gold_retail_daily.daily_kpis", "total_sales"),
            {"source retail.transactions: transaction_amount"},
        ),
        (Column("gold_marketing.fact_orders", "revenue"), {"source marketing_crm.orders: amount"}),
        (
            Column("gold_marketing.dim_meta_ads", "ctr"),
            {"source meta_ads.insights: clicks", "source meta_ads.insights: impressions"},
        ),
    ],
)
def test_a_gold_column_is_followed_to_the_sources_fields(
    lineage: Lineage, column: Column, beginnings: set[str]
) -> None:
    assert {show_column(lineage, one) for one in lineage.beginnings(column)} == beginnings


@pytest.mark.parametrize(
    ("shown", "origins"),
    [
        ("report:daily_sales kpis.total_sales", {"gold_retail_daily.daily_kpis.total_sales"}),
        ("report:daily_sales kpis.distinct_customers", {"gold_retail_daily.sales_by_customer.*"}),
        (
            "report:daily_sales by_customer.customer_name",
            {
                "gold_retail_daily.sales_by_customer.first_name",
                "gold_retail_daily.sales_by_customer.last_name",
            },
        ),
        ("report:sales key_figures.revenue", {"gold_fakestore.mart_sales_overview.line_revenue"}),
        ("report:executive_overview key_figures.revenue", {"gold_marketing.fact_orders.revenue"}),
        (
            "report:acquisition_and_ads key_figures.click_through_rate",
            {"gold_marketing.dim_meta_ads.clicks", "gold_marketing.dim_meta_ads.impressions"},
        ),
        ("report:acquisition_and_ads by_channel.conversions", {"gold_marketing.dim_ga4_events.*"}),
        ("report:customer_revenue key_figures.customers", {"gold_marketing.fact_orders.contact_key"}),
    ],
)
def test_a_reports_block_is_made_of_gold(lineage: Lineage, shown: str, origins: set[str]) -> None:
    report, _, name = shown.partition(" ")
    assert {f"{one.relation}.{one.name}" for one in lineage.origins(Column(report, name))} == origins


def test_everything_that_a_report_shows_is_made_of_something(lineage: Lineage) -> None:
    shown = [
        Column(one.id, name)
        for one in lineage.relations.values()
        if one.kind == "report"
        for name in one.columns
    ]
    assert len(shown) > 80
    assert [column for column in shown if not lineage.origins(column)] == []


def test_every_bronze_column_is_a_sources_field_or_the_loaders_own(lineage: Lineage) -> None:
    for one in lineage.relations.values():
        if one.kind == "bronze":
            for name, facts in one.columns.items():
                origins = lineage.origins(Column(one.id, name))
                is_received = not name.startswith("_") or name == "_raw"
                assert (len(origins) == 1) == is_received, (one.id, name)
                assert not name.startswith("_") or facts.description, (one.id, name)


def test_every_model_and_column_is_described(lineage: Lineage) -> None:
    for one in lineage.relations.values():
        if one.kind == "model":
            assert one.description and one.file, one.id
            undescribed = [
                name for name, facts in one.columns.items() if not facts.description or not facts.type
            ]
            assert undescribed == [], one.id


def test_no_part_of_the_lineage_leads_nowhere(lineage: Lineage) -> None:
    for column, origins in lineage.made_of.items():
        for one in (column, *origins):
            assert one.relation in lineage.relations
            assert one.name == "*" or one.name in lineage.relations[one.relation].columns, one


def test_what_is_known_of_models_is_kept_and_read_again(collected: Collected, built_reference: Path) -> None:
    """The second time no engine is imported: what was kept says the same."""
    reading = read_manifest(built_reference, os.environ, sources=())
    again = collect(Project(built_reference, reading.manifest, reading.environment))
    assert again.models == collected.models
    assert again.lineage.made_of == collected.lineage.made_of
