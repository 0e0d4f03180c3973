"""Large pages are loaded by column, small ones as rows: the warehouse holds the same, also what is hard to write.

Of large ones those of many are taken apart while the next arrive, and dlt's normalize step finds them done.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline_cli.destinations.duckdb import DuckDBDestination
from pipeline_cli.destinations.postgres import PostgresDestination
from pipeline_cli.manifest.paginators import PageNumber
from pipeline_cli.manifest.sources import Column, Endpoint, RestResource
from pipeline_cli.nested import normalizer
from pipeline_cli.nested.ahead import Ahead
from tests.integration.ingest.world import World, pages_of
from tests.servers.json_api import JsonApi

Row = dict[str, Any]

TEXTS = [
    "",
    " ",
    '"',
    "'",
    "\\",
    "\\N",
    "a,b",
    "line\nbreak",
    "\r\n",
    "\t",
    "null",
    "NULL",
    "Łódź 😀",
    "{}",
    "0",
]
LINKS = {"_dlt_id", "_dlt_parent_id", "_dlt_root_id", "_dlt_load_id", "_extracted_at", "_run_id"}
FEW, SOME, MANY = 40, 60, 1_000  # of a page: rows; columns, ahead of dlt; columns, in its normalize step
CONTRACT = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "integer"},
        "text": {"type": "string", "maxLength": 40},
        "at": {"type": "string", "format": "date-time"},
        "lines": {"type": "array", "items": {"properties": {"n": {"type": "integer", "minimum": 0}}}},
    },
}
SETTINGS = [
    {},
    {"write_disposition": "merge", "primary_key": ("id",), "keep_raw": True},
    {"write_disposition": "scd2", "primary_key": ("id",)},
    {"write_disposition": "replace", "max_table_nesting": 1, "keep_raw": True},
]


def record(number: int) -> Row:
    return {
        "id": number,
        "text": TEXTS[number % len(TEXTS)],
        "at": f"2026-01-{1 + number % 28:02}T10:00:00.{number:06}Z",
        "price": number / 8,
        "exact": number * 10**11 + 0.0,
        "big": 2**53 - number,
        "yes": number % 3 == 0 or None,
        "never": None,
        "deep": {
            "Ünï x": TEXTS[-number % len(TEXTS)],
            "more": {"on": "2026-02-01", "n": None if number % 2 else 1},
        },
        "tags": [TEXTS[number % 7]] * (number % 3),
        "lines": [{"n": n, "sub": [{"m": n * m} for m in range(n)]} for n in range(number % 4)],
    }


def change(records: list[Row]) -> list[Row]:
    """The next run's: most as they were, some other, one of other kinds, some that break the contract."""
    changed = copy.deepcopy(records)
    for index, each in enumerate(changed):
        if index % 5 == 0:
            each["text"], each["new"] = "changed", {"field": index}
        if index % 50 == 7:
            each["lines"] = [{"n": -1}]
        if index == 60:
            each["price"] = "free"
        if index == 61:
            each["tags"] = {"was": "a list"}
    return changed[:-3]


def shown(world: World, table: str) -> Counter[str]:
    names = [
        name
        for (name,) in world.query(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = 'bronze_shop' AND table_name = ?",
            table,
        )
    ]
    found: Counter[str] = Counter()
    for row in world.rows(", ".join(names), table):
        values = dict(zip(names, row, strict=True))
        is_current = values.pop("_dlt_valid_to", None) is None
        values.pop("_dlt_valid_from", None)
        kept = {name: value for name, value in values.items() if name not in LINKS}
        found[repr((sorted(kept.items()), is_current))] += 1
    return found


def types(world: World) -> list[tuple[Any, ...]]:
    return world.query(
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
        " WHERE table_schema = 'bronze_shop' AND NOT table_name LIKE '\\_dlt%' ESCAPE '\\' ORDER BY 1, 2"
    )


def orphans(world: World) -> list[tuple[Any, ...]]:
    """Child rows by what they belong to: the id of their record, and their place in its list."""
    return world.query(
        "SELECT p.id, l._dlt_list_idx, l.n, r.id FROM bronze_shop.items__lines l"
        " LEFT JOIN bronze_shop.items p ON p._dlt_id = l._dlt_parent_id"
        " LEFT JOIN bronze_shop.items r ON r._dlt_id = l._dlt_root_id ORDER BY 1, 2, 3"
    )


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda each: each.get("write_disposition", "append"))
@pytest.mark.parametrize("kind", ["duckdb", pytest.param("postgres", marks=pytest.mark.thorough)])
def test_two_runs_leave_the_same_on_both_paths(
    kind: str,
    settings: dict[str, Any],
    tmp_path: Path,
    api: JsonApi,
    postgres_database: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Ahead, "batch_bytes", 1)
    adopted = watch_adopted(monkeypatch)
    worlds = []
    first = [record(number) for number in range(150)]
    for size in (FEW, SOME, MANY):
        root = tmp_path / str(size)
        root.mkdir()
        duckdb, postgres = DuckDBDestination("duckdb"), PostgresDestination
        world = World(root, api, duckdb if kind == "duckdb" else postgres("postgres", postgres_database()))
        contract = world.contract("items", CONTRACT)
        paginator = PageNumber("page_number", base_page=0, total_path=None)
        world.rest(
            items=RestResource(
                endpoint=Endpoint("items", paginator=paginator),
                contract=contract,
                columns={"deep__more__on": Column("date"), "exact": Column("decimal", precision=30, scale=2)},
                **settings,
            )
        )
        for records in (first, change(first)):
            pages = [records[start : start + size] for start in range(0, len(records), size)]
            api.data["/items"] = pages_of(pages)
            world.ingest()
            if records is first and settings.get("write_disposition") != "scd2":
                assert ids_are_made_of_the_parents(world) == (size == FEW)
        worlds.append(world)
    rows, *others = worlds
    for columns in others:
        assert types(columns) == types(rows)
        assert [replace(each.resources[0]) for each in columns.results] == [
            each.resources[0] for each in rows.results
        ]
        for table in rows.tables() - {"_quarantine"}:
            assert shown(columns, table) == shown(rows, table), table
        assert columns.quarantine() == rows.quarantine()
        if "max_table_nesting" not in settings:
            assert orphans(columns) == orphans(rows)
    assert len(rows.quarantine()) > 3
    assert adopted[0] == 3  # every page of SOME, in the first run


def watch_adopted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pages were taken over in each normalize step that found any."""
    found: list[int] = []
    as_it_is = normalizer.adopt

    def adopt(*arguments: Any) -> Any:
        updates, pages = as_it_is(*arguments)
        found.extend([len(pages)] if pages else [])
        return updates, pages

    monkeypatch.setattr(normalizer, "adopt", adopt)
    return found


def ids_are_made_of_the_parents(world: World) -> bool:
    """So dlt's own normalizer makes the ids of child rows, and we where they tell something (scd2)."""
    from dlt.common.normalizers.json.helpers import get_nested_row_hash

    links = world.rows("_dlt_parent_id, _dlt_list_idx, _dlt_id", "items__tags")
    made = [get_nested_row_hash(parent, "items__tags", index) == own for parent, index, own in links]
    assert made
    return all(made)
