"""Loads into DuckDB are held to a limit of memory, beyond which very large values are loaded all the same."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipeline_cli.destinations.duckdb_loading import least_mb, loading
from tests.integration.bulk.conftest import FileWorld

ROWS = 30_000


@pytest.fixture(scope="module")
def large_values(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Parquet file of 100 MB in one row group, which DuckDB reads and keeps as one."""
    file = tmp_path_factory.mktemp("large") / "large.parquet"
    select = f"SELECT i AS id, repeat(md5(i::VARCHAR), 110) AS text FROM range({ROWS}) AS t(i)"
    duckdb.execute(f"COPY ({select}) TO '{file}' (ROW_GROUP_SIZE 122880)")
    return file


def held(world: FileWorld) -> list[tuple[int, int]]:
    return world.query("SELECT count(DISTINCT id), min(length(text)) FROM bronze_shop.items")


def test_the_limit_is_too_low_for_these(large_values: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        statement = f"CREATE OR REPLACE TABLE t AS SELECT * FROM '{large_values}'"
        with (
            pytest.raises(duckdb.OutOfMemoryException),
            loading(connection, "a", least_mb(6), is_ordered=False),
        ):
            connection.execute(statement)
        connection.execute(statement)  # the limit is the load's alone


def test_a_file_is_read_again_with_more_memory(duck: FileWorld, large_values: Path) -> None:
    duck.files(file_glob="*.parquet")
    (duck.root / "data/large.parquet").hardlink_to(large_values)
    result = duck.ingest()
    assert duck.account(result) == (ROWS, ROWS, 0, 0)
    assert held(duck) == [(ROWS, 3520)]


@pytest.mark.thorough
def test_rows_are_copied_again_with_more_memory(duck: FileWorld) -> None:
    duck.python(
        "import dlt\n@dlt.source\ndef shop():\n"
        "    @dlt.resource(primary_key='id')\n    def items():\n"
        "        for n in range(10):\n            yield {'id': n, 'text': str(n) * (8 << 20)}\n"
        "    return items\n"
    )
    result = duck.ingest()
    assert duck.account(result) == (10, 10, 0, 0)
    assert held(duck) == [(10, 8 << 20)]
