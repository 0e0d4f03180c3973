"""Contracts at work: what is rejected, why, and what that does to a run."""

from __future__ import annotations

from datetime import datetime

import pytest

from pipeline_cli.errors import ChecksFailed, SourceError, UsageError
from pipeline_cli.manifest.models import Limit
from pipeline_cli.manifest.paginators import PageNumber
from pipeline_cli.manifest.sources import Column, Endpoint, ExpectedCount, RestResource
from pipeline_cli.quarantine import find_rejected, list_rejected
from tests.integration.ingest.world import World, pages_of

SCHEMA = {
    "type": "object",
    "required": ["id", "price"],
    "properties": {
        "id": {"type": "integer"},
        "price": {"type": "number", "minimum": 0},
        "at": {"type": "string", "format": "date-time"},
        "lines": {"type": "array", "items": {"type": "object", "required": ["sku"]}},
    },
}
GOOD = {"id": 1, "price": 9.5}
FREE = {"id": 2, "price": "free"}
NAMELESS = {"price": 3, "note": "no id"}


def products(world: World, **options: object) -> None:
    hints = {"primary_key": ("id",), "write_disposition": "merge", **options}
    world.rest(items=RestResource(contract=world.contract("items", SCHEMA), **hints))  # type: ignore[arg-type]


def test_bad_records_are_kept_with_all_their_reasons_and_the_rest_arrives(world: World) -> None:
    products(world)
    bad = {"id": "x", "price": -1, "at": "yesterday", "lines": [{"sku": 1}, {}]}
    world.api.data["/items"] = [GOOD, FREE, NAMELESS, bad]
    result = world.ingest()
    assert world.account(result) == (4, 1, 3, 0)
    assert world.rows("id, price") == [(1, 9.5)]
    kept = {str(record.get("id")): reasons for record, reasons in world.quarantine()}
    assert ("$.price", "type") in [(r["path"], r["rule"]) for r in kept["2"]]
    assert kept["2"][0]["message"] == '"free" is not of type "number"'
    assert ("$", "required") in [(r["path"], r["rule"]) for r in kept["None"]]
    assert {(r["path"], r["rule"]) for r in kept["x"]} >= {
        ("$.id", "type"),
        ("$.price", "minimum"),
        ("$.at", "format"),
        ("$.lines[1]", "required"),
    }
    loads = world.query("SELECT DISTINCT _dlt_load_id FROM bronze_shop._quarantine")
    assert loads == world.query("SELECT DISTINCT _dlt_load_id FROM bronze_shop.items")
    assert {violation.resource for violation in result.violations} == {"items"}


def test_the_same_bad_record_is_quarantined_once(world: World) -> None:
    products(world)
    world.api.data["/items"] = [GOOD, FREE]
    world.ingest()
    result = world.ingest()
    assert (result.status, world.account(result)) == ("unchanged", (2, 0, 1, 1))
    assert len(world.quarantine()) == 1
    world.api.data["/items"] = [GOOD, {**FREE, "price": "gratis"}]
    world.ingest()
    assert len(world.quarantine()) == 2


def test_a_mended_record_arrives(world: World) -> None:
    products(world)
    world.api.data["/items"] = [GOOD, FREE]
    world.ingest()
    world.api.data["/items"] = [GOOD, {**FREE, "price": 0}]
    assert world.account(world.ingest()) == (2, 1, 0, 1)
    assert world.rows("id, price") == [(1, 9.5), (2, 0.0)]


def test_append_quarantines_equal_bad_records_each(world: World) -> None:
    products(world, write_disposition="append", primary_key=())
    world.api.data["/items"] = [FREE, FREE, GOOD]
    assert world.account(world.ingest()) == (3, 1, 2, 0)
    assert len(world.quarantine()) == 2


@pytest.mark.parametrize("records", [[FREE, NAMELESS], []])
def test_a_source_without_a_good_record_still_has_its_table(
    world: World, records: list[dict[str, object]]
) -> None:
    products(world)
    world.api.data["/items"] = records
    world.ingest()
    assert world.rows("id, price, at") == []
    result = world.ingest()
    assert result.status == "unchanged"


def test_on_violation_fail_loads_nothing(world: World) -> None:
    products(world, on_violation="fail", endpoint=Endpoint("items", paginator=PageNumber("page_number")))
    world.api.data["/items"] = pages_of([[GOOD], [FREE]])
    with pytest.raises(
        ChecksFailed, match=r'shop.items: a record breaks its contract: \$.price "free"'
    ) as failed:
        world.ingest()
    assert (failed.value.exit_code, failed.value.code) == (4, "E410")
    assert world.tables() == set()
    world.change(on_violation="quarantine")
    assert world.account(world.ingest()) == (2, 1, 1, 0)


def test_on_violation_warn_loads_what_fits_the_columns(world: World) -> None:
    products(world, on_violation="warn")
    world.api.data["/items"] = [GOOD, {"id": 2, "price": -1}, FREE]
    result = world.ingest()
    assert world.account(result) == (3, 2, 1, 0)
    assert world.rows("id, price") == [(1, 9.5), (2, -1.0)]
    assert len(result.violations) >= 2


