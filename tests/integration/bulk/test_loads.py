"""What a load of columns leaves in the warehouse, by write disposition; and that a failed one leaves nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.drift import add_fields, compare_fields
from pipeline_cli.errors import ChecksFailed, LoadError, SourceError
from pipeline_cli.manifest.models import Limit
from pipeline_cli.manifest.sources import SchemaContract
from tests.integration.bulk.conftest import FileWorld

HEADER = "id,name,price"
PRICED = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "price": {"type": "number", "minimum": 0}},
    "required": ["id", "price"],
}


def everything(world: FileWorld) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, dlt's included."""
    warehouse = world.warehouse
    with warehouse.exclusive():
        tables = [name for _, name in warehouse.relations(["bronze_shop"])]
    return {name: sorted(world.query(f'SELECT * FROM "bronze_shop"."{name}"'), key=repr) for name in tables}


def test_append_adds_the_rows_of_new_files_alone(world: FileWorld) -> None:
    world.write("a.csv", HEADER, "1,one,1.50", "2,two,2")
    assert world.account(world.ingest()) == (2, 2, 0, 0)
    assert world.ingest().status == "unchanged"
    world.write("b.csv", HEADER, "1,one,1.50")
    assert world.account(world.ingest()) == (1, 1, 0, 0)
    assert world.rows("id, name, price") == [(1, "one", 1.5), (1, "one", 1.5), (2, "two", 2.0)]


def test_every_row_says_where_it_is_from(world: FileWorld) -> None:
    world.write("a.csv", HEADER, "1,one,1")
    result = world.ingest()
    assert world.rows("_run_id, _source, _dlt_load_id") == [("run1", "shop", result.load_ids[0])]
    assert world.query('SELECT count(*) FROM "bronze_shop"."_dlt_loads" WHERE status = 0') == [(1,)]
    assert world.rows("path, _dlt_load_id", "_files") == [("a.csv", result.load_ids[0])]


def test_merge_takes_the_last_row_of_each_key(world: FileWorld) -> None:
    world.files(write_disposition="merge", primary_key=("id",))
    world.write("a.csv", HEADER, "1,one,1", "2,two,2", "1,one again,1")
    assert world.account(world.ingest()) == (3, 2, 0, 1)
    world.write("b.csv", HEADER, "2,two,2", "3,three,3", "1,changed,1")
    result = world.ingest()
    assert world.account(result) == (3, 2, 0, 1)
    assert result.loaded_tables == {("bronze_shop", "items")}
    assert world.rows("id, name") == [(1, "changed"), (2, "two"), (3, "three")]
    assert world.rows("_run_id", where="WHERE id = 2") == [("run1",)]  # it was not written again


def test_merge_of_the_same_rows_changes_nothing(world: FileWorld) -> None:
    world.files(write_disposition="merge", primary_key=("id",))
    world.write("a.csv", HEADER, "1,one,1", "2,,2.0")
    world.ingest()
    world.write("b.csv", HEADER, "1,one,1.0", "2,,2")  # the same values, written otherwise
    result = world.ingest()
    assert world.account(result) == (2, 0, 0, 2)
    assert result.loaded_tables == frozenset()


def test_merge_by_two_columns(world: FileWorld) -> None:
    world.files(write_disposition="merge", primary_key=("id", "name"))
    world.write("a.csv", HEADER, "1,a,1", "1,b,2", "1,a,3")
    world.ingest()
    assert world.rows("id, name, price") == [(1, "a", 3), (1, "b", 2)]


def test_replace_holds_what_the_files_hold(world: FileWorld) -> None:
    world.files(write_disposition="replace")
    world.write("a.csv", HEADER, "1,one,1", "2,two,2")
    world.write("b.csv", HEADER, "3,three,3")
    world.ingest()
    assert world.ingest().status == "unchanged"
    (world.root / "data" / "a.csv").unlink()
    assert world.account(world.ingest()) == (1, 1, 0, 0)
    assert world.rows("id") == [(3,)]
    assert world.ingest().status == "unchanged"


