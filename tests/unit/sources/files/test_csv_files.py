"""CSV files as scans: how they are written is found out, every good row arrives, every bad line is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_cli.errors import SourceError
from tests.unit.sources.files.world import World, known_of

TYPED = "columns: {id: {data_type: bigint}, name: {data_type: text}}"


def test_good_rows_arrive_as_they_are_written(tmp_path: Path) -> None:
    loaded = World(tmp_path).write({"contacts.csv": 'id,name\n1,"a, b"\n2,"say ""hi"""\n3,\n'}).load()
    assert loaded.rows == [
        {"id": "1", "name": "a, b"},
        {"id": "2", "name": 'say "hi"'},
        {"id": "3", "name": None},
    ]
    assert loaded.files == ["contacts.csv"] * 3
    assert loaded.malformed == []


@pytest.mark.parametrize(
    ("content", "note"),
    [
        ("id;name\n1;x,y\n2;z\n", "delimiter ';', header, encoding utf-8"),
        ("id\tname\n1\tx\n", "delimiter tab, header, encoding utf-8"),
        ("id|name\n1|x\n", "delimiter '|', header, encoding utf-8"),
        ("id,name\n1,'x, y'\n2,'z'\n", "delimiter ',', quote \"'\", header, encoding utf-8"),
        ('id,name\n1,"say \\"hi\\", you"\n', "delimiter ',', escape '\\\\', header, encoding utf-8"),
        ("id,name\n1,Zoë\n".encode("latin-1"), "delimiter ',', header, encoding latin-1"),
        ("id,name\n1,€5\n".encode("cp1252"), "delimiter ',', header, encoding windows-1252"),
        ("id,name\n1,Zoë\n".encode("utf-16"), "delimiter ',', header, encoding utf-16"),
        ("id,name\n1,Zoë\n".encode("utf-16-le"), "delimiter ',', header, encoding utf-16-le"),
        ("id,name\n1,Zoë\n".encode("utf-8-sig"), "delimiter ',', header, encoding utf-8"),
    ],
)
def test_how_a_file_is_written_is_found_out_and_told(tmp_path: Path, content: bytes | str, note: str) -> None:
    loaded = World(tmp_path).write({"contacts.csv": content}).load()
    assert loaded.notes == [f"contacts.csv: {note}"]
    assert list(loaded.columns) == ["id", "name"]
    assert loaded.values("id")[0] == "1"
    text = content.decode("latin-1") if isinstance(content, bytes) else content
    if "Zo" in text.replace("\0", ""):
        assert loaded.values("name") == ["Zoë"]


def test_what_is_declared_wins(tmp_path: Path) -> None:
    keys = (
        'csv: {delimiter: ",", header: false, column_names: [id, name], null_values: [NA], encoding: latin-1}'
    )
    loaded = World(tmp_path, keys).write({"contacts.csv": b"1,a;b;\xe4\n2,NA\n"}).load()
    assert loaded.rows == [{"id": "1", "name": "a;b;ä"}, {"id": "2", "name": None}]


def test_ragged_rows_are_told_with_line_and_text_and_the_others_arrive(tmp_path: Path) -> None:
    content = 'id,name\n1,"a\nb"\n2\n3,c,d\n4,e\n'
    loaded = World(tmp_path).write({"contacts.csv": content}).load()
    assert loaded.values("id") == ["1", "4"]
    assert [(line.file, line.line, line.raw) for line in loaded.malformed] == [
        ("contacts.csv", 4, "2"),
        ("contacts.csv", 5, "3,c,d"),
    ]
    assert all("Number of Columns" in line.message for line in loaded.malformed)


@pytest.mark.parametrize("keys", ["", TYPED], ids=["types found out", "types declared"])
def test_an_open_quote_takes_its_own_line_only(tmp_path: Path, keys: str) -> None:
    # read_csv alone loses all that follows, and says one line was bad.
    lines = [f"{index},name {index}" for index in range(20_000)]
    lines[5] = '5,"open'
    loaded = World(tmp_path, keys).write({"contacts.csv": "\n".join(["id,name", *lines, ""])}).load()
    assert len(loaded.rows) == 19_999
    assert [(line.line, line.raw) for line in loaded.malformed] == [(7, '5,"open')]
    assert "never closed" in loaded.malformed[0].message
    assert loaded.reads == (2 if keys else 1)


