"""By column, ahead of dlt or as rows: the same tables, keys, types, child tables, verdicts and counts."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline_cli.destinations.duckdb import DuckDBDestination
from pipeline_cli.manifest.sources import Column, RestResource
from tests.integration.ingest.both_paths import Package, Way, assert_equal, body_of, extract
from tests.integration.ingest.test_exactness_properties import RECORDS, VALUES
from tests.integration.ingest.world import World
from tests.servers.json_api import JsonApi

Row = dict[str, Any]

TIMES = st.sampled_from(
    [
        "2024-01-01T00:00:00Z",
        "2024-02-29T12:30:15.123456Z",
        "2024-01-01T00:00:00+02:00",
        "2024-01-01 10:00:00",
        "2024-12-31T23:59:59.5-11:30",
        "1999-01-01T00:00:00",
    ]
)
WORDS = st.text(max_size=6) | st.sampled_from(["", " ", '"', "\\", "a,b\nc", "😀", "null", "2024", "Łódź"])
# A leaf's own values; another leaf's, now and then, are a change of type.
LEAVES = st.sampled_from(
    [
        st.integers(-(2**53), 2**53),
        st.floats(allow_nan=False, allow_infinity=False, width=32),
        st.booleans(),
        WORDS,
        TIMES,
        st.none(),
        st.integers(-5, 5) | st.floats(-5, 5),
    ]
)
NAMES = st.sampled_from(["a", "B", "userId", "x__y", "value", "list", "Ünï", "1", "select", " ", "d e"])


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Of what each field may hold: what an object with some of these fields may be."""
    fields = st.dictionaries(NAMES, inner, max_size=4)
    return fields.map(lambda named: st.fixed_dictionaries({}, optional=named))


# What a field may hold, drawn once for all records: they are of one kind, as an API's are.
FIELDS = st.recursive(
    LEAVES,
    lambda inner: objects(inner) | inner.map(lambda each: st.lists(each, max_size=3)),
    max_leaves=8,
)


@st.composite
def loads(draw: st.DrawFn) -> list[list[Row]]:
    """Two to four pages of records of one kind; in half of the loads some drift, or are odd."""
    kind = draw(objects(FIELDS))
    pages = draw(st.lists(st.lists(kind, min_size=1, max_size=8), min_size=2, max_size=4))
    if draw(st.booleans()):
        for page in pages:
            if draw(st.booleans()):
                name = draw(NAMES)
                page[draw(st.integers(0, len(page) - 1))][name] = draw(VALUES)
            if draw(st.integers(0, 3)) == 0:
                page.append(draw(RECORDS))
    number = iter(range(10**6))
    return [[{**record, "id": next(number)} for record in page] for page in pages]


