"""Whatever the records hold: stored exactly, or rejected with a reason. Found by generating them."""

from __future__ import annotations

import copy
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline_cli.contracts.exactness import Exactness
from pipeline_cli.contracts.json_values import parse_json
from pipeline_cli.destinations.duckdb import DuckDBDestination
from pipeline_cli.destinations.postgres import PostgresDestination
from pipeline_cli.manifest.sources import RestResource
from tests.integration.ingest.world import World
from tests.servers.json_api import Answer, JsonApi

NUMBERS = (
    st.integers(-5, 5)
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=True)
    | st.sampled_from([Decimal("0.1234567890123456789"), Decimal("1e30"), Decimal("12345678901234567.25")])
)
TEXTS = st.text(max_size=8) | st.sampled_from(
    [
        "2024-01-01",
        "2024-01-01T00:00:00Z",
        "12:30",
        "7",
        "1.5",
        "true",
        "\x00",
        "\ud800",
        "\uf026x",
        "'",
        "\\",
    ]
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
KEYS = st.sampled_from(
    ["a", "A", "userId", "user_id", "value", "list", "x__y", "select", "Ünï", "1", "_dlt_id", ""]
) | (st.text(max_size=5))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.dictionaries(KEYS, VALUES, max_size=5)


OURS = {"_run_id", "_extracted_at", "_source"}
OURS |= {"_dlt_load_id", "_dlt_id", "_dlt_root_id", "_dlt_parent_id", "_dlt_list_idx"}


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for each in value.values() for leaf in leaves(each)]
    if isinstance(value, list):
        return [leaf for each in value for leaf in leaves(each)]
    return [] if value is None else [value]


@settings(max_examples=150, deadline=None)
@given(st.lists(RECORDS, max_size=6))
def test_the_check_names_the_tables_and_columns_that_dlt_does(records: list[dict[str, Any]]) -> None:
    from dlt.common.schema import Schema

    schema = Schema("shop")
    exactness = Exactness(schema, "items")
    for record in records:
        copied = copy.deepcopy(record)
        if exactness.reasons(copied):
            continue
        found = set()
        for (table, lineage, fragments), row in Schema("shop").data_item_normalizer.normalize_data_item(
            copied, "load", "items"
        ):
            name = table if isinstance(table, str) else schema.naming.shorten_fragments(*lineage, *fragments)
            found |= {
                (name, key) for key, value in row.items() if value is not None and not key.startswith("_dlt_")
            }
        known = {(table, column) for table, column in exactness.columns._new}
        assert found <= known


def same(sent: Any, stored: Any) -> bool:
    """Whether SQL reads back what was sent; times by their instant, numbers by their value."""
    if isinstance(sent, bool) or isinstance(stored, bool):
        return sent is stored
    if isinstance(sent, str) and isinstance(stored, date):
        return is_moment(sent, stored)
    if isinstance(sent, str) or isinstance(stored, str):
        return str(sent) == stored
    if isinstance(stored, date):
        return False
    exact = stored if isinstance(stored, (int, Decimal)) else Decimal(repr(stored))
    return bool(Decimal(repr(sent) if isinstance(sent, float) else sent) == exact)


def is_moment(sent: str, stored: date) -> bool:
    try:
        moment = datetime.fromisoformat(sent)
    except ValueError:
        return False
    if not isinstance(stored, datetime):
        return moment.date() == stored
    return moment.replace(tzinfo=moment.tzinfo or UTC) == stored.replace(tzinfo=stored.tzinfo or UTC)


@pytest.mark.parametrize("kind", ["duckdb", "postgres"])
@settings(
    max_examples=4,
    deadline=None,
    # The same tries each time, and no shrinking: a try is a load of its own.
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(RECORDS, min_size=30, max_size=60))
def test_each_leaf_is_read_back_or_its_record_is_rejected(
    kind: str, tmp_path_factory: pytest.TempPathFactory, postgres_server: Any, records: list[dict[str, Any]]
) -> None:
    sent = [{"id": number, "of": {"it": record}} for number, record in enumerate(records)]
    body = json.dumps(sent, default=_number).encode("utf-8", "surrogatepass")
    database = postgres_server.create_database() if kind == "postgres" else ""
    destination = (
        PostgresDestination("postgres", postgres_server.url(database))
        if database
        else DuckDBDestination("duckdb")
    )
    try:
        with JsonApi({"/items": lambda request: Answer(body)}) as api:
            world = World(Path(tmp_path_factory.mktemp("p")), api, destination)
            world.rest(items=RestResource())
            assert world.account(world.ingest())[0] == len(sent)
            check_read_back(world, parse_json(body))
    finally:
        if database:
            postgres_server.drop_database(database)


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)


def check_read_back(world: World, sent: list[dict[str, Any]]) -> None:
    tables = world.tables()
    rejected = (
        {record["id"] for record, reasons in world.quarantine() if reasons}
        if "_quarantine" in tables
        else set()
    )
    stored: dict[int, list[Any]] = {}
    parents: dict[str, int] = {}
    for table in sorted(tables - {"_quarantine"}, key=lambda name: name.count("__")):
        names = [name for (name,) in world.query(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'bronze_shop' AND table_name = ?",
            table,
        )]  # fmt: skip
        listed = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
        for row in world.query(f'SELECT {listed} FROM bronze_shop."{table}"'):
            values = dict(zip(names, row, strict=True))
            root = values.get("_dlt_root_id") or values["_dlt_id"]
            if table == "items":
                parents[root] = values.pop("id")
            own = {name: each for name, each in values.items() if name not in OURS and each is not None}
            stored.setdefault(root, []).extend(own.values())  # type: ignore[call-overload]
    by_id = {parents[str(root)]: found for root, found in stored.items()}
    for record in sent:
        if record["id"] in rejected:
            continue
        found = list(by_id.get(record["id"], []))
        for leaf in leaves(record["of"]):
            match = next((index for index, each in enumerate(found) if same(leaf, each)), None)
            assert match is not None, (leaf, found, record)
            del found[match]
        assert not found, (found, record)


def test_the_comparison_of_this_test_tells_differences() -> None:
    assert not same(1, 2)
    assert not same(0.1, 0.2)
    assert same(2**60, Decimal(2**60))
    assert not same(True, 1)