def test_scd2_keeps_the_versions_of_a_row(world: FileWorld) -> None:
    world.files(write_disposition="scd2", primary_key=("id",))
    world.write("a.csv", HEADER, "1,one,1", "2,two,2")
    world.ingest()
    world.write("b.csv", HEADER, "1,one,9", "2,two,2")
    assert world.account(world.ingest()) == (2, 1, 0, 1)
    found = world.query(
        'SELECT id, price, "_dlt_valid_to" IS NULL FROM "bronze_shop"."items" ORDER BY id, price'
    )
    assert found == [(1, 1, False), (1, 9, True), (2, 2, True)]
    ends = world.query(
        'SELECT count(*) FROM "bronze_shop"."items" AS a JOIN "bronze_shop"."items" AS b'
        ' ON a.id = b.id AND a."_dlt_valid_to" = b."_dlt_valid_from"'
    )
    assert ends == [(1,)]


def test_a_failed_load_shows_nothing_of_any_of_its_files(world: FileWorld) -> None:
    world.files(contract=world.contract("items", PRICED), max_rejected=Limit(count=0), file_glob="*.csv")
    world.write("a.csv", HEADER, "1,one,1.5")
    world.ingest()
    before = everything(world)
    world.write("b.csv", HEADER, "2,two,2")
    world.write(
        "c.csv", "id,name,price,more", "3,three,-1,x"
    )  # a new column, and a row that breaks the contract
    with pytest.raises(ChecksFailed, match="more than max_rejected allows"):
        world.ingest()
    assert everything(world) == before
    world.write("c.csv", "id,name,price,more", "3,three,1,x")
    assert world.account(world.ingest()) == (2, 2, 0, 0)


def test_rejected_rows_arrive_with_their_place_and_reasons(world: FileWorld) -> None:
    world.files(contract=world.contract("items", PRICED))
    world.write("a.csv", HEADER, "1,one,1", "2,two,-5", "x,three,3", "4,four", "5,five,5")
    assert world.account(world.ingest()) == (5, 2, 3, 0)
    found = world.query('SELECT file, line, record, reasons FROM "bronze_shop"."_quarantine" ORDER BY line')
    told = [
        (file, line, json.loads(record), [each["path"] for each in json.loads(reasons)])
        for file, line, record, reasons in found
    ]
    assert told == [
        ("a.csv", 3, {"id": "2", "name": "two", "price": "-5"}, ["$.price"]),
        ("a.csv", 4, {"id": "x", "name": "three", "price": "3"}, ["$.id"]),
        ("a.csv", 5, {"raw": "4,four"}, ["$"]),
    ]


def test_warn_loads_what_breaks_the_contract_and_tells(world: FileWorld) -> None:
    world.files(contract=world.contract("items", PRICED), on_violation="warn")
    world.write("a.csv", HEADER, "1,one,1", "2,two,-5", "x,three,3")
    result = world.ingest()
    assert world.account(result) == (3, 2, 1, 0)  # no column takes the x
    assert world.rows("id, price") == [(1, 1), (2, -5)]
    assert [(check.status, check.failures) for check in result.checks] == [("warned", 2)]


def test_fail_loads_nothing(world: FileWorld) -> None:
    world.files(contract=world.contract("items", PRICED), on_violation="fail")
    world.write("a.csv", HEADER, "1,one,1", "2,two,-5")
    with pytest.raises(ChecksFailed, match=r"\$\.price"):
        world.ingest()
    assert world.tables() <= {"_files", "_cursors", "_quarantine"}


def test_a_share_of_rejected_rows_is_judged_at_the_end(duck: FileWorld) -> None:
    duck.files(contract=duck.contract("items", PRICED), max_rejected=Limit(share=0.5))
    duck.write("a.csv", HEADER, "1,one,-1", "2,two,1")
    assert duck.account(duck.ingest()) == (2, 1, 1, 0)
    duck.write("b.csv", HEADER, "1,one,-1", "2,two,-1", "3,three,3")
    with pytest.raises(ChecksFailed, match="2 of 3"):
        duck.ingest()


def test_a_row_without_its_key_is_rejected(world: FileWorld) -> None:
    world.files(write_disposition="merge", primary_key=("id",))
    world.write("a.csv", HEADER, ",one,1", "2,two,2")
    assert world.account(world.ingest()) == (2, 1, 1, 0)
    assert [reasons[0]["rule"] for _, reasons in world.quarantine()] == ["primary_key"]


def test_the_same_rejected_row_stands_in_quarantine_once(world: FileWorld) -> None:
    world.files(contract=world.contract("items", PRICED), write_disposition="merge", primary_key=("id",))
    path = world.write("a.csv", HEADER, "1,one,-1")
    world.ingest()
    path.write_text(path.read_text(encoding="utf-8") + "2,two,2\n", encoding="utf-8")
    assert world.account(world.ingest()) == (2, 1, 1, 0)
    assert len(world.quarantine()) == 1


