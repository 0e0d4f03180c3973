"""A small lineage made by hand: a source, bronze, two models and a report."""

from __future__ import annotations

from pipeline_cli.lineage.graph import Column, ColumnFacts, Kind, Lineage, Relation


def relation(identity: str, kind: Kind, columns: str, *parents: str) -> Relation:
    schema, _, name = identity.removeprefix("source:").removeprefix("report:").rpartition(".")
    facts = {column: ColumnFacts("INT") for column in columns.split()}
    return Relation(identity, kind, schema, name, columns=facts, parents=set(parents))


def make_lineage() -> Lineage:
    relations = [
        relation("source:shop.orders", "source", "id amount"),
        relation("bronze_shop.orders", "bronze", "id amount _run_id", "source:shop.orders"),
        relation("silver_shop.stg_orders", "model", "order_id amount", "bronze_shop.orders"),
        relation("gold_shop.sales", "model", "orders revenue", "silver_shop.stg_orders"),
        relation("report:sales", "report", "kpis.revenue kpis.orders", "gold_shop.sales"),
    ]
    made_of = {
        "bronze_shop.orders.id": "source:shop.orders.id",
        "bronze_shop.orders.amount": "source:shop.orders.amount",
        "silver_shop.stg_orders.order_id": "bronze_shop.orders.id",
        "silver_shop.stg_orders.amount": "bronze_shop.orders.amount",
        "gold_shop.sales.orders": "silver_shop.stg_orders.*",
        "gold_shop.sales.revenue": "silver_shop.stg_orders.amount",
    }
    links = {column(one): frozenset({column(other)}) for one, other in made_of.items()}
    for block in ("revenue", "orders"):
        links[Column("report:sales", f"kpis.{block}")] = frozenset({Column("gold_shop.sales", block)})
    return Lineage({one.id: one for one in relations}, links)


def column(name: str) -> Column:
    """`schema.table.column`."""
    table, _, own = name.rpartition(".")
    return Column(table, own)
