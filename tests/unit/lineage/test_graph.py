"""The lineage asked: upwards, downwards, by name, and drawn as a tree."""

from __future__ import annotations

import pytest

from pipeline_cli.errors import UsageError
from pipeline_cli.lineage.graph import Column, ColumnFacts, Lineage
from pipeline_cli.lineage.names import find, in_schema
from pipeline_cli.lineage.trees import describe, draw, list_tables
from tests.unit.lineage.world import column, make_lineage, relation


def test_a_column_is_followed_to_the_sources_field_and_to_the_report() -> None:
    lineage = make_lineage()
    amount = column("silver_shop.stg_orders.amount")
    assert lineage.beginnings(column("gold_shop.sales.revenue")) == [column("source:shop.orders.amount")]
    assert lineage.downstream([amount]) == {
        amount,
        column("gold_shop.sales.revenue"),
        Column("report:sales", "kpis.revenue"),
    }


def test_counted_rows_are_of_a_table_and_of_none_of_its_columns() -> None:
    lineage = make_lineage()
    assert lineage.origins(column("gold_shop.sales.orders")) == [column("silver_shop.stg_orders.*")]
    assert lineage.beginnings(column("gold_shop.sales.orders")) == []


def test_tables_above_and_below_a_table() -> None:
    lineage = make_lineage()
    assert lineage.ancestors("silver_shop.stg_orders") == {"bronze_shop.orders", "source:shop.orders"}
    assert lineage.descendants("silver_shop.stg_orders") == {"gold_shop.sales", "report:sales"}
    assert list(lineage.depths().values()) == [0, 1, 2, 3, 4]


def test_a_circle_is_walked_once() -> None:
    one, other = relation("s.a", "model", "x", "s.b"), relation("s.b", "model", "x", "s.a")
    links = {column("s.a.x"): frozenset({column("s.b.x")}), column("s.b.x"): frozenset({column("s.a.x")})}
    lineage = Lineage({"s.a": one, "s.b": other}, links)
    assert lineage.ancestors("s.a") == {"s.b"}
    assert lineage.upstream([column("s.a.x")]) == {column("s.a.x"), column("s.b.x")}
    assert set(lineage.depths()) == {"s.a", "s.b"}
    assert draw(lineage, column("s.a.x"))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("gold_shop.sales.revenue", column("gold_shop.sales.revenue")),
        ("stg_orders.amount", column("silver_shop.stg_orders.amount")),
        ("order_id", column("silver_shop.stg_orders.order_id")),
        ("stg_orders", "silver_shop.stg_orders"),
        ("sales.kpis.orders", Column("report:sales", "kpis.orders")),
        ("report:sales", "report:sales"),
        ("shop.orders", "source:shop.orders"),
        ("source:shop.orders.id", column("source:shop.orders.id")),
        ("GOLD_SHOP.SALES.Revenue", column("gold_shop.sales.revenue")),
        ("Stg_Orders", "silver_shop.stg_orders"),
        ("orders", "bronze_shop.orders"),  # a table rather than the source's resource
    ],
)
def test_tables_and_columns_are_found_by_what_people_call_them(name: str, found: object) -> None:
    assert find(make_lineage(), name) == found


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("amount", "may be several", "silver_shop.stg_orders.amount"),
        ("stg_orders.amounts", "has no column 'amounts'", "Did you mean 'amount'?"),
        ("stg_order", "There is no table or column 'stg_order'", "Did you mean 'stg_orders'?"),
        ("stg_ordrs.amount", "There is no table or column", "Did you mean 'stg_orders.amount'?"),
        ("STG_ORDER", "There is no table or column 'STG_ORDER'", "Did you mean 'stg_orders'?"),
        ("nope", "There is no table or column 'nope'", "There is: gold_shop.sales, silver_shop.stg_orders,"),
        ("", "There is no table or column ''", "There is:"),
    ],
)
def test_what_is_not_found_is_told_with_what_there_is(name: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        find(make_lineage(), name)
    assert message in refused.value.message
    assert hint in str(refused.value.hint)


def test_a_columns_tree_goes_up_to_the_source_and_down_to_the_report() -> None:
    assert draw(make_lineage(), column("gold_shop.sales.revenue")) == [
        "gold_shop.sales.revenue  INT",
        "",
        "Made of",
        "  └─ silver_shop.stg_orders.amount",
        "     └─ bronze_shop.orders.amount",
        "        └─ source:shop.orders.amount",
        "",
        "Used by",
        "  └─ report:sales.kpis.revenue",
    ]


def test_every_name_in_a_tree_can_be_typed() -> None:
    lineage = make_lineage()
    for drawn in (draw(lineage, "silver_shop.stg_orders"), draw(lineage, column("gold_shop.sales.revenue"))):
        names = [line.partition("─ ")[2] for line in drawn if "─ " in line]
        assert names and all(find(lineage, name) for name in names)


def test_a_schema_lists_its_tables_where_no_table_is_called_so() -> None:
    lineage = make_lineage()
    assert [one.id for one in in_schema(lineage, "GOLD_SHOP")] == ["gold_shop.sales"]
    assert in_schema(lineage, "orders") == in_schema(lineage, "") == []


@pytest.mark.parametrize("found", ["gold_shop.sales", column("gold_shop.sales.revenue")])
def test_descriptions_are_wrapped(found: Column | str) -> None:
    lineage = make_lineage()
    words = "What was sold, " * 20
    sales = lineage.relations["gold_shop.sales"]
    sales.description = words
    sales.columns["revenue"] = ColumnFacts("INT", words)
    drawn = draw(lineage, found, 60)
    assert max(len(line) for line in drawn) <= 60
    assert "".join(drawn).count("What") == 20


def test_the_received_record_is_made_of_the_sources_records() -> None:
    lineage = make_lineage()
    raw = Column("bronze_shop.orders", "_raw")
    lineage.made_of[raw] = frozenset({Column("source:shop.orders", "*")})
    assert "  └─ the records of source:shop.orders" in draw(lineage, raw)


def test_what_was_drawn_is_not_drawn_again() -> None:
    lineage = make_lineage()
    lineage.relations["report:sales"].parents.add("silver_shop.stg_orders")
    drawn = draw(lineage, "bronze_shop.orders")
    assert drawn.count("     └─ report:sales") + drawn.count("     ├─ report:sales") <= 1
    assert any("report:sales" in line for line in drawn)


def test_a_constant_is_made_of_no_column() -> None:
    assert "  no column: a constant, a clock or a number" in draw(
        make_lineage(), column("source:shop.orders.id")
    )


def test_lineage_as_data_has_each_edge_once() -> None:
    told = describe(make_lineage(), column("silver_shop.stg_orders.amount"))
    assert (told["table"], told["column"]) == ("silver_shop.stg_orders", "amount")
    assert told["upstream"][0] == {
        "of": {"table": "silver_shop.stg_orders", "column": "amount"},
        "from": {"table": "bronze_shop.orders", "column": "amount"},
    }
    assert len(told["upstream"]) == len(told["downstream"]) == 2
    assert (
        next(one["id"] for one in list_tables(make_lineage().relations.values())["tables"])
        == "source:shop.orders"
    )