def test_a_rejected_row_stands_in_quarantine_once_where_its_line_moves(world: FileWorld) -> None:
    world.files(contract=world.contract("items", PRICED), write_disposition="merge", primary_key=("id",))
    bad = ["1,one,-1", "1,one,-1", "four,columns,are,too many"]
    world.write("a.csv", HEADER, *bad)
    world.ingest()
    world.write("a.csv", HEADER, "2,two,2", *bad)
    assert world.account(world.ingest()) == (4, 1, 3, 0)
    assert len(world.quarantine()) == 3
    world.write("b.csv", HEADER, *bad)
    world.ingest()
    assert len(world.quarantine()) == 6


def test_new_columns_are_added(world: FileWorld) -> None:
    world.files(write_disposition="merge", primary_key=("id",))
    world.write("a.csv", HEADER, "1,one,1")
    world.ingest()
    world.write("b.csv", "id,name,colour", "2,two,red")
    result = world.ingest()
    assert [str(each) for each in result.schema_changes] == ["items.colour text"]
    assert world.rows("id, price, colour") == [(1, 1, None), (2, None, "red")]
    ((schema,),) = world.query(
        'SELECT schema FROM "bronze_shop"."_dlt_version" ORDER BY inserted_at DESC LIMIT 1'
    )
    assert "colour" in json.loads(schema)["tables"]["items"]["columns"]


def test_a_value_that_the_column_cannot_hold_is_rejected_later_too(world: FileWorld) -> None:
    world.write("a.csv", HEADER, "1,one,1.5")
    world.ingest()
    world.write("b.csv", HEADER, "007,bond,1", "2,two,many", "3,three,3")
    assert world.account(world.ingest()) == (3, 1, 2, 0)
    assert {reasons[0]["rule"] for _, reasons in world.quarantine()} == {"column_type"}


def test_full_refresh_reads_everything_again_with_new_types(world: FileWorld) -> None:
    world.write("a.csv", HEADER, "1,one,1.50")
    world.ingest()
    world.files(
        contract=world.contract("items", {"type": "object", "properties": {"id": {"type": "string"}}})
    )
    world.write("b.csv", HEADER, "002,two,2")
    with pytest.raises(LoadError, match=r"the column id of .* is bigint"):
        world.ingest()
    assert world.account(world.ingest(full_refresh=True)) == (2, 2, 0, 0)
    assert world.rows("id") == [("002",), ("1",)]


def test_names_that_become_one_column_are_refused(duck: FileWorld) -> None:
    duck.write("a.csv", "Order ID,order_id", "1,2")
    with pytest.raises(SourceError, match="order_id"):
        duck.ingest()


def test_names_are_normalized_as_dlt_does(duck: FileWorld) -> None:
    duck.write("a.csv", "Order ID,unitPrice,Größe", "1,2,3")
    duck.ingest()
    ((columns,),) = duck.query(
        "SELECT list(column_name ORDER BY column_name) FROM information_schema.columns"
        " WHERE table_name = 'items' AND column_name NOT LIKE '\\_%' ESCAPE '\\'"
    )
    from dlt.common.normalizers.naming.snake_case import NamingConvention

    naming = NamingConvention()
    assert columns == sorted(naming.normalize_identifier(name) for name in ("Order ID", "unitPrice", "Größe"))


def test_keep_raw_keeps_the_record_as_received(world: FileWorld) -> None:
    world.files(keep_raw=True)
    world.write("a.csv", HEADER, "1,one,01.50")
    world.ingest()
    ((raw, endpoint, size),) = world.query(
        'SELECT "_raw", "_endpoint", "_size_bytes" FROM "bronze_shop"."items"'
    )
    assert (json.loads(raw) if isinstance(raw, str) else raw) == {"id": "1", "name": "one", "price": "01.50"}
    assert (endpoint, size) == ("a.csv", len('{"id":"1","name":"one","price":"01.50"}'))


def test_nothing_temporary_is_left(duck: FileWorld) -> None:
    duck.write("a.csv", HEADER, "1,one,1.5")
    duck.ingest()
    duck.files(contract=duck.contract("items", PRICED), on_violation="fail")
    duck.write("b.csv", HEADER, "1,one,-1")
    with pytest.raises(ChecksFailed):
        duck.ingest()
    assert list((duck.root / ".pipeline" / "test" / "tmp").iterdir()) == []


