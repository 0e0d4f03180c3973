"""JSON Lines as scans: fields of all lines, values exactly as they stand, and what is no JSON told by its line."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline_cli.errors import SourceError
from pipeline_cli.sources.files import jsonl_scan
from pipeline_cli.sources.files.json_lines import NotAnObjectError, field_texts
from tests.unit.sources.files.world import World, known_of


def test_every_field_of_every_line_is_a_column(tmp_path: Path) -> None:
    content = '{"id": 1}\n' * 30_000 + '{"id": 2, "late": {"a": [1, null]}, "t": "é\\"q"}\n\n'
    loaded = World(tmp_path).write({"contacts.jsonl": content}).load()
    assert loaded.columns == {"id": "bigint", "late": "json", "t": "text"}
    assert loaded.rows[-1] == {"id": "2", "late": '{"a":[1,null]}', "t": '"é\\"q"'}
    assert len(loaded.rows) == 30_001
    assert loaded.lines[-1] == 30_001


@pytest.mark.parametrize(
    "number",
    [
        "123456789012345678901234567890",
        "0.1000000000000000055511151231257827",
        "123456.123456789012345678",
        "-98765432109876543.5",
        "0.000000000000000000012345678901234567890",
        "1e400",
        "13.404953999999975",
        "12345678901234567890",
    ],
)
def test_numbers_stay_exact(tmp_path: Path, number: str) -> None:
    loaded = World(tmp_path).write({"contacts.jsonl": f'{{"n": {number}}}\n{{"n": [{number}]}}\n'}).load()
    assert Decimal(loaded.rows[0]["n"]) == Decimal(number)
    assert json.loads(loaded.rows[1]["n"], parse_float=Decimal, parse_int=Decimal) == [Decimal(number)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", "not JSON"),
        ('{"id": 1', "not JSON"),
        ('{"id": 1} {"id": 2}', "not JSON"),
        ('{"id": NaN}', "NaN is no number"),
        ('{"id": -Infinity}', "Infinity is no number"),
        ('{"id": inf}', "not JSON"),
        ('{"id": 1,}', "not JSON"),
        ('{"id": [1,]}', "not JSON"),
        ('{"id": 01}', "not JSON"),
        ("[1]", "a JSON list"),
        ("7", "a JSON number"),
        ('{"id": 1, "id": 2}', "the key 'id' stands twice"),
        ('{"id": 1, "x": {"a": 1.00000000000000000001, "a": 2}}', "the key 'a' stands twice"),
        ('{"id": "\\ud800"}', "surrogate"),
        ('{"id": "a\tb"}', "not JSON"),
        ('{"id": 1, "_dlt_id": "x"}', "kept for metadata"),
        ('{"id": 1, "": 2}', "no column can be called ''"),
        ('{"id": 1, "__": 2, "___": 3}', "no column can be called '__'"),
        ('{"id": 1, "xmin": 2}', "'xmin' is a name that Postgres keeps for itself"),
        ('{"Id": 1}', "would both be the column id"),
        (b'{"id": "\xff"}', "not UTF-8"),
    ],
)
def test_what_is_no_record_is_told_with_its_line_and_the_others_arrive(
    tmp_path: Path, line: str | bytes, message: str
) -> None:
    raw = line if isinstance(line, bytes) else line.encode()
    content = b'{"id": 1}\n{"id": 3}\n\n' + raw + b'\n{"id": 2}\n'
    loaded = World(tmp_path).write({"contacts.jsonl": content}).load()
    assert loaded.values("id") == ["1", "3", "2"]
    (bad,) = loaded.malformed
    assert (bad.file, bad.line, bad.raw) == ("contacts.jsonl", 4, raw.decode(errors="backslashreplace"))
    assert message in bad.message


def test_texts_that_look_doubtful_are_no_less_exact(tmp_path: Path) -> None:
    values = ["x, ]", "a:nan", ", inf", "1, 2.00000000000000000001", "\u2028", "\x7f", "a\rb"]
    content = "".join(json.dumps({"v": value}) + "\n" for value in values)
    loaded = World(tmp_path).write({"contacts.jsonl": content}).load()
    assert sorted(json.loads(text) for text in loaded.values("v")) == sorted(values)
    assert loaded.malformed == []


def test_texts_among_numbers_are_json(tmp_path: Path) -> None:
    loaded = World(tmp_path).write({"contacts.jsonl": '{"a": 1, "b": true}\n{"a": "1", "b": 2}\n'}).load()
    assert loaded.columns == {"a": "json", "b": "json"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (['"5"'], "text"),
        (["5", "2.5"], "double"),
        (["true", "null"], "bool"),
        (['"2026-01-31"'], "date"),
        (['"2026-01-31T10:00:00Z"'], "timestamp"),
        (['"2026-01-31T10:00:00Z"', '"x"'], "text"),
        (["null"], "text"),
        (["[]"], "json"),
    ],
)
def test_types_are_those_that_json_gives(tmp_path: Path, values: list[str], expected: str) -> None:
    content = "".join(f'{{"v": {value}}}\n' for value in values)
    assert World(tmp_path).write({"contacts.jsonl": content}).load().columns == {"v": expected}


@pytest.mark.parametrize("ending", ["\r\n", "\r", "mixed"])
def test_line_ends_of_all_kinds(tmp_path: Path, ending: str) -> None:
    lines = [f'{{"id": {index}}}' for index in range(5)]
    content = (
        '{"id": 0}\r\n{"id": 1}\n{"id": 2}\r{"id": 3}\n  {"id": 4} '
        if ending == "mixed"
        else ending.join(lines)
    )
    loaded = World(tmp_path).write({"contacts.jsonl": content}).load()
    assert loaded.values("id") == ["0", "1", "2", "3", "4"]
    assert loaded.lines == [1, 2, 3, 4, 5]


def test_a_byte_order_mark_and_utf16_are_no_matter(tmp_path: Path) -> None:
    files = {
        "contacts_1.jsonl": '{"n": "é"}\n'.encode("utf-8-sig"),
        "contacts_2.jsonl": '{"n": "é"}\n'.encode("utf-16"),
    }
    assert World(tmp_path).write(files).load().values("n") == ['"é"', '"é"']


def test_one_json_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="one JSON list, not JSON Lines"):
        World(tmp_path).write({"contacts.json": '[{"id": 1}]'}).load()


def test_lines_without_one_record_are_all_told(tmp_path: Path) -> None:
    loaded = World(tmp_path).write({"contacts.jsonl": "x\ny\n"}).load()
    assert ([line.line for line in loaded.malformed], loaded.rows) == ([1, 2], [])


def test_fields_with_odd_names_are_read(tmp_path: Path) -> None:
    content = (
        json.dumps({"a.b": 1, "c/d": 2, "e~f": 3, 'g"h': 4, "i'j": 5, "$k": 6, "l[0]": 7, "m n": 8}) + "\n"
    )
    loaded = World(tmp_path).write({"contacts.jsonl": content}).load()
    assert list(loaded.rows[0].values()) == ["1", "2", "3", "4", "5", "6", "7", "8"]


def test_fields_may_be_called_as_any_that_duckdb_could_add(tmp_path: Path) -> None:
    record = {"__pipeline_cli_file": 1, "__pipeline_cli_line": 2, "v": 3, "filename": 4}
    loaded = World(tmp_path).write({"contacts.jsonl": json.dumps(record) + "\n"}).load()
    assert loaded.rows == [{name: str(value) for name, value in record.items()}]
    assert (loaded.files, loaded.raws) == (["contacts.jsonl"], [json.dumps(record)])


def test_a_line_of_too_many_keys_is_told_and_the_others_arrive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonl_scan, "MAX_KEYS", 9)  # a thousand columns are read in seconds, not in a moment
    lines = [
        '{"id": 1, "n": 1}',
        '{"id": 2, "n": 1}',
        json.dumps({f"k{each}": each for each in range(5_000)}),
    ]
    lines += [
        json.dumps({"id": at, **{f"{letter}{each}": at for each in range(4)}})
        for at, letter in ((4, "a"), (5, "b"))
    ]
    lines += ['{"id": 6, "z": 1.0000000000000000000001}']  # one that Python reads
    loaded = World(tmp_path).write({"contacts.jsonl": "\n".join(lines)}).load()
    assert loaded.values("id") == ["1", "2", "4", "6"]
    assert [(each.line, each.rule, each.raw) for each in loaded.malformed] == [
        (3, "keys", lines[2]),
        (5, "keys", lines[4]),
    ]
    assert [each.message for each in loaded.malformed] == [
        "more than 9 keys in one object",
        "with the keys of other lines more than 9, the first of them 'b0'",
    ]


def test_more_columns_than_one_statement_asks_about_are_typed_alike(tmp_path: Path) -> None:
    names = [f"k{each}" for each in range(120)]
    rows = [dict.fromkeys(names, 1), {name: "x" if name == "k7" else 2.5 for name in names}]
    rows += [{"k0": Decimal("1.00000000000000000000001")}]
    content = "\n".join(
        json.dumps(row, default=str).replace('"1.0000', "1.0000").replace('001"', "001") for row in rows
    )
    loaded = World(tmp_path).write({"contacts.jsonl": content}).load()
    assert loaded.columns == {**dict.fromkeys(names, "double"), "k0": "decimal", "k7": "json"}


def test_a_new_field_is_a_new_column(tmp_path: Path) -> None:
    world = World(tmp_path).write({"contacts_1.jsonl": '{"id": 1}\n'})
    first = world.load()
    second = world.write({"contacts_2.jsonl": '{"id": 2, "n": 1.5}\n'}).load(known_of(first))
    assert second.columns == {"id": "bigint", "n": "double"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(), _JSON, max_size=4), st.sampled_from([None, 1]))
@settings(max_examples=200, deadline=None)
def test_field_texts_are_the_fields(record: dict[str, object], indent: int | None) -> None:
    line = json.dumps(record, indent=indent)
    assert {name: json.loads(text) for name, text in field_texts(line).items()} == record


@given(st.text(max_size=20) | st.builds(json.dumps, _JSON).flatmap(lambda text: st.just(text[:-1])))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_field_texts_refuse_what_json_refuses(line: str) -> None:
    try:
        is_object = isinstance(json.loads(line), dict)
    except ValueError:
        is_object = False
    if not is_object:
        with pytest.raises(NotAnObjectError):
            field_texts(line)