def test_an_open_quote_before_closed_ones_takes_its_own_line_only(tmp_path: Path) -> None:
    content = 'id,name\n1,"open\n2,b\n3,"q\nx"\n4,"y"\n'
    loaded = World(tmp_path, TYPED).write({"contacts.csv": content}).load()
    assert loaded.rows == [{"id": "2", "name": "b"}, {"id": "3", "name": "q\nx"}, {"id": "4", "name": "y"}]
    assert [line.line for line in loaded.malformed] == [2]


@pytest.mark.parametrize("keys", ["", TYPED], ids=["types found out", "types declared"])
@pytest.mark.parametrize("deep", [False, True], ids=["at the beginning", "beyond the sample"])
def test_line_ends_of_several_kinds_are_all_line_ends(tmp_path: Path, keys: str, deep: bool) -> None:
    before = "".join(f"{index},filler {index}\n" for index in range(20_000 if deep else 1))
    content = "id,name\n" + before + '900001,a\r\n900002,"b\r\nb"\r900003,c'
    loaded = World(tmp_path, keys).write({"contacts.csv": content}).load()
    assert loaded.values("name")[-3:] == ["a", "b\r\nb", "c"]
    assert len(loaded.rows) == (20_003 if deep else 4)
    assert loaded.malformed == []


def test_bytes_that_are_no_utf8_are_told_with_the_line_as_it_is(tmp_path: Path) -> None:
    # "é" as UTF-8 says what the file is meant to be; beyond the sample nobody looks before reading.
    before = "".join(f"{index},é{index}\n" for index in range(40_000)).encode()
    content = b"id,name\n" + before + b"900001,\xff\xfe\n900002,x\n"
    loaded = World(tmp_path, TYPED).write({"contacts.csv": content}).load()
    assert loaded.values("id")[-1] == "900002"
    assert len(loaded.rows) == 40_001
    assert [(line.line, line.raw) for line in loaded.malformed] == [(40_002, "900001,\\xff\\xfe")]


def test_a_line_too_long_is_told_and_the_others_arrive(tmp_path: Path) -> None:
    content = "id,name\n1,a\n2," + "x" * 3_000_000 + "\n3,c\n"
    loaded = World(tmp_path, TYPED).write({"contacts.csv": content}).load()
    assert loaded.values("id") == ["1", "3"]
    assert [(line.line, line.raw[:4]) for line in loaded.malformed] == [(3, "2,xx")]


def test_text_after_a_closed_quote_is_told(tmp_path: Path) -> None:
    loaded = World(tmp_path).write({"contacts.csv": 'id,name\n1,"a"b\n2,c\n'}).load()
    assert loaded.values("id") == ["2"]
    assert [(line.line, line.raw) for line in loaded.malformed] == [(2, '1,"a"b')]


def test_a_header_alone_gives_columns_and_no_rows(tmp_path: Path) -> None:
    loaded = World(tmp_path).write({"contacts.csv": "id,name\n"}).load()
    assert (loaded.rows, loaded.columns) == ([], {"id": "text", "name": "text"})
    assert list(loaded.done) == ["contacts.csv"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,name,id\n1,a,2\n", "two columns of one name: 'id'"),
        ("userId,user_id\n1,2\n", "'userId' and 'user_id' would both be the column user_id"),
        ("id,_dlt_load_id\n1,2\n", "kept for metadata"),
        ("id,__\n1,2\n", "no column can be called '__'"),
        ("id,___\n1,2\n", "no column can be called '___'"),
        ("id,CTID\n1,2\n", "'CTID' is a name that Postgres keeps for itself"),
        ("tableoid,id\n1,2\n", "'tableoid' is a name that Postgres keeps for itself"),
        ("1,Ada\n2,Bob\n", "looks like data"),
        ("\n\n", "no line to read columns from"),
        (",".join(f"k{each}" for each in range(5_000)) + "\n", "has 5,000 columns, and a table takes 1,000"),
    ],
)
def test_a_header_that_is_no_list_of_columns_is_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        World(tmp_path).write({"contacts.csv": content}).load()
    assert caught.value.code == "E367"
    assert caught.value.hint


def test_a_column_may_be_called_as_any_that_duckdb_could_add(tmp_path: Path) -> None:
    content = "id,__pipeline_cli_file,filename\n1,a,b\n"
    loaded = World(tmp_path).write({"contacts.csv": content}).load()
    assert loaded.rows == [{"id": "1", "__pipeline_cli_file": "a", "filename": "b"}]
    assert loaded.files == ["contacts.csv"]