RESOURCES = st.sampled_from(
    [
        {},
        {"write_disposition": "merge", "primary_key": ("id",)},
        {"write_disposition": "scd2", "primary_key": ("id",)},
        {"write_disposition": "replace", "keep_raw": True},
        {"max_table_nesting": 0},
        {"max_table_nesting": 1, "write_disposition": "merge", "primary_key": ("id",), "keep_raw": True},
        {"columns": {"a": Column(data_type="decimal", precision=20, scale=4)}},
        {"columns": {"a": Column(data_type="text"), "userid": Column(data_type="double")}},
        {"columns": {"a": Column(data_type="timestamp"), "b": Column(data_type="json")}},
    ]
)
SETTINGS = settings(
    deadline=None,
    derandomize=True,
    # No shrinking: a try is two extractions.
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


WAYS: tuple[Way, ...] = ("rows", "columns", "ahead")


def by_every_way(
    folder: pytest.TempPathFactory, runs: list[list[list[Row]]], resource: dict[str, Any]
) -> list[tuple[Package, ...]]:
    """(as rows, by column, ahead) after each of the runs, each way in a world of its own."""
    found = []
    with JsonApi({}) as api:
        worlds = [World(Path(folder.mktemp("w")), api, DuckDBDestination("duckdb")) for _ in WAYS]
        for number, pages in enumerate(runs):
            bodies = [body_of(page) for page in copy.deepcopy(pages)]
            found.append(
                tuple(
                    extract(
                        world,
                        bodies,
                        way=way,
                        resource=RestResource(**resource),
                        run_id=f"run{number}",
                    )
                    for world, way in zip(worlds, WAYS, strict=True)
                )
            )
    return found


@settings(SETTINGS, max_examples=15)
@given(loads(), RESOURCES)
def test_records_of_one_kind_are_loaded_alike(
    tmp_path_factory: pytest.TempPathFactory, pages: list[list[Row]], resource: dict[str, Any]
) -> None:
    ((as_rows, by_column, ahead),) = by_every_way(tmp_path_factory, [pages], resource)
    assert_equal(as_rows, by_column)
    assert_equal(as_rows, ahead)


@settings(SETTINGS, max_examples=10)
@given(st.lists(loads(), min_size=2, max_size=2), RESOURCES)
def test_records_that_change_between_two_runs_are_loaded_alike(
    tmp_path_factory: pytest.TempPathFactory, runs: list[list[list[Row]]], resource: dict[str, Any]
) -> None:
    for as_rows, by_column, ahead in by_every_way(tmp_path_factory, runs, resource):
        assert_equal(as_rows, by_column)
        assert_equal(as_rows, ahead)


ODD_PAGES = [
    b'[{"id": %d, "n": 1, "n": 2, "x": 0.5, "t": "twice"}]',
    b'[{"id": %d, "n": 1, "\\u006e": 2, "x": 0.5, "t": "twice, once as an escape"}]',
    b'[{"id": %d, "n": 1, "x": NaN, "t": "no number"}]',
    b'[{"id": %d, "n": 1, "x": -Infinity, "t": ""}]',
    b'[{"id": %d, "n": 1.0, "x": 1, "t": "whole"}]',
    b'[{"id": %d, "n": 1, "x": 0.12345678901234567890123, "t": "digits"}]',
    b'[{"id": %d, "n": 1, "x": 1e5, "t": "exponent"}]',
    b'[{"id": %d, "n": 12345678901234567890, "x": 0.5, "t": "too long"}]',
    b'[{"id": %d, "n": 1, "x": 9007199254740993, "t": "no double"}]',
    b'[{"id": %d, "n": 1, "x": 0.5, "t": "\\u0000"}]',
    b'[{"id": %d, "n": 1, "x": 0.5, "t": "\\ud800"}]',
    b'[{"id": %d, "n": 1, "x": 0.5, "t": "\\ud83d\\ude00 \\u00e91e5,"}]',
    b'[{"id": %d, "n": 1, "x": 0.5, "t": "\\uf027"}]',
    b'[{"id": %d, "n": null, "x": null, "t": null}, null]',
    b'[{"id": %d, "n": 1, "x": 0.5, "t": "", "new": [1]}]',
    b' [ {"id": %d, "l": [], "x": 0.5} ]',
    b'[{"id": %d, "l": [{"n": 1}, null]}]',
    b"[]",
]


def test_pages_that_the_other_processor_cannot_read_are_loaded_alike(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    good = b'[{"id": %d, "n": 1, "x": 0.5, "t": "caf\\u00e9 \xc3\xa9", "l": [{"n": 1}, {"n": 2}]}]'
    pages = [good, *(page for odd in ODD_PAGES for page in (good, odd, good))]
    bodies = [page % number if b"%d" in page else page for number, page in enumerate(pages)]
    with JsonApi({}) as api:
        as_rows, by_column, ahead = (
            extract(
                World(Path(tmp_path_factory.mktemp("w")), api, DuckDBDestination("duckdb")),
                bodies,
                way=way,
                resource=RestResource(),
            )
            for way in WAYS
        )
    assert_equal(as_rows, by_column)
    assert_equal(as_rows, ahead)
    assert as_rows.undecoded == by_column.ahead == 0
    # The first page makes the shape; of the others all good ones are read at once.
    assert by_column.undecoded == ahead.undecoded >= 2 * len(ODD_PAGES)
    assert ahead.ahead >= 2 * len(ODD_PAGES)
