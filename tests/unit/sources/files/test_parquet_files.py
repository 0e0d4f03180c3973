"""Parquet as scans: stored types, nested values as JSON, several schemas, damaged files."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipeline_cli.errors import SourceError
from tests.unit.sources.files.world import World


def parquet(folder: Path, select: str) -> bytes:
    path = folder / "made.parquet"
    duckdb.sql(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path.read_bytes()


def test_types_are_the_stored_ones(tmp_path: Path) -> None:
    content = parquet(
        tmp_path,
        "SELECT 1 AS i, 2.50::DECIMAL(10,2) AS d, 1.5::DOUBLE AS f, true AS b, 'é' AS t, DATE '2026-01-31' AS day,"
        " TIME '10:00' AS tm, TIMESTAMP '2026-01-31 10:00' AS ts, 'a'::BLOB AS bl, [1, NULL] AS l, {'x': 1} AS s,"
        " 18446744073709551615::UBIGINT AS u, '8e6d3c3e-0000-4000-8000-000000000001'::UUID AS uu",
    )
    loaded = World(tmp_path).write({"contacts.parquet": content}).load()
    assert loaded.columns == {
        "i": "bigint",
        "d": "decimal",
        "f": "double",
        "b": "bool",
        "t": "text",
        "day": "date",
        "tm": "time",
        "ts": "timestamp",
        "bl": "binary",
        "l": "json",
        "s": "json",
        "u": "decimal",
        "uu": "text",
    }
    (row,) = loaded.rows
    assert (row["d"], row["day"], row["tm"]) == (Decimal("2.50"), date(2026, 1, 31), time(10))
    assert (row["ts"], row["bl"], row["u"]) == (datetime(2026, 1, 31, 10), b"a", 18446744073709551615)
    assert (row["l"], row["s"], row["uu"][:8]) == ("[1,null]", '{"x":1}', "8e6d3c3e")
    assert (loaded.specs["d"].precision, loaded.specs["d"].scale) == (10, 2)
    assert (loaded.specs["l"].encoding, loaded.specs["i"].encoding) == ("json", "typed")
    assert loaded.files == ["contacts.parquet"]


def test_files_with_other_columns_are_read_by_name(tmp_path: Path) -> None:
    files = {
        "contacts_1.parquet": parquet(tmp_path, "SELECT 1 AS id, 'a' AS name"),
        "contacts_2.parquet": parquet(tmp_path, "SELECT 'b' AS name, 2.5::DOUBLE AS id, 3 AS extra"),
    }
    loaded = World(tmp_path).write(files).load()
    assert loaded.columns == {"id": "double", "name": "text", "extra": "bigint"}
    assert sorted(loaded.values("name")) == ["a", "b"]


def test_a_column_may_be_called_as_any_that_duckdb_could_add(tmp_path: Path) -> None:
    content = parquet(tmp_path, 'SELECT 1 AS id, 2 AS "__pipeline_cli_file", 3 AS filename')
    loaded = World(tmp_path).write({"contacts.parquet": content}).load()
    assert loaded.rows == [{"id": 1, "__pipeline_cli_file": 2, "filename": 3}]
    assert loaded.files == ["contacts.parquet"]


def test_types_that_do_not_go_together_are_refused_unless_one_is_said(tmp_path: Path) -> None:
    files = {
        "contacts_1.parquet": parquet(tmp_path, "SELECT 1 AS id"),
        "contacts_2.parquet": parquet(tmp_path, "SELECT 'x' AS id"),
    }
    with pytest.raises(
        SourceError, match=r"'id' is bigint in contacts_1\.parquet and text in contacts_2\.parquet"
    ):
        World(tmp_path / "a").write(files).load()
    declared = World(tmp_path / "b", "columns: {id: {data_type: text}}").write(files).load()
    assert declared.columns == {"id": "text"}


@pytest.mark.parametrize("content", [b"PAR1 and no more", b"not at all", b"PAR1"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SourceError, match=r"contacts\.parquet is no whole Parquet file") as caught:
        World(tmp_path).write({"contacts.parquet": content}).load()
    assert str(tmp_path) not in caught.value.message


def test_a_cut_file_is_an_error(tmp_path: Path) -> None:
    content = parquet(tmp_path, "SELECT * FROM range(100000) t(id)")
    with pytest.raises(SourceError, match="no whole Parquet file"):
        World(tmp_path).write({"contacts.parquet": content[: len(content) // 2]}).load()
