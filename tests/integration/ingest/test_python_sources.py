"""`type: python`: any dlt source from a file, through the same gate."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipeline_cli.errors import SourceError
from pipeline_cli.manifest.sources import Incremental, ResourceHints
from tests.integration.ingest.world import World

ONE = "import dlt\n\n@dlt.resource\ndef items():\n    yield {rows}\n"


def test_a_source_with_arguments_and_hints_of_its_own(world: World) -> None:
    code = """
import dlt

@dlt.source
def shop(count: int = 1, name: str = "tea"):
    @dlt.resource(primary_key="id", write_disposition="merge")
    def items():
        yield [{"id": n, "name": name, "tags": ["a"]} for n in range(count)]

    @dlt.resource(table_name="log_lines")
    def log():
        yield {"line": 1}

    return items, log
"""
    world.python(code, arguments={"count": 3, "name": "cup"})
    result = world.ingest()
    assert world.account(result) == (3, 3, 0, 0)
    assert next(each.table for each in result.resources if each.name == "log") == "log_lines"
    result = world.ingest()
    assert world.account(result) == (3, 0, 0, 3)
    assert world.account(result, "log") == (1, 1, 0, 0)
    assert world.rows("id, name, _source") == [(n, "cup", "shop") for n in range(3)]
    assert len(world.rows("line", "log_lines")) == 2


def test_hints_of_the_manifest_go_before_those_of_the_file(duck: World) -> None:
    contract = duck.contract("items", {"properties": {"price": {"type": "number"}}})
    hints = ResourceHints(primary_key=("id",), write_disposition="merge", contract=contract, keep_raw=True)
    duck.python(
        ONE.format(rows='[{"id": 1, "price": 1.5}, {"id": 2, "price": "free"}]'), resources={"items": hints}
    )
    assert duck.account(duck.ingest()) == (2, 1, 1, 0)
    assert duck.account(duck.ingest()) == (2, 0, 1, 1)


def test_an_incremental_of_its_own(world: World) -> None:
    code = """
import dlt

@dlt.resource(primary_key="id", write_disposition="append")
def items(at=dlt.sources.incremental("at", initial_value=0)):
    rows = [{"id": n, "at": n} for n in range(5)]
    yield [row for row in rows if row["at"] >= at.last_value]
"""
    world.python(code)
    assert world.account(world.ingest())[:2] == (5, 5)
    world.python(code.replace("range(5)", "range(7)"))
    world.ingest()
    assert world.rows("id") == [(n,) for n in range(7)]


def test_an_incremental_of_the_manifest(duck: World) -> None:
    hints = ResourceHints(
        primary_key=("id",), write_disposition="merge", incremental=Incremental("at", initial_value=2)
    )
    duck.python(ONE.format(rows='[{"id": n, "at": n} for n in range(5)]'), resources={"items": hints})
    duck.ingest()
    assert duck.rows("id") == [(2,), (3,), (4,)]


def test_arrow_tables_and_values_of_python(world: World) -> None:
    code = """
import datetime, decimal, uuid
import dlt, pyarrow

@dlt.resource
def items():
    yield pyarrow.table({"id": [1, 2], "price": [1.5, None]})
    yield pyarrow.table({"id": [3], "price": [float("nan")]})

