"""A plan as text and Markdown: narrow, marked without colour, and safe to paste."""

from __future__ import annotations

from pipeline_cli.planning.changes import Change, Plan
from pipeline_cli.planning.document import render_markdown, to_fields
from pipeline_cli.planning.text import describe_verdict, render_text

FIELD = Change(
    "sources",
    "shop",
    "orders",
    "field",
    "renamed",
    "price is called unit_price now",
    "in the source, 20 records read: by its name and type",
    "orders.price",
    "unit_price becomes a column, and price is NULL in new rows",
    20,
    paths=(
        ("price", "fact_cart_items.line_revenue", "report sales: revenue"),
        ("price", "a.b"),
        ("price", "c.d"),
    ),
)
REPLACE = Change(
    "sources", "shop", "orders", "write_disposition", "changed", "write_disposition: merge -> replace",
    "pipelines.yaml", effect="20 rows are deleted by the next run", rows=20, destructive=True,
)  # fmt: skip
PLAN = Plan(
    "prod",
    ["shop"],
    "what run 1 left",
    [FIELD, REPLACE],
    {"shop.orders": 20},
    ["crm was not read: it is down"],
)


def test_the_tree_is_narrow_and_says_all() -> None:
    lines = render_text(PLAN, "pipeline-cli plan --out shop.plan --env prod")
    assert max(map(len, lines)) <= 80
    assert lines == [
        "Plan for prod, compared with what run 1 left.",
        "",
        "Sources",
        "  shop",
        "  └─ orders",
        "     ├─ ~ price is called unit_price now (in the source, 20 records read: by its",
        "     │    name and type)",
        "     │    unit_price becomes a column, and price is NULL in new rows",
        "     │    price -> fact_cart_items.line_revenue -> report sales: revenue",
        "     │    price -> a.b",
        "     │    and 1 more way to gold and reports (--json has them)",
        "     └─ ! ~ write_disposition: merge -> replace (pipelines.yaml)",
        "          20 rows are deleted by the next run",
        "",
        "Note: crm was not read: it is down",
        "1 change to apply, 1 of them destructive (!); 1 difference in what the sources",
        "give.",
        "Next: pipeline-cli plan --out shop.plan --env prod",
    ]


def test_no_change_is_said_with_what_was_read() -> None:
    plan = Plan("dev", ["shop"], "what run 1 left", [], {"shop.orders": 20, "shop.users": 1})
    assert describe_verdict(plan) == "Nothing changes; 21 records of 2 resources read."


def test_the_document_has_every_path() -> None:
    fields = to_fields(PLAN)
    assert fields["summary"] == {"changes": 1, "destructive": 1, "differences_in_sources": 1}
    assert len(fields["changes"][0]["paths"]) == 3


def test_names_from_a_source_break_no_markdown() -> None:
    evil = Change("sources", "shop", "a|b", "field", "new", "x | <script>`\n# y", "in the source")
    lines = render_markdown(Plan("prod", ["shop"], "its warehouse", [evil]))
    (row,) = [line for line in lines if "script" in line]
    assert row == "| + | `shop.a\\|b` | x \\| &lt;script>' # y (in the source) |  |"