def test_numbers_may_be_names_over_numbers(tmp_path: Path) -> None:
    loaded = World(tmp_path).write({"contacts.csv": "id,2019,2020\n1,5,6\n"}).load()
    assert list(loaded.columns) == ["id", "2019", "2020"]


def test_files_written_differently_are_read_each_in_its_way(tmp_path: Path) -> None:
    files = {"contacts_1.csv": "id,name\n1,a\n", "contacts_2.csv": "name;id;mail\nb;2;x@y\n"}
    loaded = World(tmp_path).write({**files, "contacts_3.csv": "id,name\n3,c\n"}).load()
    assert sorted((row["id"], row["name"], row.get("mail")) for row in loaded.rows) == [
        ("1", "a", None),
        ("2", "b", "x@y"),
        ("3", "c", None),
    ]
    assert sorted(loaded.files) == ["contacts_1.csv", "contacts_2.csv", "contacts_3.csv"]
    assert loaded.scan_count == 2


def test_many_small_files_are_few_scans(tmp_path: Path) -> None:
    world = World(tmp_path, TYPED)
    world.write({f"contacts_{index:04}.csv": f"id,name\n{index},x\n" for index in range(1200)})
    loaded = world.load()
    assert sorted(map(int, loaded.values("id"))) == list(range(1200))
    assert loaded.scan_count == 2
    assert len(loaded.done) == 1200


def test_names_with_pattern_characters_are_only_themselves(tmp_path: Path) -> None:
    files = {"contacts[1].csv": "id\n1\n", "contacts1.csv": "id\n2\n", "contacts*.csv": "id\n3\n"}
    loaded = World(tmp_path).write(files).load()
    assert sorted(zip(loaded.files, loaded.values("id"), strict=True)) == [
        ("contacts*.csv", "3"),
        ("contacts1.csv", "2"),
        ("contacts[1].csv", "1"),
    ]


def test_rows_are_found_again_by_their_line(tmp_path: Path) -> None:
    content = 'id,name\n1,"a\nb"\n\n2,c\n2,c\n3,\n'
    loaded = World(tmp_path).write({"contacts.csv": content}).load()
    assert loaded.lines == [2, 5, 6, 7]


def test_quoted_line_ends_are_right_in_parallel(tmp_path: Path) -> None:
    # Over the 32 MB of one buffer: a thread begins inside quoted lines that look like rows.
    body = "".join(
        f'{index},"first\n7,not a row {index:06} {"x" * 60}\n8,nor this"\n' for index in range(400_000)
    )
    loaded = World(tmp_path, TYPED).write({"contacts.csv": "id,name\n" + body}).load_counts()
    assert loaded == (400_000, 400_000, 0)


def test_a_column_that_comes_later_is_typed_by_its_own_values(tmp_path: Path) -> None:
    world = World(tmp_path).write({"contacts_1.csv": "id,name\n1,a\n"})
    first = world.load()
    second = world.write({"contacts_2.csv": "id,name,age\n2,b,30\n"}).load(known_of(first))
    assert second.columns == {"id": "bigint", "name": "text", "age": "bigint"}
    assert second.values("id") == ["2"]


def test_a_decimal_comma_is_a_point_in_numbers_only(tmp_path: Path) -> None:
    keys = 'csv: {decimal_separator: ","}'
    content = 'id;price;note\n1;1.234,50;a,b\n2;-7,25;"1,5 l"\n'
    loaded = World(tmp_path, keys).write({"contacts.csv": content}).load()
    assert loaded.columns == {"id": "bigint", "price": "double", "note": "text"}
    assert loaded.values("price") == ["1234.50", "-7.25"]
    assert loaded.values("note") == ["a,b", "1,5 l"]
    assert loaded.lines == [2, 3]


def test_rows_that_replace_one_another_come_in_the_files_order(tmp_path: Path) -> None:
    keys = "primary_key: id, write_disposition: merge"
    files = {
        "contacts_1.csv": "id,v\n1,a\n",
        "contacts_2.csv": "id;v\n1;b\n",
        "contacts_3.csv": "id,v\n1,c\n",
    }
    assert World(tmp_path / "merge", keys).write(files).load().values("v") == ["a", "b", "c"]
    appended = World(tmp_path / "append").write(files).load()
    assert (appended.scan_count, sorted(appended.values("v"))) == (2, ["a", "b", "c"])
