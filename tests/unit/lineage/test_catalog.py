"""The warehouse's catalog as it is kept, and what becomes of one that cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline_cli.errors import LoadError
from pipeline_cli.lineage.catalog import Catalog, CatalogTable, keep_catalog, kept_catalog, read_catalog


def test_a_kept_catalog_says_the_same(tmp_path: Path) -> None:
    tables = {
        ("gold", "sales"): CatalogTable({"id": "BIGINT", "day": "DATE"}, rows=3),
        ("gold", "seen"): CatalogTable({"id": "BIGINT"}, is_view=True),
        ("gold", "large"): CatalogTable({}, rows=12_000_000, is_estimate=True),
    }
    catalog = Catalog(datetime(2026, 11, 21, 9, tzinfo=UTC), tables)
    keep_catalog(tmp_path / "new" / "catalog.json", catalog)
    assert kept_catalog(tmp_path / "new" / "catalog.json") == catalog


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 99}', '{"format": 1, "read_at": "x", "tables": []}']
)
def test_a_damaged_one_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "catalog.json").write_text(text, encoding="utf-8")
    assert kept_catalog(tmp_path / "catalog.json") is None
    assert kept_catalog(tmp_path / "missing.json") is None


def test_a_warehouse_of_another_kind_is_told_and_not_asked() -> None:
    warehouse: Any = SimpleNamespace(type="bigquery")
    with pytest.raises(LoadError, match="bigquery"):
        read_catalog(warehouse, ["gold"])


def test_a_duckdb_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    warehouse: Any = SimpleNamespace(type="duckdb", location=str(tmp_path / "none.duckdb"))
    assert read_catalog(warehouse, ["gold"]).tables == {}
    assert list(tmp_path.iterdir()) == []
