"""What a hostile reader found: each was lost, altered or stopped a load once."""

from __future__ import annotations

import json

import pytest

import pipeline_cli.bulk.sink as sink_module
from pipeline_cli.errors import SourceError
from pipeline_cli.manifest.sources import Column
from tests.integration.bulk.conftest import FileWorld

BIGINT = {"v": Column(data_type="bigint")}


def merged(world: FileWorld, **options: object) -> None:
    world.files(write_disposition="merge", primary_key=("id",), **options)


@pytest.mark.parametrize("later", ["6", "+6"])
def test_the_last_row_of_a_key_wins_however_it_is_written(world: FileWorld, later: str) -> None:
    merged(world, columns=BIGINT)
    world.write("a.csv", "id,v", "1,+5", f"1,{later}", "2,7")
    first = world.ingest()
    assert world.account(first) == (3, 2, 0, 1)
    assert first.resources[0].repeated == 1
    assert world.rows("id, v") == [(1, 6), (2, 7)]
    world.write("b.csv", "id,v", "1,+8")
    world.write("c.csv", "id,v", "1,9", "2,+1")
    assert world.account(world.ingest()) == (3, 2, 0, 1)
    assert world.rows("id, v") == [(1, 9), (2, 1)]


def test_a_value_that_moves_to_another_column_is_a_change(world: FileWorld) -> None:
    merged(world)
    world.write("a.csv", "id,a", "1,x")
    world.ingest()
    world.write("b.csv", "id,b", "1,x")
    assert world.account(world.ingest()) == (1, 1, 0, 0)
    assert world.rows("id, a, b") == [(1, None, "x")]


def test_values_that_hold_separators_are_told_apart(world: FileWorld) -> None:
    merged(world)
    world.write("a.csv", "id,a,b", "1,p\x1fq,r", "2,,\x1e")
    world.ingest()
    world.write("b.csv", "id,a,b", "1,p,q\x1fr", "2,\x1e,")
    assert world.account(world.ingest()) == (2, 2, 0, 0)


def test_columns_in_another_order_are_no_change(world: FileWorld) -> None:
    world.files(write_disposition="scd2", primary_key=("id",))
    world.write("a.csv", "id,a,b", "1,x,y")
    world.ingest()
    world.write("b.csv", "id,b,a,empty", "1,y,x,")
    assert world.account(world.ingest()) == (1, 0, 0, 1)


def test_a_file_without_the_key_is_refused(world: FileWorld) -> None:
    merged(world)
    world.write("a.csv", "a,b", "1,2")
    with pytest.raises(SourceError, match="primary_key 'id' is none of its columns: a, b"):
        world.ingest()


def test_a_replaced_table_whose_files_are_emptied_is_empty(world: FileWorld) -> None:
    world.files(write_disposition="replace", on_no_files="ignore")
    path = world.write("a.csv", "id", "1")
    world.ingest()
    path.write_bytes(b"")
    assert world.ingest().loaded_tables == {("bronze_shop", "items")}
    assert world.rows("id") == []
    assert world.ingest().status == "unchanged"
    path.write_text("id\n2\n", encoding="utf-8")
    world.ingest()
    path.unlink()
    world.ingest()
    assert world.rows("id") == []
    assert world.ingest().status == "unchanged"


def test_new_files_end_no_version_of_keys_in_other_files(world: FileWorld) -> None:
    world.files(write_disposition="scd2", primary_key=("id",))
    world.write("a.csv", "id,v", "1,x")
    world.ingest()
    world.write("b.csv", "id,v", "2,y")
    world.ingest()
    assert world.rows("id", where='WHERE "_dlt_valid_to" IS NULL') == [(1,), (2,)]


def test_the_raw_record_of_an_oddly_written_row_is_what_was_received(world: FileWorld) -> None:
    world.files(keep_raw=True, columns={"n": Column(data_type="bigint")})
    world.write("a.csv", "N,Big Name", "+5,x")
    world.ingest()
    ((number, raw, endpoint),) = world.query('SELECT n, "_raw", "_endpoint" FROM "bronze_shop"."items"')
    assert (number, json.loads(raw) if isinstance(raw, str) else raw) == (5, {"N": "+5", "Big Name": "x"})
    assert endpoint == "a.csv"


