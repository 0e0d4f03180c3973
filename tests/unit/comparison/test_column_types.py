"""One type's names in DuckDB and Postgres, and columns side by side."""

from __future__ import annotations

import pytest

from pipeline_cli.comparison.column_types import ColumnDifference, compare_columns, is_same_type


@pytest.mark.parametrize(
    ("duckdb", "postgres"),
    [
        ("VARCHAR", "text"),
        ("VARCHAR", "character varying"),
        ("VARCHAR", "character varying(40)"),
        ("BIGINT", "bigint"),
        ("DOUBLE", "double precision"),
        ("FLOAT", "real"),
        ("DECIMAL(38,9)", "numeric(38, 9)"),
        ("DECIMAL(18,2)", "numeric"),
        ("HUGEINT", "numeric"),
        ("TIMESTAMP WITH TIME ZONE", "timestamp with time zone"),
        ("TIMESTAMP", "timestamp(3) without time zone"),
        ("JSON", "jsonb"),
        ("BLOB", "bytea"),
        ("BIGINT[]", "bigint[]"),
    ],
)
def test_two_names_of_one_type_are_no_difference(duckdb: str, postgres: str) -> None:
    assert is_same_type(duckdb, postgres, same_database=False)


@pytest.mark.parametrize(
    ("here", "there"),
    [("BIGINT", "text"), ("DECIMAL(18,2)", "numeric(18,3)"), ("TIMESTAMP", "timestamp with time zone")],
)
def test_other_types_are_a_difference(here: str, there: str) -> None:
    assert not is_same_type(here, there, same_database=False)


def test_within_one_database_a_size_counts() -> None:
    assert not is_same_type("numeric", "numeric(18,2)", same_database=True)


def test_columns_are_told_in_the_tables_order() -> None:
    here = {"id": "BIGINT", "nick": "VARCHAR", "phone": "VARCHAR"}
    there = {"id": "bigint", "phone": "bigint", "email": "text"}
    assert compare_columns(here, there, same_database=False) == [
        ColumnDifference("nick", "text", None),
        ColumnDifference("phone", "text", "bigint"),
        ColumnDifference("email", None, "text"),
    ]
