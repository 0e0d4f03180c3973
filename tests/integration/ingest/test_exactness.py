"""Each value is stored exactly, or its record is in quarantine with a reason; end to end, on both warehouses."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from pipeline_cli.errors import SourceError
from pipeline_cli.manifest.models import Limit
from pipeline_cli.manifest.sources import Column, RestResource
from tests.integration.ingest.world import World
from tests.servers.json_api import Answer

COLUMNS = {
    "exact": Column(data_type="decimal", precision=38, scale=20),
    "whole": Column(data_type="decimal", precision=38, scale=0),
    "written": Column(data_type="text"),
    "moment": Column(data_type="timestamp"),
    "kept": Column(data_type="json"),
}


# What neither 64 bits nor a double hold stands in _raw as a text: dlt's JSON has no other place for its digits.
AS_TEXT = {1: {"exact": "0.12345678901234567890", "whole": "18446744073709551616"}}


def serve(world: World, *records: str, columns: dict[str, Column] | None = None) -> None:
    """Answer with records as they stand in JSON text, and merge them by id."""
    body = f"[{', '.join(records)}]".encode("utf-8", "surrogatepass")
    world.api.data["/items"] = lambda request: Answer(body)
    world.rest(items=RestResource(primary_key=("id",), write_disposition="merge", columns=columns or {}))


def rules(world: World) -> dict[Any, set[str]]:
    """By id of the record, the rules that it broke."""
    return {record.get("id"): {each["rule"] for each in reasons} for record, reasons in world.quarantine()}


def test_what_no_warehouse_can_hold_is_quarantined_with_a_reason(world: World) -> None:
    records = {
        1: (r'"a\u0000b"', "nul"),
        2: ("NaN", "not_finite"),
        3: ("Infinity", "not_finite"),
        4: ("-Infinity", "not_finite"),
        5: (r'"\ud800"', "surrogate"),
        6: ("9223372036854775808", "precision"),
        7: ("18446744073709551616", "precision"),
        8: ("0.12345678901234567890", "precision"),
        9: ("123456789012345678901234567890", "precision"),
        10: ("123456789012345678901234567890.5", "precision"),
        11: ("1e400", "precision"),
        12: (r'"\uf026x"', "private_use"),
        13: (r'{"deep": {"n": NaN}}', "not_finite"),
        14: (r'["a", "b\u0000"]', "nul"),
    }
    # a column each: one with a type already would refuse some of them for that alone
    serve(
        world,
        '{"id": 0, "ok": "fine"}',
        *(f'{{"id": {number}, "v{number}": {text}}}' for number, (text, _) in records.items()),
    )
    assert world.account(world.ingest()) == (15, 1, 14, 0)
    assert rules(world) == {number: {rule} for number, (_, rule) in records.items()}
    assert world.rows("id, ok") == [(0, "fine")]
    raw = dict(world.query('SELECT "record_hash", "record" FROM bronze_shop._quarantine'))
    assert any("123456789012345678901234567890.5" in text for text in raw.values())


def test_declared_columns_hold_large_and_long_numbers(world: World) -> None:
    serve(
        world,
        '{"id": 1, "exact": 0.12345678901234567890, "whole": 9223372036854775808, "written": 1}',
        '{"id": 2, "exact": 1.5, "whole": 18446744073709551616, "written": 18446744073709551617}',
        '{"id": 3, "exact": 7, "whole": 123456789012345678901234567890, "written": 12.50}',
        '{"id": 4, "exact": "0.30000000000000000001", "whole": "12", "written": 0.12345678901234567890}',
        '{"id": 5, "exact": 0.123456789012345678901}',
        '{"id": 6, "whole": 1.5}',
        '{"id": 7, "exact": 1234567890123456789}',
        columns=COLUMNS,
    )
    world.ingest()
    stored = {row[0]: row[1:] for row in world.rows("id, exact, whole, written")}
    assert stored[1] == (Decimal("0.12345678901234567890"), Decimal("9223372036854775808"), "1")
    assert stored[2] == (Decimal("1.5"), Decimal("18446744073709551616"), "18446744073709551617")
    assert stored[3][:2] == (Decimal(7), Decimal("123456789012345678901234567890"))
    assert Decimal(stored[3][2]) == Decimal("12.50")
    assert set(rules(world)) | set(stored) == set(range(1, 8))
    assert {5, 6, 7} <= set(rules(world))
    if 4 in stored:
        assert stored[4] == (Decimal("0.30000000000000000001"), Decimal(12), "0.12345678901234567890")


def test_texts_come_back_character_by_character(world: World) -> None:
    texts = [
        "", " ", "'", "''; DROP TABLE items; --", '"', "\\", "\\n", "a\nb\r\nc\td", "\x01\x1f\x7f", "ünï",
        "🙂 𝔘 𐍈", "\u200b\u202e", "\ufeffbom", "%s %(x)s {} {{ }}", "E'\\x41'", "NULL", "null", "\\N", "é", "é",
        "x" * 300_000, "$tag$", "2024-13-45", "0123", "1e5", "true", "\u2028", "a\\", "\\'", "\ue000",
    ]  # fmt: skip
    records = [json.dumps({"id": index, "text": f"{text}"}) for index, text in enumerate(texts)]
    serve(world, *records, columns={"text": Column(data_type="text")})
    assert world.account(world.ingest()) == (len(texts), len(texts), 0, 0)
    assert dict(world.query("SELECT id, text FROM bronze_shop.items")) == dict(enumerate(texts))


@pytest.mark.parametrize(
    "code", ["20240101", "2024", "2024-01", "2024-W01", "2024-001", "12:30", "1230", "T12", "007", "1e3"]
)
def test_a_code_that_resembles_a_date_stays_what_it_is(duck: World, code: str) -> None:
    serve(duck, json.dumps({"id": 1, "code": code}))
    duck.ingest()
    assert duck.rows("id, code") == [(1, code)]


def test_times_keep_their_instant(world: World) -> None:
    moments = [
        ("2024-01-01T00:00:00Z", "2024-01-01 00:00:00"),
        ("2024-07-01T12:30:00+02:00", "2024-07-01 10:30:00"),
        ("2024-07-01T12:30:00.123456-05:30", "2024-07-01 18:00:00.123456"),
        ("0001-01-01T00:00:00Z", "0001-01-01 00:00:00"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31 23:59:59.999999"),
    ]
    records = [json.dumps({"id": n, "at": text}) for n, (text, _) in enumerate(moments)]
    serve(
        world, *records, '{"id": 99, "at": "2024-01-01T00:00:00.1234567Z"}', columns={"at": COLUMNS["moment"]}
    )
    world.ingest()
    assert rules(world) == {99: {"precision"}}
    stored = world.query(
        "SELECT id, CAST(\"at\" AT TIME ZONE 'UTC' AS text) FROM bronze_shop.items ORDER BY id"
    )
    assert [text for _, text in stored] == [text for _, text in moments]


def test_keys_that_fall_into_one_column_are_quarantined(world: World) -> None:
    serve(
        world,
        '{"id": 1, "userId": 5}',
        '{"id": 2, "userId": 6, "user_id": 7}',
        '{"id": 3, "user_id": 8}',
        '{"id": 4, "a": {"b": 1}, "a__b": 2}',
        '{"id": 5, "a": 1, "a": 2}',
        '{"id": 6, "l": {"x": 1, "x": 1}}',
        '{"id": 7, "tags": ["a"], "Tags": ["b"]}',
    )
    world.ingest()
    assert rules(world) == {
        2: {"name_collision"},
        4: {"name_collision"},
        5: {"duplicate_key"},
        6: {"duplicate_key"},
        7: {"name_collision"},
    }
    assert world.rows("id, user_id") == [(1, 5), (3, 8)]


def test_two_lists_that_fall_into_one_table_are_not_mixed(world: World) -> None:
    serve(
        world,
        '{"id": 1, "a": {"b": [1]}}',
        '{"id": 2, "a": [{"b": [2]}]}',
        '{"id": 3, "a": {"b": [0.5]}, "deep": [{"c": {"d": [1, 1.5]}}]}',
    )
    world.ingest()
    assert rules(world) == {2: {"name_collision"}}
    assert world.rows("value", "items__a__b") == [(0.5,), (1.0,)]
    assert world.rows("value", "items__deep__c__d") == [(1.0,), (1.5,)]


def test_a_column_keeps_its_type_from_load_to_load(world: World) -> None:
    serve(world, '{"id": 1, "n": 1, "b": true, "at": "2024-01-01T00:00:00Z", "s": "x", "f": 0.5}')
    world.ingest()
    serve(
        world,
        '{"id": 2, "n": "one"}',
        '{"id": 3, "n": 1.5}',
        '{"id": 4, "n": 2.0}',
        '{"id": 5, "b": 1}',
        '{"id": 6, "b": "true"}',
        '{"id": 7, "at": "soon"}',
        '{"id": 8, "at": 1700000000}',
        '{"id": 9, "f": 3}',
        '{"id": 10, "f": 9007199254740993}',
        '{"id": 11, "n": {"deep": 1}}',
        '{"id": 12, "s": ["list"]}',
        '{"id": 13, "s": 7}',
        '{"id": 14, "s": true}',
        '{"id": 15, "f": "0.5"}',
        '{"id": 16, "n": 3.937334817260518e+16}',
    )
    world.ingest()
    assert all(found <= {"column_type", "precision"} for found in rules(world).values())
    assert set(rules(world)) == {2, 3, 5, 6, 7, 8, 10, 14, 15, 16}
    numbers = world.rows("id, n, f", where="WHERE n IS NOT NULL OR f IS NOT NULL")
    assert numbers == [(1, 1, 0.5), (4, 2, None), (9, None, 3.0)]
    columns = {name for (name,) in world.query(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'items' AND table_schema = 'bronze_shop'"
    )}  # fmt: skip
    assert not any("__v_" in name for name in columns)


def test_a_new_column_widens_within_a_load(world: World) -> None:
    serve(
        world,
        '{"id": 1, "n": 1, "t": "2024-01-01T00:00:00Z", "child": [{"m": 1}], "o": {"p": 3}}',
        '{"id": 2, "n": 1.5, "t": "later", "child": [{"m": 0.25}], "o": {"p": 0.5}}',
        '{"id": 3, "n": 9007199254740993}',
    )
    world.ingest()
    assert world.rows("id, n, o__p") == [(1, 1.0, 3.0), (2, 1.5, 0.5)]
    assert world.rows("t") == [("2024-01-01T00:00:00Z",), ("later",)]
    assert world.rows("m", "items__child") == [(0.25,), (1.0,)]
    assert rules(world) == {3: {"precision"}}


def test_a_new_column_widens_within_a_record(world: World) -> None:
    serve(
        world, '{"id": 1, "l": [1, 1.5, 1e30], "at": "9999-12-31T23:59:59-14:00"}', '{"id": 2, "l": [2, 0.5]}'
    )
    world.ingest()
    assert world.rows("value", "items__l") == [(0.5,), (2.0,)]
    assert rules(world) == {1: {"range"}}


def test_long_and_reserved_names_are_stored_or_refused(world: World) -> None:
    long = "very_long_field_name_that_goes_on_and_on_beyond_what_postgres_would_take"
    record = {
        "id": 1, long: "a", long[:-1] + "f": "b", "select": "c", "from": 2, "user": "u", "order": {"by": 1},
        "group": [1, 2], "table": True, "Ünïcode 名": "d", "with space": "e", "1st": "f", "a-b": "g", "x;--": "h",
    }  # fmt: skip
    serve(world, json.dumps(record))
    assert world.account(world.ingest()) == (1, 1, 0, 0)
    [row] = world.query("SELECT * FROM bronze_shop.items")
    for value in ("a", "b", "c", "d", "e", "f", "g", "h", "u", 2, True):
        assert value in row
    assert world.rows("value", "items__group") == [(1,), (2,)]


def test_names_that_belong_to_dlt_or_us_are_refused(world: World) -> None:
    names = [
        "_dlt_id",
        "_dlt_load_id",
        "_run_id",
        "_raw",
        "_source",
        "_extracted_at",
        "_record_hash",
        "_DLT_ID",
    ]
    serve(
        world,
        *(json.dumps({"id": number, name: "x"}) for number, name in enumerate(names)),
        '{"id": 100, "inner": {"_run_id": 1}, "list": [{"_raw": 2}]}',
        '{"id": 101, "list": [{"_dlt_id": "x"}, {"_dlt_list_idx": 1}]}',
        '{"id": 102, "list": [{"_dlt_parent_id": "x"}], "inner": {"_dlt_root_id": 1}}',
    )
    world.ingest()
    found = rules(world)
    assert {number for number in found if found[number] == {"reserved_name"}} == {
        *range(len(names)),
        101,
        102,
    }
    assert world.rows("inner___run_id") == [(1,)]


def test_very_deep_and_very_wide_records_are_refused(world: World) -> None:
    deep = '{"a": ' * 700 + "1" + "}" * 700
    lists = "[" * 200 + "]" * 200
    wide = ", ".join(f'"k{number}": {number}' for number in range(5_000))
    some = '{"b": ' * 60 + "1" + "}" * 60
    serve(
        world,
        f'{{"id": 1, "deep": {deep}}}',
        f'{{"id": 2, "deep": {lists}}}',
        f'{{"id": 3, {wide}}}',
        f'{{"id": 4, "some": {some}}}',
        '{"id": 5, "": "empty", " ": "blank"}',
        '{"id": 6, "": "empty"}',
        '{"id": 7, "__": 1}',
        '{"id": 8, "": [1]}',
        '{"id": 9, "some": [{" ": [{"x": 1}]}]}',
    )
    world.ingest()
    found = rules(world)
    assert found[1] == found[2] == {"depth"}
    assert found[3] == {"keys"}
    assert found[5] == found[8] == {"name_collision"}
    assert found[7] == {"name"}
    assert 9 in found
    assert world.rows("_empty", where="WHERE id = 6") == [("empty",)]


def test_a_document_too_deep_to_parse_is_a_failure_that_says_so(duck: World) -> None:
    serve(duck, '{"id": 1, "deep": ' + "[" * 100_000 + "]" * 100_000 + "}")
    with pytest.raises(SourceError, match="nested too deeply"):
        duck.ingest()


def test_one_bad_record_in_ten_thousand_stops_nothing(world: World) -> None:
    records = [f'{{"id": {number}, "v": {number}.5}}' for number in range(10_000)]
    records[5_000] = '{"id": 5000, "v": NaN}'
    serve(world, *records)
    assert world.account(world.ingest()) == (10_000, 9_999, 1, 0)
    assert world.query("SELECT count(*), sum(v) FROM bronze_shop.items") == [
        (9_999, 49_995_000 + 5_000 - 5_000.5)
    ]


def test_when_all_are_bad_all_are_kept(world: World) -> None:
    serve(world, *(f'{{"id": {number}, "v": NaN}}' for number in range(50)))
    assert world.account(world.ingest()) == (50, 0, 50, 0)
    world.change(max_rejected=Limit(share=1.0))
    assert world.account(world.ingest()) == (50, 0, 50, 0)
    assert len(world.quarantine()) == 50


def test_json_columns_and_the_raw_record_keep_every_digit(world: World) -> None:
    records = [
        '{"id": 1, "exact": 0.12345678901234567890, "whole": 18446744073709551616, "text": "é\\n\\"q\\""}',
        '{"id": 2, "kept": {"n": 1, "f": 0.1, "l": [1, null, {"x": "y"}], "e": {}}, "z": [], "none": null}',
        '{"id": 3, "kept": {"n": 18446744073709551616}}',
        '{"id": 4, "kept": ["a\\u0000"]}',
    ]
    serve(world, *records, columns=COLUMNS)
    world.change(keep_raw=True)
    world.ingest()
    raw = {number: json.loads(text, parse_float=Decimal) for number, text in world.query(
        "SELECT id, CAST(_raw AS text) FROM bronze_shop.items"
    )}  # fmt: skip
    bad = rules(world)
    for number, record in enumerate(records, 1):
        if number not in bad:
            assert raw[number] == {**json.loads(record, parse_float=Decimal), **AS_TEXT.get(number, {})}
    assert {1, 2} <= set(raw)
    assert 4 in bad
    [(kept,)] = world.query("SELECT CAST(kept AS text) FROM bronze_shop.items WHERE id = 2")
    assert json.loads(kept) == {"n": 1, "f": 0.1, "l": [1, None, {"x": "y"}], "e": {}}
    sizes = dict(world.query("SELECT id, _size_bytes FROM bronze_shop.items"))
    assert sizes[2] > 60


@pytest.mark.parametrize("nesting", [0, 1])
def test_less_nesting_keeps_the_rest_as_json(world: World, nesting: int) -> None:
    serve(world, '{"id": 1, "o": {"p": {"q": [1, 2]}}, "l": [{"m": [3]}]}')
    world.change(max_table_nesting=nesting)
    world.ingest()
    assert world.rows("id") == [(1,)]
    if nesting == 0:
        [(found,)] = world.query("SELECT CAST(o AS text) FROM bronze_shop.items")
        assert json.loads(found) == {"p": {"q": [1, 2]}}
        assert world.tables() == {"items"}