def test_equal_rejects_beyond_those_that_are_located_are_all_kept(
    world: FileWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink_module, "LOCATED", 1)
    merged(world, columns=BIGINT)
    path = world.write("a.csv", "id,v", "1,x", "1,x", "1,x", "2,y")
    assert world.account(world.ingest()) == (4, 0, 4, 0)
    assert len(world.quarantine()) == 4
    path.touch()
    world.write("a.csv", "id,v", "1,x", "1,x", "1,x", "2,y", "3,3")
    world.ingest()
    assert len(world.quarantine()) == 4


def test_full_refresh_rejects_each_row_once(world: FileWorld) -> None:
    world.files(columns=BIGINT)
    world.write("a.csv", "id,v", "1,x", "2,2")
    world.ingest()
    assert world.account(world.ingest(full_refresh=True)) == (2, 1, 1, 0)
    assert len(world.quarantine()) == 1


def test_json_lines_without_a_single_field_are_rejected(duck: FileWorld) -> None:
    duck.files(file_glob="*.jsonl")
    duck.write("a.jsonl", '{"id":1,', "{}", "{}")
    assert duck.account(duck.ingest()) == (3, 0, 3, 0)
    assert len(duck.quarantine()) == 3


def test_a_parquet_time_beyond_the_calendar_is_rejected(duck: FileWorld) -> None:
    import pyarrow
    import pyarrow.parquet

    duck.files(file_glob="*.parquet")
    times = pyarrow.array([2**62, 0], type=pyarrow.timestamp("us", tz="UTC"))
    table = pyarrow.table({"id": pyarrow.array([1, 2]), "at": times})
    pyarrow.parquet.write_table(table, duck.root / "data" / "a.parquet")
    assert duck.account(duck.ingest()) == (2, 1, 1, 0)
    assert duck.rows("id") == [(2,)]


def test_a_column_that_hides_the_address_of_rows_is_not_merged(duck: FileWorld) -> None:
    merged(duck)
    duck.write("a.csv", "id,rowid", "1,5", "2,5", "1,5")
    with pytest.raises(SourceError, match="'rowid' cannot be a column of a table that is merged"):
        duck.ingest()
    duck.files()
    assert duck.account(duck.ingest()) == (3, 3, 0, 0)


def test_a_column_called_position_is_merged_in_its_order(world: FileWorld) -> None:
    merged(world, columns=BIGINT)
    world.write("a.csv", "id,v,_position", "1,+5,9", "1,6,8")
    assert world.account(world.ingest()) == (2, 1, 0, 1)
    assert world.rows("id, v, _position") == [(1, 6, 8)]


def test_full_refresh_keeps_nothing_of_files_that_are_gone(world: FileWorld) -> None:
    world.files(on_no_files="ignore")
    world.write("a.csv", "id", "1").rename(world.root / "data" / "b.csv")
    world.ingest()
    (world.root / "data" / "b.csv").unlink()
    assert world.ingest(full_refresh=True).loaded_tables == {("bronze_shop", "items")}
    assert world.rows("id") == []


@pytest.mark.thorough
def test_records_a_thousand_levels_deep_are_rejected_and_hold_up_nobody(world: FileWorld) -> None:
    world.files(file_glob="*.jsonl")
    objects = '{"a": ' * 1_000 + "1" + "}" * 1_000
    lists = "[" * 1_000 + "1" + "]" * 1_000
    world.write("a.jsonl", f'{{"id": 1, "deep": {objects}}}', '{"id": 2}', f'{{"id": 3, "deep": {lists}}}')
    assert world.account(world.ingest()) == (3, 1, 2, 0)
    assert world.rows("id") == [(2,)]
    assert sorted(record["id"] for record, _ in world.quarantine()) == [1, 3]
    assert all(reasons[0]["path"] == "$.deep" for _, reasons in world.quarantine())


@pytest.mark.thorough
def test_names_of_seventy_characters_that_begin_alike_are_columns_of_their_own(world: FileWorld) -> None:
    one, two = "n" * 70, "n" * 69 + "m"
    world.write("a.csv", f"id,{one},{two}", "1,one,two")
    world.write("b.csv", f"id,{two},{one}", "2,2,1")
    world.ingest()
    world.write("c.csv", f"id,{two},{one}", "3,second,first")
    assert world.ingest().schema_changes == []
    columns = [
        name
        for (name,) in world.query(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'bronze_shop'"
            " AND table_name = 'items' AND column_name LIKE 'nnn%' ORDER BY column_name LIKE '%m'"
        )
    ]
    assert len(columns) == 2 and all(len(name) <= 63 for name in columns)
    first, second = columns
    assert world.rows(f"id, {first}, {second}") == [(1, "one", "two"), (2, "1", "2"), (3, "first", "second")]
