"""What a source gives differently, with what the resource's contract and schema_contract make of it."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline_cli.deployed.store import Deployed
from pipeline_cli.document import utc_now
from pipeline_cli.lineage.catalog import Catalog, CatalogTable
from pipeline_cli.planning.changes import Change
from pipeline_cli.planning.drift import ProbedResource, drift_lines
from pipeline_cli.planning.facts import Facts
from pipeline_cli.planning.probe import Probe, Rejection

COLUMNS = {"id": "bigint", "price": "double"}
STORED = {
    "shop": {"tables": {"things": {"columns": {name: {"data_type": kind} for name, kind in COLUMNS.items()}}}}
}


class Answers:
    """A warehouse whose columns are all filled, with values of their own."""

    def filled_shares(self, table: Any, columns: Any) -> dict[str, float]:
        return dict.fromkeys(columns, 1.0)

    def some_values(self, table: Any, column: str) -> set[str]:
        return set()


def lines(given: dict[str, str], hints: dict[str, Any], *reasons: Rejection) -> list[Change]:
    probe = Probe(
        "things", 20, {"things": given}, rejected=sum(each.count for each in reasons), reasons=list(reasons)
    )
    catalog = Catalog(utc_now(), {("bronze_shop", "things"): CatalogTable(COLUMNS, rows=7)})
    facts = Facts(catalog, Deployed(), STORED)
    return list(drift_lines(ProbedResource("shop", probe, hints, facts, Answers())))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hints", "effect"),
    [
        ({}, "becomes a column; NULL in the rows that are there"),
        ({"schema_contract": "evolve"}, "becomes a column; NULL in the rows that are there"),
        ({"schema_contract": "freeze"}, "schema_contract freezes columns: the load stops"),
        (
            {"schema_contract": {"columns": "quarantine"}},
            "schema_contract sets records with new columns apart: they go to quarantine",
        ),
    ],
)
def test_a_new_field_is_what_schema_contract_says(hints: dict[str, Any], effect: str) -> None:
    (change,) = lines({**COLUMNS, "size": "text"}, hints)
    assert (change.action, change.summary, change.effect) == ("new", "size is new (text)", effect)
    assert change.rows == 7
    assert change.is_drift


def test_a_field_that_the_contract_refuses_is_told_once() -> None:
    closed = Rejection(
        "$", "additionalProperties", "Additional properties are not allowed ('size' was unexpected)", 20
    )
    (change,) = lines({**COLUMNS, "size": "text"}, {"on_violation": "quarantine"}, closed)
    assert change.effect == "20 of 20 records go to quarantine"


def test_other_types_follow_schema_contract_and_the_limit_of_rejects() -> None:
    misfit = Rejection("price", "column_type", "'x' does not fit the column, which is double", 20)
    given = {**COLUMNS, "price": "text"}
    (kept,) = lines(given, {"schema_contract": {"data_type": "evolve"}}, misfit)
    assert (kept.summary, kept.effect) == ("price: double -> text", "kept as a text in price__v_text")
    (stopped,) = lines(given, {"max_rejected": "1%"}, misfit)
    assert (
        stopped.effect == "20 of 20 records are rejected, more than max_rejected allows (1%): the load stops"
    )


def test_what_no_field_explains_has_a_line_of_its_own() -> None:
    broken = Rejection("price", "minimum", "-1 is less than the minimum of 0", 3)
    (change,) = lines(COLUMNS, {"contract": "things.schema.json", "on_violation": "fail"}, broken)
    assert (change.action, change.reason) == ("rejected", "things.schema.json")
    assert change.effect == "3 of 20 records break the contract: the load stops"
