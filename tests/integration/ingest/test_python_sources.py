"""`type: python`: any dlt source from a file, through the same gate."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from pipeline_cli.errors import SourceError
from pipeline_cli.manifest.sources import Incremental, ResourceHints
from pipeline_cli.project import Project
from pipeline_cli.sources.build import record_source
from tests.integration.ingest.world import World
from tests.servers.json_api import Answer, Request

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


SESSION = """
import threading
import dlt
from pipeline_cli import Derived, SourceError, api_session

def sign(request):
    request.headers["Authorization"] = "Bearer {secret}"
    return request

@dlt.source
def shop(base_url):
    session = api_session(base_url, auth=sign, varying=["since"], max_retries={max_retries})

    @dlt.resource(primary_key="id", write_disposition="merge")
    def items(at=dlt.sources.incremental("at", initial_value=0)):
        page = 0
        while page is not None:
            answer = session.post(f"{{base_url}}/items", json={{"since": at.start_value, "page": page}}).json()
            yield [Derived({{"id": row["id"], "at": int(row["at"])}}, received=row) for row in answer["items"]]
            page = answer["next"]

    return items
"""
SECRET = "s3cr3t-canary-of-the-api"
RESTATED = {
    "items": ResourceHints(primary_key=("id",), write_disposition="merge", incremental=Incremental("at", 0))
}


@pytest.fixture
def asking(duck: World) -> World:
    """A source that asks an API of two pages by api_session, with a body that differs by page and from run to run."""

    def items(request: Request) -> Answer:
        page = json.loads(request.body)["page"]
        link = f"{duck.api.url}/items?page=1&access_token=a-token-that-nobody-knows"
        rows = [{"id": 1, "at": "10", "n": 1}] if page == 0 else [{"id": 2, "at": "20", "n": 1}]
        return Answer({"items": rows, "next": 1 if page == 0 else None, "link": link})

    duck.api.data["/items"] = items
    options = {"arguments": {"base_url": duck.api.url}, "resources": RESTATED, "keep_raw": True}
    duck.python(SESSION.format(secret=SECRET, max_retries=1), **options)
    return duck


def test_a_session_signs_retries_and_keeps_what_was_received(asking: World) -> None:
    left = [Answer(drop=True), Answer(status=503)]
    asking.api.fault = lambda request: left.pop() if len(asking.api.requests) in (1, 3) else None
    assert asking.account(asking.ingest()) == (2, 2, 0, 0)
    assert len(asking.api.requests) == 4
    assert {request.headers["authorization"] for request in asking.api.requests} == {f"Bearer {SECRET}"}
    assert asking.rows("id, at") == [(1, 10), (2, 20)]
    assert [json.loads(raw)["at"] for (raw,) in asking.rows("_raw")] == ["10", "20"]


def test_a_derived_record_changes_with_what_it_was_made_of(asking: World) -> None:
    asking.ingest()
    assert asking.account(asking.ingest()) == (1, 0, 0, 1)
    asking.api.data["/items"] = lambda request: Answer(
        {"items": [{"id": 2, "at": "20", "n": 2}], "next": None}
    )
    assert asking.account(asking.ingest()) == (1, 1, 0, 0)
    assert json.loads(asking.rows("_raw", where="WHERE id = 2")[0][0])["n"] == 2


def test_a_session_stays_on_its_origin(asking: World) -> None:
    asking.api.data["/items"] = lambda request: Answer(status=302, location="http://127.0.0.2:9/items")
    with pytest.raises(SourceError, match="not its own origin"):
        asking.ingest()


def test_a_session_replays_what_was_recorded_at_any_address(asking: World) -> None:
    """Pages by the request's body, dates whatever they are, no key, and neither secret in the file."""
    project = Project(asking.root, asking.project.manifest, "live", frozenset({SECRET}))
    [file] = record_source(project, "shop")
    text = "".join(file.read_text(encoding="utf-8").split())
    assert [each for each in (SECRET, "that-nobody-knows", asking.api.url) if each in text] == []
    asked = len(asking.api.requests)
    asking.replay = True
    code = SESSION.format(secret="", max_retries=0).replace(
        "request.headers[", "raise AssertionError; request.headers["
    )
    asking.python(code, arguments={"base_url": "https://api.example.com/v1"}, resources=RESTATED)
    assert asking.account(asking.ingest()) == (2, 2, 0, 0)
    assert asking.account(asking.ingest()) == (1, 0, 0, 1)
    assert len(asking.api.requests) == asked
    file.unlink()
    with pytest.raises(SourceError, match="no recording to replay"):
        asking.ingest()


def test_a_replayed_session_leaves_the_requests_of_others_alone(asking: World) -> None:
    """vcrpy's patch is the whole process's: a bucket that another thread writes to would be cut off."""
    record_source(Project(asking.root, asking.project.manifest, "live"), "shop")
    asking.replay = True
    asking.python(
        SESSION.format(secret="", max_retries=0).replace(
            "    page = 0\n",
            f"    page = 0\n        import requests; requests.get('{asking.api.url}/other')\n",
        ),
        arguments={"base_url": asking.api.url},
    )
    asking.ingest()
    assert asking.api.count("/other") == 1


def test_a_session_that_is_opened_in_a_thread_is_refused(duck: World) -> None:
    code = """
from concurrent.futures import ThreadPoolExecutor
import dlt
from pipeline_cli import api_session

@dlt.resource
def items():
    with ThreadPoolExecutor() as pool:
        yield pool.submit(api_session, "http://127.0.0.1:9").result()
"""
    duck.python(code)
    with pytest.raises(SourceError, match="does not know its source") as failed:
        duck.ingest()
    assert failed.value.code == "E346"


def test_a_sources_own_error_is_told_as_it_says(duck: World) -> None:
    code = """
import dlt
from pipeline_cli import SourceError

@dlt.source
def shop():
    raise SourceError("The shop needs a key.", hint="Set SHOP_KEY.")
"""
    duck.python(code)
    with pytest.raises(SourceError) as failed:
        duck.ingest()
    assert (failed.value.message, failed.value.hint) == ("The shop needs a key.", "Set SHOP_KEY.")