def test_deleting_the_working_folder_loses_nothing(world: FileWorld) -> None:
    world.write("a.csv", HEADER, "1,one,1")
    world.ingest()
    world.drop_working_folder()
    assert world.ingest().status == "unchanged"
    folder: Path = world.root / ".pipeline" / "test" / "dlt" / "pipelines" / "shop"
    assert (folder / "schemas" / "shop.schema.json").exists()


def test_a_file_that_lacks_a_column_or_calls_it_otherwise_is_told_by_its_fields(duck: FileWorld) -> None:
    duck.files()
    duck.write("a.csv", HEADER, "1,one,1", "2,two,")
    first = duck.ingest().fields
    duck.write("b.csv", "id,name,cost", "3,three,3")
    second = duck.ingest()
    told = [str(each) for each in compare_fields(add_fields({}, first), second.fields, second.schema_changes)]
    assert told == ["items.price is missing, items.cost is new: renamed?"]


def test_rows_with_a_value_in_a_new_column_go_to_quarantine(world: FileWorld) -> None:
    world.files(schema_contract=SchemaContract(columns="quarantine"), keep_raw=True)
    world.write("a.csv", HEADER, "1,one,1")
    world.ingest()
    world.write("b.csv", f"{HEADER},colour", "2,two,2,red", "3,three,3,")
    result = world.ingest()
    assert world.account(result) == (2, 1, 1, 0) and result.schema_changes == []
    [(record, reasons)] = world.quarantine()
    assert (record["colour"], [each["rule"] for each in reasons]) == ("red", ["new_column"])
    assert world.rows("id, price") == [(1, 1), (3, 3)]


@pytest.mark.parametrize(("line", "said"), [("2,two,2,red", "columns"), ("2,two,dear,", "data_type")])
def test_a_frozen_table_takes_no_new_column_and_no_other_type(world: FileWorld, line: str, said: str) -> None:
    world.files(schema_contract="freeze")
    world.write("a.csv", HEADER, "1,one,1")
    world.ingest()
    world.write("b.csv", f"{HEADER},colour", "3,three,3,", line)
    with pytest.raises(ChecksFailed) as caught:
        world.ingest()
    assert caught.value.code == "E413" and f"freezes {said}: " in caught.value.message
    assert world.rows("id, price") == [(1, 1)]


@pytest.mark.parametrize("disposition", ["append", "merge"])
def test_values_of_another_type_are_kept_as_texts_beside_their_column(
    world: FileWorld, disposition: str
) -> None:
    world.files(
        schema_contract=SchemaContract(data_type="evolve"), write_disposition=disposition, primary_key=("id",)
    )
    world.write("a.csv", HEADER, "1,one,1", "2,two,2")
    world.ingest()
    world.write("b.csv", HEADER, "2,two,dear", "3,three,3", "four,four,4")
    result = world.ingest()
    assert sorted(str(each) for each in result.schema_changes) == [
        "items.id bigint: 1 record of another type",
        "items.price bigint: 1 record of another type",
        "items.price__v_text text",
    ]
    found = world.rows("id, price, price__v_text")
    two = [(2, None, "dear")] if disposition == "merge" else [(2, 2, None), (2, None, "dear")]
    assert found == sorted([(1, 1, None), *two, (3, 3, None)], key=repr)
    assert [record["id"] for record, _ in world.quarantine()] == ["four"], "a key is no text"
    world.write("c.csv", HEADER, "5,five,cheap")
    world.ingest()
    assert (5, None, "cheap") in world.rows("id, price, price__v_text")


def test_the_column_of_texts_of_a_long_name_is_known_in_the_next_load(world: FileWorld) -> None:
    long = "p" * 62
    world.files(schema_contract=SchemaContract(data_type="evolve"))
    world.write("a.csv", f"id,{long}", "1,1")
    world.ingest()
    for number, name in enumerate(("b", "c"), start=2):
        world.write(f"{name}.csv", f"id,{long}", f"{number},dear")
        result = world.ingest()
    assert not [each for each in result.schema_changes if each.kind == "new"]
    columns = [
        name
        for (name,) in world.query(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = 'bronze_shop' AND table_name = 'items'"
        )
    ]
    [texts] = [name for name in columns if name.endswith("v_text")]
    assert len(texts) <= 63 and world.rows(f"id, {texts}") == [(1, None), (2, "dear"), (3, "dear")]
