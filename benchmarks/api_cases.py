"""What is measured of APIs. Each case returns its ratios."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.contenders import OURS, clean, expect_rows, script
from benchmarks.first_version import install_first_version
from benchmarks.measure import Command, Contender, median_mb, median_s, run_command, take_turns
from benchmarks.projects import DESTINATIONS, POSTGRES_URL, run_command_of
from benchmarks.ratios import Outcome, Ratio
from benchmarks.workshop import TITLES, Workshop

PAGE_ROWS = 1_000
LINES = 5
NOTHING_NEW_ROWS = 20
MANIFEST = """\
version: 1
name: bench
default_environment: dev
environments: {{dev: {{destination: warehouse}}}}
destinations: {{warehouse: {destination}}}
sources:
  api:
    type: rest_api
    client: {{base_url: "{url}"}}
    resources:
      orders: {resource}
pipelines: {{bench: {{sources: [api]}}}}
"""
# Types, ranges, lengths, an enumeration, formats and patterns, down to the lines.
CONTRACT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["order_id", "created_at", "customer", "total", "lines"],
    "properties": {
        "order_id": {"type": "integer", "minimum": 0},
        "created_at": {"type": "string", "format": "date-time"},
        "status": {"enum": ["new", "paid", "shipped", "returned"]},
        "is_gift": {"type": "boolean"},
        "note": {"type": ["string", "null"], "maxLength": 200},
        "customer": {
            "type": "object",
            "required": ["id", "email"],
            "properties": {
                "id": {"type": "integer"},
                "name": {"type": "string", "minLength": 1},
                "email": {"type": "string", "pattern": "^[^@ ]+@[^@ ]+\\.[a-z]+$"},
                "address": {
                    "type": "object",
                    "properties": {"zip": {"type": "string", "pattern": "^[0-9]{5}$"}},
                },
            },
        },
        "total": {"type": "number", "minimum": 0, "maximum": 10_000},
        "lines": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["line_id", "sku", "quantity", "price"],
                "properties": {
                    "line_id": {"type": "integer", "minimum": 1},
                    "sku": {"type": "string", "pattern": "^SKU-[0-9]{6}$"},
                    "quantity": {"type": "integer", "minimum": 1, "maximum": 9},
                    "price": {"type": "number", "minimum": 0},
                    "discount": {"type": ["number", "null"]},
                },
            },
        },
    },
}


@contextmanager
def orders_api(rows: int) -> Iterator[str]:
    """The address of an API of so many orders, in a process of its own."""
    process = subprocess.Popen(
        script("orders_api.py", str(rows), str(PAGE_ROWS)), stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def fetch_alone(shop: Workshop, url: str) -> Contender:
    def prepare(number: int) -> Command:
        return Command(script("fetch_api.py", url), shop.work, shop.env())

    return Contender("fetch and decode", prepare)


def by_dlt(shop: Workshop, url: str, destination: str, rows: int) -> Contender:
    def prepare(number: int) -> Command:
        folder = shop.new_folder("dlt")
        database, address = shop.new_database() if destination == "postgres" else ("", "")
        warehouse = folder / "warehouse.duckdb"

        def after() -> None:
            _expect(address or warehouse, rows)
            clean(shop, folder, database)

        argv = script("dlt_api.py", url, destination, address or warehouse)
        return Command(argv, folder, shop.env(), after)

    return Contender("dlt rest_api", prepare)


def ours(
    shop: Workshop, url: str, destination: str, rows: int, name: str = OURS, **resource: object
) -> Contender:
    """`pipeline-cli run` in a new project. resource: keys of the resource beside its endpoint."""

    def prepare(number: int) -> Command:
        folder = shop.new_folder("ours")
        database, address = shop.new_database() if destination == "postgres" else ("", "")
        warehouse: str | Path = address or folder / ".pipeline/dev/warehouse.duckdb"
        _write_project(folder, destination, url, resource)

        def after() -> None:
            _expect(warehouse, rows)
            clean(shop, folder, database)

        return Command(run_command_of(), folder, shop.env(**{POSTGRES_URL: address}), after)

    return Contender(name, prepare)


def _write_project(folder: Path, destination: str, url: str, resource: dict[str, object]) -> None:
    paginator = {"type": "page_number", "base_page": 1, "total_path": None}
    whole = {"endpoint": {"path": "orders", "paginator": paginator}, **resource}
    (folder / "sources").mkdir()
    (folder / "sources/orders.schema.json").write_text(json.dumps(CONTRACT))
    text = MANIFEST.format(destination=DESTINATIONS[destination], url=url, resource=json.dumps(whole))
    (folder / "pipelines.yaml").write_text(text)


def _expect(warehouse: str | Path, rows: int) -> None:
    expect_rows(warehouse, "bronze_api.orders", rows)
    expect_rows(warehouse, "bronze_api.orders__lines", rows * LINES)


def load_duckdb(shop: Workshop) -> Outcome:
    """An API into DuckDB, against fetching alone and plain dlt."""
    return _load(shop, "duckdb", dlt_at_least=4, fetch_at_most=1.6)


def load_postgres(shop: Workshop) -> Outcome:
    """An API into Postgres, against plain dlt."""
    return _load(shop, "postgres", dlt_at_least=3, fetch_at_most=None)


def _load(shop: Workshop, destination: str, dlt_at_least: float, fetch_at_most: float | None) -> Outcome:
    case = f"API to {TITLES[destination]}, {shop.rows:,} orders"
    with orders_api(shop.rows) as url:
        contenders = [fetch_alone(shop, url), ours(shop, url, destination, shop.rows)]
        if shop.peer_rounds:
            contenders.append(by_dlt(shop, url, destination, shop.rows))
        measured = take_turns(contenders, shop.rounds)
    our_s, fetch_s = median_s(measured[OURS]), median_s(measured["fetch and decode"])
    ratios = [Ratio(case, "ours", our_s, "fetch and decode", fetch_s, at_most=fetch_at_most)]
    if shop.peer_rounds:
        dlt_s = median_s(measured["dlt rest_api"])
        ratios.append(Ratio(case, "dlt rest_api", dlt_s, "ours", our_s, at_least=dlt_at_least))
    return ratios, []


def merge(shop: Workshop) -> Outcome:
    """What merging by key adds to appending, into an empty table."""
    key = {"primary_key": ["order_id"], "write_disposition": "merge"}
    ratios = []
    for destination, title in TITLES.items():
        with orders_api(shop.rows) as url:
            contenders = [
                ours(shop, url, destination, shop.rows, "merge", **key),
                ours(shop, url, destination, shop.rows, "append"),
            ]
            measured = take_turns(contenders, shop.rounds)
        merge_s, append_s = median_s(measured["merge"]), median_s(measured["append"])
        ratios.append(Ratio(f"API merged, {title}", "merge", merge_s, "append", append_s))
    return ratios, []


def contract(shop: Workshop) -> Outcome:
    """What a contract over all fields adds."""
    with orders_api(shop.rows) as url:
        held = ours(shop, url, "duckdb", shop.rows, "with a contract", contract="sources/orders.schema.json")
        free = ours(shop, url, "duckdb", shop.rows, "without")
        measured = take_turns([held, free], shop.rounds)
    with_s, without_s = median_s(measured["with a contract"]), median_s(measured["without"])
    return [Ratio("API, contract", "with", with_s, "without", without_s, at_most=1.15)], []


def memory(shop: Workshop) -> Outcome:
    """The largest resident set with five times as many records."""
    ratios = []
    sizes = {f"{rows:,} orders": rows for rows in (5 * shop.rows, shop.rows)}
    for destination, title in TITLES.items():
        peaks = []
        for name, rows in sizes.items():
            with orders_api(rows) as url:
                measured = take_turns([ours(shop, url, destination, rows, name)], 1)
            peaks.append(median_mb(measured[name]))
        large, small = sizes
        ratios.append(
            Ratio(f"API, peak memory, {title}", large, peaks[0], small, peaks[1], at_most=1.2, unit="MB")
        )
    return ratios, []


def nothing_new(shop: Workshop) -> Outcome:
    """A run that finds nothing new, all of it start-up, against the first version's."""
    first = install_first_version(shop.cache / "first-version")
    with orders_api(NOTHING_NEW_ROWS) as url:
        contenders = [
            _run_again(shop, url, OURS, run_command_of(), {}),
            _run_again(shop, url, "first version", first.run_command, {"PYTHONPATH": str(first.packages)}),
        ]
        measured = take_turns(contenders, shop.rounds)
    our_s, first_s = median_s(measured[OURS]), median_s(measured["first version"])
    return [Ratio("API, nothing new", "ours", our_s, "first version", first_s, at_most=0.5)], []


def _run_again(
    shop: Workshop, url: str, name: str, argv: list[str], environment: Mapping[str, str]
) -> Contender:
    """The second run of a project: the first has loaded all that the API has."""

    def prepare(number: int) -> Command:
        folder = shop.new_folder("again")
        _write_project(folder, "duckdb", url, {"primary_key": ["order_id"], "write_disposition": "merge"})

        def after() -> None:
            _expect(folder / ".pipeline/dev/warehouse.duckdb", NOTHING_NEW_ROWS)
            clean(shop, folder)

        env = shop.env(**environment)
        run_command(Command(argv, folder, env))
        return Command(argv, folder, env, after)

    return Contender(name, prepare)


CASES: dict[str, Callable[[Workshop], Outcome]] = {
    "load-duckdb": load_duckdb,
    "load-postgres": load_postgres,
    "merge": merge,
    "contract": contract,
    "memory": memory,
    "nothing-new": nothing_new,
}
