"""What SQLGlot's reading of two SELECTs says of a change."""

from __future__ import annotations

import pytest

from pipeline_cli.transforms.planned import ColumnChanges
from pipeline_cli.transforms.sql_changes import compare_sql, plain_jinja

BEFORE = "SELECT id, price * quantity AS revenue FROM lines WHERE quantity > 0"


@pytest.mark.parametrize(
    "after",
    [
        "select  id,\n  price * quantity as revenue\nfrom lines\nwhere quantity > 0 -- only sold ones",
        BEFORE,
    ],
)
def test_layout_and_comments_change_no_data(after: str) -> None:
    assert compare_sql(BEFORE, after, "duckdb").category == "metadata only"


@pytest.mark.parametrize(
    ("after", "category", "columns", "rows_differ"),
    [
        (
            "SELECT id, price * quantity AS revenue, day FROM lines WHERE quantity > 0",
            "non-breaking",
            ColumnChanges(added=("day",)),
            False,
        ),
        (
            "SELECT id, 1.1 * price * quantity AS revenue FROM lines WHERE quantity > 0",
            "breaking",
            ColumnChanges(changed=("revenue",)),
            False,
        ),
        ("SELECT id FROM lines WHERE quantity > 0", "breaking", ColumnChanges(removed=("revenue",)), False),
        (BEFORE.replace("> 0", "> 1"), "breaking", ColumnChanges(), True),
        # A column more makes other rows here.
        (
            "SELECT DISTINCT id, price * quantity AS revenue, day FROM lines WHERE quantity > 0",
            "breaking",
            ColumnChanges(added=("day",)),
            True,
        ),
        (
            "SELECT id, price * quantity AS revenue, UNNEST(days) AS day FROM lines WHERE quantity > 0",
            "breaking",
            ColumnChanges(added=("day",)),
            False,
        ),
    ],
)
def test_columns_and_rows_are_told_apart(
    after: str, category: str, columns: ColumnChanges, rows_differ: bool
) -> None:
    change = compare_sql(BEFORE, after, "duckdb")
    assert (change.category, change.columns, change.rows_differ) == (category, columns, rows_differ)


def test_a_query_that_cannot_be_read_is_breaking_when_its_words_differ() -> None:
    loop = "SELECT {% for day in days %} {{ day }} {% endfor %} FROM lines"
    assert compare_sql(loop, loop.replace("  ", " "), "duckdb").category == "metadata only"
    change = compare_sql(loop, loop + " WHERE id > 1", "duckdb")
    assert (change.category, change.is_read) == ("breaking", False)


def test_jinja_becomes_names_and_another_macro_another_name() -> None:
    text = "{{ config(materialized='table') }} SELECT {{ cents('a') }} AS a FROM {{ ref('b') }}, {{ source('c', 'd') }}"
    plain = plain_jinja(text)
    assert "b, c__d" in plain
    assert "{" not in plain
    assert compare_sql(
        plain, plain_jinja(text.replace("cents('a')", "cents('b')")), "duckdb"
    ).columns.changed == ("a",)
