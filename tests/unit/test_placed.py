"""Queries of an environment, asked of its copy."""

from __future__ import annotations

import pytest

from pipeline_cli.destinations.placed import place_tables

PLACES = {("gold_shop", "days"): "gold_shop__pr", ("silver_shop", "Orders"): "silver_shop__pr"}


@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
@pytest.mark.parametrize(
    ("sql", "placed"),
    [
        ("SELECT * FROM gold_shop.days", 'SELECT * FROM "gold_shop__pr".days'),
        ('SELECT * FROM "gold_shop"."days" AS d', 'SELECT * FROM "gold_shop__pr"."days" AS d'),
        ("select * from GOLD_SHOP . Days -- all", 'select * from "gold_shop__pr" . Days -- all'),
        (
            "SELECT 'gold_shop.days', days.gold_shop FROM gold_shop.days JOIN gold_shop.weeks USING (day)",
            "SELECT 'gold_shop.days', days.gold_shop FROM \"gold_shop__pr\".days JOIN gold_shop.weeks USING (day)",
        ),
        (
            "DECLARE c NO SCROLL CURSOR FOR SELECT 1 FROM gold_shop.days",
            'DECLARE c NO SCROLL CURSOR FOR SELECT 1 FROM "gold_shop__pr".days',
        ),
        ('SELECT 1.5 FROM silver_shop."Orders"', 'SELECT 1.5 FROM "silver_shop__pr"."Orders"'),
        ("SELECT 1 FROM silver_shop.Orders", "SELECT 1 FROM silver_shop.Orders"),
        (
            "SELECT 1 -- gold_shop.days\nFROM bronze_shop.days",
            "SELECT 1 -- gold_shop.days\nFROM bronze_shop.days",
        ),
        ("SELECT x.gold_shop.days FROM x", "SELECT x.gold_shop.days FROM x"),
    ],
)
def test_only_the_schemas_of_tables_that_the_copy_has_change(dialect: str, sql: str, placed: str) -> None:
    assert place_tables(sql, dialect, PLACES) == placed
