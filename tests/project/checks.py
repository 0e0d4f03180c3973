"""What the tests of the systems have in common: models against figures, and a run's document."""

from __future__ import annotations

import re
from typing import Any

from pipeline_cli.testing import CliResult
from tests.project.conftest import Row, Shop

SLOWLY_CHANGING = ("gold_fakestore.dim_products", "gold_fakestore.dim_users")
DESCRIBED_DUCKDB = """
    SELECT schema_name || '.' || table_name AS model, column_name, comment AS description
    FROM duckdb_columns() WHERE schema_name IN ({0})
    UNION ALL SELECT schema_name || '.' || table_name, '', comment FROM duckdb_tables() WHERE schema_name IN ({0})
    UNION ALL SELECT schema_name || '.' || view_name, '', comment FROM duckdb_views() WHERE schema_name IN ({0})
"""
DESCRIBED_POSTGRES = """
    SELECT n.nspname || '.' || c.relname AS model, a.attname AS column_name, d.description
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname IN ({0}) AND c.relkind IN ('r', 'v')
    JOIN (SELECT attrelid, attnum, attname FROM pg_attribute WHERE NOT attisdropped
          UNION ALL SELECT oid, 0, '' FROM pg_class) a ON a.attrelid = c.oid AND a.attnum >= 0
    LEFT JOIN pg_description d ON d.objoid = c.oid AND d.objsubid = a.attnum AND d.classoid = 'pg_class'::regclass
"""


def select(model: str) -> str:
    current = " WHERE valid_to IS NULL" if model in SLOWLY_CHANGING else ""
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


def assert_described(shop: Shop, *schemas: str) -> None:
    """Every model and column of these schemas has its description in the warehouse itself."""
    names = ", ".join(f"'{schema}'" for schema in schemas)
    described = shop.query((DESCRIBED_POSTGRES if shop.postgres_url else DESCRIBED_DUCKDB).format(names))
    assert {row["model"].partition(".")[0] for row in described} == set(schemas)
    assert [row for row in described if not row["description"]] == []


def ingest_only(shop: Shop, pipeline: str) -> None:
    """Take the pipeline's transform, of the same name, its report and who is sent that out of the project copy."""
    manifest = shop.root / "pipelines.yaml"
    lines = rf"    transforms: \[{pipeline}\]\n(    reports: .*\n)?"
    text, count = re.subn(lines, "", manifest.read_text(encoding="utf-8"))
    assert count == 1
    text = text.replace("alerts: [{when: [report, ", "alerts: [{when: [")
    manifest.write_text(text, encoding="utf-8")
