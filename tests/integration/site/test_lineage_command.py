"""`pipeline-cli lineage` on the reference project."""

from __future__ import annotations

from pathlib import Path

from pipeline_cli.testing import run_cli
from tests.reference import built_reference

__all__ = ["built_reference"]


def test_a_column_is_a_tree_down_to_the_sources_fields(built_reference: Path) -> None:
    result = run_cli(["lineage", "mart_sales_overview.line_revenue"], cwd=built_reference)
    assert result.exit_code == 0, result.stderr
    lines = [line.strip(" │├└─") for line in result.stdout.splitlines()]
    assert lines[0].startswith("gold_fakestore.mart_sales_overview.line_revenue")
    assert "source:fakestore.carts.products[].quantity" in lines
    assert "source:fakestore.products.price" in lines
    assert "report:sales.key_figures.revenue" in lines[lines.index("Used by") :]


def test_a_column_as_a_document(built_reference: Path) -> None:
    result = run_cli(["lineage", "gold_crm.fact_regional_sales.region", "--json"], cwd=built_reference)
    assert result.document is not None
    assert result.document["command"] == "lineage"
    assert result.document["upstream"][-1] == {
        "of": {"table": "bronze_crm.customers", "column": "region"},
        "from": {"table": "source:crm.customers", "column": "region"},
    }


def test_the_record_as_received_is_made_of_the_sources_records(built_reference: Path) -> None:
    result = run_cli(["lineage", "bronze_fakestore.carts._raw"], cwd=built_reference)
    assert "└─ the records of source:fakestore.carts" in result.stdout


def test_a_schemas_tables_are_listed(built_reference: Path) -> None:
    result = run_cli(["lineage", "gold_fakestore"], cwd=built_reference)
    assert result.exit_code == 0
    assert "gold_fakestore.mart_sales_overview" in result.stdout and "silver_fakestore" not in result.stdout


def test_all_tables_are_listed(built_reference: Path) -> None:
    result = run_cli(["lineage"], cwd=built_reference)
    assert "gold_marketing.fact_orders" in result.stdout and "report:daily_sales" in result.stdout


def test_an_unknown_name_is_a_friendly_mistake(built_reference: Path) -> None:
    result = run_cli(["lineage", "mart_sale_overview"], cwd=built_reference)
    assert result.exit_code == 2
    assert "Did you mean 'mart_sales_overview'?" in result.stderr
    assert "Traceback" not in result.stderr