@pytest.mark.parametrize("limit", [Limit(count=1), Limit(share=0.1)])
def test_more_rejected_than_allowed_loads_nothing_until_the_limit_is_raised(
    world: World, limit: Limit
) -> None:
    products(world, max_rejected=limit)
    world.api.data["/items"] = [GOOD, FREE, NAMELESS]
    with pytest.raises(ChecksFailed, match="Nothing of this source was loaded") as failed:
        world.ingest()
    assert failed.value.code == "E411"
    assert world.tables() == set()
    world.change(max_rejected=None)
    assert world.account(world.ingest()) == (3, 1, 2, 0)


def test_a_limit_that_is_passed_in_one_resource_keeps_the_others_from_loading(world: World) -> None:
    world.api.data["/others"] = [{"id": 1}]
    world.api.data["/items"] = [FREE]
    contract = world.contract("items", SCHEMA)
    world.rest(others=RestResource(), items=RestResource(contract=contract, max_rejected=Limit(share=0.0)))
    with pytest.raises(ChecksFailed):
        world.ingest()
    assert world.tables() == set()


def test_expected_count_compares_what_the_api_tells(world: World) -> None:
    products(world, expected_count=ExpectedCount("items/count"))
    world.api.data["/items"] = [GOOD, FREE]
    [check] = world.ingest().checks
    assert (check.name, check.status) == ("count:items", "passed")
    world.api.data["/items/count"] = {"count": 3}
    with pytest.raises(ChecksFailed, match="the API tells 3 records, 2 were extracted") as failed:
        world.api.data["/items"] = [{**GOOD, "price": 1}, FREE]
        world.ingest()
    assert failed.value.code == "E412"
    assert world.rows("id, price") == [(1, 9.5)]
    world.change(expected_count=ExpectedCount("items/count", on_mismatch="warn"))
    [check] = world.ingest().checks
    assert (check.status, check.failures) == ("warned", 1)
    assert world.rows("id, price") == [(1, 1.0)]


def test_a_count_that_is_no_number_is_the_sources_error(duck: World) -> None:
    products(duck, expected_count=ExpectedCount("items/count", field="total"))
    duck.api.data["/items"] = [GOOD]
    with pytest.raises(SourceError, match=r"shop.items: items/count tells no number at 'total'"):
        duck.ingest()
    assert duck.tables() == set()
    duck.change(expected_count=None)
    duck.ingest()
    assert duck.rows("id") == [(1,)]


def test_a_contract_that_is_no_schema_is_a_usage_error_and_touches_nothing(duck: World) -> None:
    duck.rest(items=RestResource(contract=duck.contract("items", {"type": "strnig"})))
    with pytest.raises(UsageError, match=r"sources/items.schema.json is not a valid JSON Schema"):
        duck.ingest()
    assert duck.api.requests == []


def test_a_contracts_types_are_the_columns_types(world: World) -> None:
    schema = {
        "properties": {
            "whole": {"type": "integer"},
            "part": {"type": ["number", "null"]},
            "code": {"type": "string"},
            "at": {"type": "string", "format": "date-time"},
            "inner": {"type": "object", "properties": {"deep": {"type": "number"}}},
        }
    }
    world.rest(items=RestResource(contract=world.contract("items", schema)))
    row = {"whole": 1, "part": 2, "code": "2024-01-01", "at": "2024-01-01T00:00:00Z", "inner": {"deep": 1}}
    world.api.data["/items"] = [row, {"code": "A-1", "part": None}]
    assert world.account(world.ingest()) == (2, 2, 0, 0)
    [_, found] = world.rows("code, part, whole, inner__deep, at")
    assert found[:4] == ("A-1", None, None, None) or found[:4] == ("2024-01-01", 2.0, 1, 1.0)
    assert {type(value) for (value,) in world.rows("at") if value is not None} == {datetime}
    assert {value for (value,) in world.rows("code")} == {"2024-01-01", "A-1"}


def test_rejected_records_are_found_by_the_first_letters_of_their_id(world: World) -> None:
    products(world)
    world.api.data["/items"] = [GOOD, FREE, NAMELESS]
    world.ingest()
    with world.warehouse.exclusive():
        found = list_rejected(world.project, world.warehouse, source="shop", resource="items")
        assert len(found) == 2
        assert {each.run_id for each in found} == {"run1"}
        one = found[0]
        assert find_rejected(world.project, world.warehouse, one.id[:8]) == one
        assert list_rejected(world.project, world.warehouse, resource="nothing") == []
        for unknown in ("zzz", "", "%", "_"):
            with pytest.raises(UsageError, match="No record in quarantine"):
                find_rejected(world.project, world.warehouse, unknown)


def test_list_of_rejected_records_is_empty_before_anything_was_rejected(duck: World) -> None:
    products(duck)
    with duck.warehouse.exclusive():
        assert list_rejected(duck.project, duck.warehouse) == []


def test_scd2_keeps_the_current_version_of_a_record_whose_next_one_is_rejected(world: World) -> None:
    products(world, write_disposition="scd2")
    world.api.data["/items"] = [GOOD, {"id": 2, "price": 5}, {"id": 3, "price": 7}]
    world.ingest()
    world.api.data["/items"] = [GOOD, FREE]
    world.ingest()
    current = world.query("SELECT id FROM bronze_shop.items WHERE _dlt_valid_to IS NULL ORDER BY id")
    assert current == [(1,), (2,)]


def test_a_json_column_of_the_contract_is_kept_whole(world: World) -> None:
    world.rest(items=RestResource(columns={"extra": Column(data_type="json")}))
    world.api.data["/items"] = [{"id": 1, "extra": {"a": [1, {"b": "c"}]}}]
    world.ingest()
    assert world.tables() == {"items"}