@dlt.resource
def values():
    yield {
        "id": 1,
        "at": datetime.datetime(2024, 1, 1, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
        "day": datetime.date(2024, 2, 29),
        "price": decimal.Decimal("12.345678901"),
        "some": ("a", "b"),
    }
    yield {"id": 2, "price": decimal.Decimal("0.1234567891")}

@dlt.source
def shop():
    return items, values
"""
    world.python(code)
    result = world.ingest()
    assert world.account(result) == (3, 2, 1, 0)
    assert world.account(result, "values") == (2, 1, 1, 0)
    assert world.rows("id, price") == [(1, 1.5), (2, None)]
    [(price, at, day)] = world.query(
        'SELECT price, CAST("at" AT TIME ZONE \'UTC\' AS text), CAST(day AS text) FROM bronze_shop."values"'
    )
    assert (price, at, day) == (Decimal("12.345678901"), "2024-01-01 10:00:00", "2024-02-29")


def test_items_that_are_no_records_become_a_value_column(duck: World) -> None:
    duck.python(ONE.format(rows='["a", "b"]'))
    duck.ingest()
    assert duck.rows("value") == [("a",), ("b",)]


def test_a_dependent_resource_reads_its_parent_as_received(duck: World) -> None:
    code = """
import dlt

@dlt.resource(primary_key="id", write_disposition="merge")
def items():
    yield [{"id": 1}, {"id": 2, "bad": float("nan")}]

@dlt.transformer(data_from=items)
def details(rows):
    for row in rows:
        yield {"item": row["id"], "fields": sorted(row)}

@dlt.source
def shop():
    return items, details
"""
    duck.python(code)
    for _ in range(2):
        assert duck.account(duck.ingest(), "details") == (1, 1, 0, 0)
    assert duck.rows("item", "details") == [(1,), (1,)]
    assert duck.rows("value", "details__fields") == [("id",), ("id",)]


def test_a_source_that_yields_nothing_is_unchanged(duck: World) -> None:
    duck.python("import dlt\n\n@dlt.resource\ndef items():\n    yield from ()\n")
    assert duck.account(duck.ingest()) == (0, 0, 0, 0)


def test_a_merge_by_merge_key_keeps_the_unchanged_rows_of_its_day(duck: World) -> None:
    code = """
import dlt

@dlt.resource(merge_key="day", write_disposition="merge")
def items():
    yield [{"day": 1, "n": 1}, {"day": 1, "n": VALUE}, {"day": 2, "n": 3}]
"""
    duck.python(code.replace("VALUE", "2"))
    duck.ingest()
    duck.python(code.replace("VALUE", "9"))
    duck.ingest()
    assert duck.rows("day, n") == [(1, 1), (1, 9), (2, 3)]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "import dlt\n\nraise ValueError('boom')\n",
            r"shop_source.py:3 cannot be imported: ValueError: boom",
        ),
        ("import dlt\n\ndef broken(:\n", r"shop_source.py:3 cannot be imported: SyntaxError"),
        ("import no_such_module\n", r"shop_source.py:1 cannot be imported: ModuleNotFoundError"),
        ("raise SystemExit(3)\n", r"shop_source.py:1 cannot be imported: SystemExit"),
        ("x = 1\n", r"holds no function decorated with @dlt.source or @dlt.resource"),
        (
            ONE.format(rows="1") + ONE.format(rows="2").replace("items", "more"),
            r"holds more than one function",
        ),
        (ONE.format(rows="{}['missing']"), r"resource items: KeyError: 'missing'"),
        ("import dlt\n\n@dlt.source\ndef shop(key):\n    return []\n", r"shop failed: TypeError"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place(duck: World, code: str, message: str) -> None:
    duck.python(code)
    with pytest.raises(SourceError, match=message):
        duck.ingest()
    assert duck.tables() == set()


def test_function_chooses_one_of_two_sources(duck: World) -> None:
    code = ONE.format(rows="1") + ONE.format(rows="2").replace("items", "more")
    duck.python(code, function="more")
    duck.ingest()
    assert duck.tables() == {"more"}
    duck.python(code, function="missing")
    with pytest.raises(SourceError, match="has no function 'missing'") as failed:
        duck.ingest()
    assert failed.value.hint == "It has items, more."


def test_a_source_that_fails_half_way_loads_nothing(world: World) -> None:
    code = """
import dlt

@dlt.resource
def items():
    yield [{"id": 1}]
    raise RuntimeError("half way")
"""
    world.python(code)
    with pytest.raises(SourceError, match="resource items: RuntimeError: half way"):
        world.ingest()
    assert world.tables() == set()
    world.python(code.replace("raise RuntimeError", "print"))
    assert world.account(world.ingest()) == (1, 1, 0, 0)


def test_a_table_chosen_by_the_record_is_refused(duck: World) -> None:
    duck.python(
        "import dlt\n\n@dlt.resource(table_name=lambda row: row['kind'])\ndef items():\n    yield {'kind': 'a'}\n"
    )
    with pytest.raises(SourceError, match=r"shop.items: its table_name is a function of the record"):
        duck.ingest()


def test_two_resources_into_one_table(world: World) -> None:
    code = """
import dlt

@dlt.resource(table_name="items")
def north():
    yield [{"id": 1}, {"id": 2}]

@dlt.resource(table_name="items")
def south():
    yield [{"id": 3}]

@dlt.source
def shop():
    return north, south
"""
    world.python(code)
    result = world.ingest()
    assert world.account(result, "north") == (2, 2, 0, 0)
    assert world.account(result, "south") == (1, 1, 0, 0)
    assert world.rows("id") == [(1,), (2,), (3,)]
