"""What the tests of the systems have in common: models against figures, and a run's document."""

from __future__ import annotations

from typing import Any

from pipeline_cli.testing import CliResult
from tests.project.conftest import Row, Shop

SLOWLY_CHANGING = ("dim_products", "dim_users")


def select(model: str) -> str:
    current = " WHERE valid_to IS NULL" if model.endswith(SLOWLY_CHANGING) else ""
    return f"SELECT * FROM {model}{current}"


def in_order(rows: list[Row]) -> list[list[tuple[str, Any]]]:
    """Rows as sorted pairs, in an order that does not depend on the warehouse; histories lose their times."""
    plain = [
        {name: value for name, value in row.items() if name not in ("valid_from", "valid_to")} for row in rows
    ]
    return sorted((sorted(row.items()) for row in plain), key=str)


def assert_models_hold(shop: Shop, expected: dict[str, list[Row]]) -> None:
    for model, rows in expected.items():
        assert in_order(shop.query(select(model))) == in_order(rows), model


def assert_succeeded(result: CliResult) -> Row:
    assert result.exit_code == 0, result.stdout + result.stderr
    assert result.document is not None
    return result.document


def steps_of(document: Row) -> dict[str, Row]:
    return {step["name"]: step for pipeline in document["pipelines"] for step in pipeline["steps"]}


def resources_of(document: Row, source: str) -> dict[str, Row]:
    return {resource["name"]: resource for resource in steps_of(document)[f"ingest:{source}"]["resources"]}
