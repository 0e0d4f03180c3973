"""Types of columns that nobody has typed: from all values, and never one that a value is not exactly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.sources.files import inference, open_files
from pipeline_cli.sources.scan import Known
from tests.unit.sources.files.world import World, known_of


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "-5", "9223372036854775807"], ("bigint", None, None)),
        (["1", "9223372036854775808"], ("decimal", 38, 0)),
        (["1", "123456789012345678901234567890"], ("decimal", 38, 0)),
        (["1" * 39], ("text", None, None)),
        (["007", "12"], ("text", None, None)),
        (["+49", "12"], ("text", None, None)),
        (["1.50", "2", "-0.25"], ("double", None, None)),
        (["13.404953999999975", "2.5"], ("double", None, None)),
        (["1e10", "2.5E-3"], ("double", None, None)),
        (["0.12345678901234567890", "12.5"], ("decimal", 38, 20)),
        (["0." + "1" * 39], ("text", None, None)),
        (["1.5", "9223372036854775807"], ("decimal", 38, 1)),
        (["00.5"], ("text", None, None)),
        (["true", "FALSE"], ("bool", None, None)),
        (["true", "1"], ("text", None, None)),
        (["2026-01-31", "1999-12-01"], ("date", None, None)),
        (["2026-02-30"], ("text", None, None)),
        (["2026-01-31 10:00:00", "2026-01-31T10:00"], ("timestamp", None, None)),
        (["2026-01-31T10:00:00Z", "2026-01-31T10:00:00.5+02:00"], ("timestamp", None, None)),
        (["2026-01-31T10:00:00Z", "2026-01-31T10:00:00"], ("text", None, None)),
        (["2026-01-31", "2026-01-31 10:00:00"], ("text", None, None)),
        (["2026-01-31 10:00:00.1234567"], ("text", None, None)),
        (["2026-01-31 24:00:00"], ("text", None, None)),
        (["0000-05-05 00:00:00"], ("text", None, None)),
        (["0000-05-05"], ("text", None, None)),
        (["2026-01-31T10:00:00+16:00"], ("text", None, None)),
        (["2026-01-31T10:00:00+15:59", "2026-01-31T10:00:00-0030"], ("timestamp", None, None)),
        (["9999-12-31T23:59:59-01:00"], ("text", None, None)),
        (["0001-01-01T00:59:59+01:00"], ("text", None, None)),
        (["9999-12-31T23:59:59Z", "0001-01-01T01:00:00+01:00"], ("timestamp", None, None)),
        (["", ""], ("text", None, None)),
        (["NaN", "1.5"], ("text", None, None)),
    ],
)
def test_a_type_takes_every_value_exactly(
    tmp_path: Path, values: list[str], expected: tuple[str, int | None, int | None]
) -> None:
    content = "id,value\n" + "".join(f"x,{value}\n" for value in values)
    spec = World(tmp_path).write({"contacts.csv": content}).load().specs["value"]
    assert (spec.data_type, spec.precision, spec.scale) == expected
    assert not spec.is_declared


@pytest.mark.parametrize(
    ("usual", "last", "expected"),
    [
        ("1", "x", "text"),
        ("1", "007", "text"),
        ("1", "2.5", "double"),
        ("1", "9223372036854775808", "decimal"),
        ("2.5", "1.2345678901234567890", "decimal"),
        ("2026-01-01", "soon", "text"),
        ("", "5", "bigint"),
        ("2026-01-01 10:00:00", "2026-01-01T10:00:00.5", "timestamp"),
        ("2026-01-01 10:00:00", "10000-01-01 10:00:00", "text"),
        ("2026-01-01 10:00:00", "infinity", "text"),
    ],
)
def test_the_last_of_many_values_counts_as_much_as_the_first(
    tmp_path: Path, usual: str, last: str, expected: str
) -> None:
    content = "id,value\n" + f"x,{usual}\n" * 30_000 + f"x,{last}\n"
    assert World(tmp_path).write({"contacts.csv": content}).load().columns["value"] == expected


def test_all_files_of_the_first_load_are_looked_at(tmp_path: Path) -> None:
    files = {"contacts_1.csv": "id,v\n1,2\n", "contacts_2.csv": "id;v\n1;x\n"}
    loaded = World(tmp_path).write(files).load()
    assert loaded.columns == {"id": "bigint", "v": "text"}


def test_the_tables_type_stays(tmp_path: Path) -> None:
    world = World(tmp_path).write({"contacts_1.csv": "id,v\n1,x\n"})
    first = world.load()
    second = world.write({"contacts_2.csv": "id,v\n2,5\n"}).load(known_of(first))
    assert second.columns == {"id": "bigint", "v": "text"}


def test_contract_and_columns_say_the_type(tmp_path: Path) -> None:
    world = World(tmp_path, "contract: c.json, columns: {zip: {data_type: text}}")
    (world.root / "c.json").write_text(
        '{"properties": {"id": {"type": "string"}, "born": {"type": "string", "format": "date"}}}'
    )
    loaded = world.write({"contacts.csv": "id,born,zip,n\n1,2026-01-01,12,3\n"}).load()
    assert loaded.columns == {"id": "text", "born": "date", "zip": "text", "n": "bigint"}
    assert {name for name, spec in loaded.specs.items() if spec.is_declared} == {"id", "born", "zip"}


def test_dates_in_their_own_format_are_found(tmp_path: Path) -> None:
    keys = 'csv: {date_format: "%d.%m.%Y"}'
    loaded = World(tmp_path, keys).write({"contacts.csv": "id,born,seen\n1,31.01.2026,2026-01-31\n"}).load()
    assert loaded.columns == {"id": "bigint", "born": "date", "seen": "date"}
    assert loaded.specs["born"].date_format == "%d.%m.%Y"


@pytest.mark.parametrize(("year", "expected"), [("0000", "text"), ("0001", "timestamp")])
def test_times_in_their_own_format_are_within_the_calendar(tmp_path: Path, year: str, expected: str) -> None:
    world = World(tmp_path, 'csv: {timestamp_format: "%d.%m.%Y %H:%M"}')
    world.write({"contacts.csv": f"id,at\nx,05.05.{year} 00:00\n"})
    assert world.load().columns["at"] == expected


def test_many_columns_are_looked_at_a_hundred_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    select, sizes = inference.select_row, []

    def spy(connection: Any, parts: Sequence[str], relation: str) -> tuple[Any, ...]:
        sizes.append(len(parts))
        return select(connection, parts, relation)

    monkeypatch.setattr(inference, "select_row", spy)
    kinds = {
        "5": "bigint",
        "2026-01-01": "date",
        "x": "text",
        "1.5": "double",
        "007": "text",
        "1e3": "double",
    }
    values = [list(kinds)[index % len(kinds)] for index in range(250)]
    header = ",".join(f"c{index}" for index in range(250))
    loaded = World(tmp_path).write({"contacts.csv": f"{header}\n{','.join(values)}\n"}).load()
    assert list(loaded.columns.values()) == [kinds[value] for value in values]
    assert max(sizes) <= 301


def test_declared_files_are_not_read_before_the_scan(tmp_path: Path) -> None:
    keys = "columns: {id: {data_type: bigint}, name: {data_type: text}}"
    world = World(tmp_path, keys).write({"contacts.csv": "id,name\n1,x\n"})
    world.load()  # everything is imported
    world.write({"contacts.csv": "id,name\n" + "1,x\n" * 2_000_000})
    resource = open_files(world.project(), "crm").resources[0]

    def read_by_us() -> int:
        return int(Path("/proc/self/io").read_text().split("rchar:")[1].split()[0])

    before = read_by_us()
    with resource.scans(Known()) as scans:
        next(scans)
        assert read_by_us() - before < 1_000_000
